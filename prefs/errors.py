"""Every error that Kallisti raises on purpose, as one tree.

    KallistiError
    |-- InputError          something a person gave us is not usable
    |   |-- QuestionError   a question, an option or an answer index
    |   |-- DataError       a survey folder, responses, a transcript, an import
    |   |-- GalleryError    a folder of pictures or shards
    |   `-- ConfigError     an option of a command, an environment variable
    |-- ModelError          a choice model that is damaged, of another version or not finite
    |-- IndexingError       an image index that is damaged or made by another encoder
    |-- StoreError          the answer database
    |   |-- StoreVersionError   the database was written by a newer Kallisti
    |   |-- NotFoundError       no such rater, interview or question, or it is somebody else's
    |   `-- NotDurableError     an answer could not be made durable; nothing was recorded
    |-- ClusterError        other machines could not finish the work
    `-- MissingPartError    an optional package is not installed

A message is one line: what happened, the value, what was allowed, what to do next.
The command line prints that line and exits with code 2; the web app shows it in place.
"""

from __future__ import annotations


class KallistiError(Exception):
    """Root of the tree: catch this to catch everything that Kallisti raises on purpose."""


class InputError(KallistiError):
    """Something that a person gave is not usable."""


class QuestionError(InputError):
    """A question, an option or an answer index is not usable."""


class DataError(InputError):
    """A survey folder, a responses table, a transcript or an import is not usable."""


class GalleryError(InputError):
    """A folder of pictures or shards is not usable."""


class ConfigError(InputError):
    """An option of a command or an environment variable is not usable."""


class ModelError(KallistiError):
    """A choice model is damaged, of another version or not finite."""


class IndexingError(KallistiError):
    """An image index is damaged or was made by another encoder."""


class StoreError(KallistiError):
    """The answer database cannot be used."""


class StoreVersionError(StoreError):
    """The database was written by a newer Kallisti."""


class NotFoundError(StoreError):
    """There is no such rater, interview or question, or it belongs to somebody else."""


class NotDurableError(StoreError):
    """An answer could not be made durable; nothing was recorded, so it can be sent again."""


class ClusterError(KallistiError):
    """Other machines could not finish the work; what is written goes on with `--resume`."""


class MissingPartError(KallistiError):
    """An optional package is not installed; the message holds the install line."""
