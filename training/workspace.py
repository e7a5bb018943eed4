"""A prepared installation: galleries, banks, the answer store and the choice model over them.

`Workspace.open` prepares what is not prepared yet (draws the embedded gallery, indexes pictures, fits
banks) into the data folder, so that the next start only reads, and makes interviews for raters. The
way from a prepared folder to the first question imports no torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prefs.beforehand import as_text, check_note, note_of, together
from prefs.errors import ConfigError, GalleryError
from prefs.gallerypools import PairPool
from prefs.interview import Interview
from prefs.model import ChoiceModel, GallerySource, Source
from prefs.planner import Acquisition, Chooses, Planner, Scores
from prefs.pools import BankPool, Pool, content
from prefs.questions import Answer, Question
from prefs.space import Floats, independent
from prefs.stopper import Stopper
from prefs.store import Store
from training import pictures
from training.fitted import FittedBank
from training.openbanks import open_banks, unanswered
from training.opengalleries import (
    OpenGallery,
    Progress,
    embedded_gallery,
    known_galleries,
    lookup,
    open_galleries,
    remember,
    topics,
)

Known = Mapping[str, int | str]
DATABASE = "kallisti.sqlite"


def quiet(stage: str, done: int, total: int) -> None:
    """The progress callback of those who do not watch."""


@dataclass(frozen=True)
class Workspace:
    """Everything that is open: make it with `Workspace.open`, close the store when done.

    galleries, banks: by name, in the order given. topics: topic of every picture by item id.
    encoder_note: which encoder reads the pictures and why, for the screen. notes: skipped files and
    other things that the person should know. known, note: answers and free words given beforehand
    (`--about`).
    """

    data_dir: Path
    store: Store
    galleries: Mapping[str, OpenGallery]
    banks: Mapping[str, FittedBank]
    model: ChoiceModel
    topics: Mapping[str, str]
    encoder_note: str
    notes: tuple[str, ...]
    known: tuple[tuple[Question, Answer], ...]
    note: str = ""
    _pools: dict[frozenset[str] | None, list[Pool]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def open(
        cls,
        data_dir: Path,
        galleries: Sequence[Path] = (),
        banks: Sequence[str] = (),
        *,
        encoder: str = "auto",
        database_url: str | None = None,
        progress: Progress | None = None,
        consent: Callable[[str], bool] | None = None,
        known: Known | None = None,
        note: str = "",
        earlier: bool = False,
    ) -> Workspace:
        """Opens galleries and banks, preparing what is new; with neither, the embedded gallery.

        consent: asked before anything is downloaded; without it nothing is. earlier: opens the
        galleries that were asked about before as well, so that answers about them count for the
        given ones; one that cannot be opened any more is left out, and noted.

        Raises:
            KallistiError: a gallery, bank, encoder, database or known answer is not usable.
        """
        report = progress or quiet
        check_note(note)
        make_folder(data_dir)
        store = Store.open(database_url or data_dir / DATABASE)
        try:
            fitted = open_banks(banks, data_dir, report)
            responses = _known(known or {}, fitted)
            paths = [Path(path) for path in galleries]
            if not paths and not fitted:
                paths = [embedded_gallery(data_dir, report)]
            asked_before = known_galleries(data_dir) if earlier else []
            opened, reads, gone = open_galleries(paths, asked_before, data_dir, encoder, report, consent)
            if not earlier:
                remember(data_dir, opened.values())
            return cls(
                data_dir=data_dir,
                store=store,
                galleries=opened,
                banks=fitted,
                model=_model(list(opened.values()), list(fitted.values()), data_dir),
                topics=topics(list(opened.values())),
                encoder_note=reads,
                notes=(*(line for one in opened.values() for line in one.notes), *gone, *unanswered(fitted)),
                known=responses,
                note=note,
            )
        except BaseException:
            store.close()
            raise

    def contents(self) -> list[str]:
        """What can be asked about, as the person chooses it: "taste/flow fields", "personality"."""
        found = [content("taste", topic) for topic in sorted(set(self.topics.values()))]
        found += [
            content(question.domain, question.topic)
            for fitted in self.banks.values()
            for question in fitted.bank.questions
        ]
        return list(dict.fromkeys(found))

    def pools(self, chosen: Collection[str] | None = None) -> list[Pool]:
        """One pool for all pictures and one for each bank, cut down to the chosen contents."""
        key = None if chosen is None else frozenset(chosen)
        if key not in self._pools:
            self._pools[key] = self._made_pools(key)
        return self._pools[key]

    def _made_pools(self, chosen: frozenset[str] | None) -> list[Pool]:
        found: list[Pool] = []
        if self.galleries:
            found.append(
                PairPool(
                    self.pictures,
                    pictures.proposer(),
                    topics=self.topics,
                    chosen=chosen,
                    alt=self.alt,
                )
            )
        found += [BankPool(one.bank, one.source(self.model.space), chosen) for one in self.banks.values()]
        return [pool for pool in found if pool.contents]

    def interview(
        self,
        rater_id: str,
        *,
        chosen: Collection[str] | None = None,
        acquisition: Acquisition = "eig",
        scores: Scores | None = None,
        planner: Chooses | None = None,
        stopper: Stopper | None = None,
        known: bool = True,
    ) -> Interview:
        """The rater's interview, replayed from everything that the store holds of this person.

        scores: of a policy head, for the acquisition "policy". planner: chooses in its own way instead.
        known: whether the answers of `--about` are of this rater; what the rater told beforehand always
        counts.

        Raises:
            ConfigError: nothing can be asked about what was chosen.
        """
        pools = self.pools(chosen)
        if not pools:
            raise ConfigError(f"nothing to ask about {sorted(chosen or ())}: allowed are {self.contents()}")
        asked, entries = self.store.log_of_rater(rater_id)
        seed = int.from_bytes(hashlib.sha256(rater_id.encode()).digest()[:4])
        chooser = planner or Planner(acquisition=acquisition, scores=scores, limit_s=1.0)
        before = together(self.known if known else (), self.store.told(rater_id))
        return Interview(self.model, pools, chooser, stopper, asked, entries, seed=seed, known=before)

    def context(self, rater_id: str) -> str:
        """All that is known of a rater beforehand, notes first, as `vlm.interviewer` reads it (`about`)."""
        told = self.store.told(rater_id)
        return as_text(together(self.known, told), self.note, note_of(told))

    @cached_property
    def _gallery_of(self) -> Mapping[str, OpenGallery]:
        return lookup(list(self.galleries.values()))

    def start(self, rater_id: str, settings: Mapping[str, object]) -> str:
        """Begins an interview in the store and returns its id."""
        return self.store.start(rater_id, dict(settings), model_version=self.model.version)

    @property
    def pictures(self) -> GallerySource:
        """The source of all open pictures; raises GalleryError where no gallery is open."""
        found = self.model.sources.get(pictures.SOURCE)
        if not isinstance(found, GallerySource):
            raise GalleryError("no gallery is open: name one with --gallery")
        return found

    def rows_of(self, path: Path) -> NDArray[np.intp]:
        """Rows of the picture source that are in the gallery of this folder."""
        for one in self.galleries.values():
            if one.gallery.root.samefile(path.expanduser()):
                return np.array([self.pictures.row(item) for item in one.index.items], dtype=np.intp)
        raise GalleryError(f"gallery {path} is not open: open are {', '.join(self.galleries) or 'none'}")

    def name_of(self, item: str) -> str:
        """Path of a picture below its gallery, or its name in a shard, for the person whose picture it is."""
        return self._gallery_of[item].gallery.source(item).key

    def image(self, item: str, side: int) -> tuple[bytes, str]:
        """A picture for the screen: encoded bytes without metadata, long side at most `side`, media type.

        Raises:
            GalleryError: no such picture.
        """
        found = self._gallery_of.get(item)
        if found is None:
            raise GalleryError(f"picture {item!r} is in none of the open galleries")
        return found.thumbnails.get(item, side)

    def alt(self, item: str) -> str:
        """What the picture shows, for those who cannot see it; never its file name."""
        found = self._gallery_of.get(item)
        return found.gallery.alt(item) if found else "a picture that is not open now"

    def close(self) -> None:
        """Closes the store."""
        self.store.close()


def make_folder(data_dir: Path) -> None:
    """Makes the data folder; raises ConfigError where that cannot be."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise ConfigError(
            f"data folder {data_dir} cannot be made ({problem.strerror}): name a folder with --data-dir"
        ) from problem


def _model(galleries: Sequence[OpenGallery], banks: Sequence[FittedBank], data_dir: Path) -> ChoiceModel:
    """The choice model over all that is open; blocks of different origin are independent a priori."""
    blocks: list[tuple[str, Floats, Floats]] = []
    version = hashlib.sha256()
    items: tuple[str, ...] = ()
    taste: Floats = np.zeros((0, 0))
    strengths: dict[str, Sequence[tuple[float, float]]] = {}
    if galleries:
        from indexing.projection import STRENGTHS

        strengths[pictures.SOURCE] = STRENGTHS
        items, taste = pictures.project(galleries, data_dir)
        blocks.append((pictures.SOURCE, np.zeros(taste.shape[1]), np.eye(taste.shape[1])))
        version.update("\n".join([*items, str(STRENGTHS)]).encode() + taste.tobytes())
    for one in banks:
        if one.block[0] not in [name for name, _, _ in blocks]:  # banks fitted together share one
            blocks.append(one.block)
        version.update(one.version.encode())
    space = independent(blocks, strengths)
    sources: dict[str, Source] = {}
    if galleries:
        sources[pictures.SOURCE] = pictures.source(items, taste, space)
    for one in banks:
        sources[one.bank.name] = one.source(space)
    return ChoiceModel(space, sources, version.hexdigest()[:16])


def _known(answers: Known, banks: Mapping[str, FittedBank]) -> tuple[tuple[Question, Answer], ...]:
    """Answers given beforehand, as responses.

    Raises:
        ConfigError: a question of no open bank or of several, or an answer that is not one of its options.
    """
    found = []
    for name, answer in answers.items():
        question = _named(name, banks)
        labels = [option.markdown for option in question.options]
        index = labels.index(answer) if isinstance(answer, str) and answer in labels else answer
        if not isinstance(index, int) or not 0 <= index < len(labels):
            raise ConfigError(f"--about: answer {answer!r} to {name!r}: allowed are {labels} or their index")
        found.append((question, index))
    return tuple(found)


def _named(name: str, banks: Mapping[str, FittedBank]) -> Question:
    """The question that `ID` or `BANK/ID` means; raises ConfigError where that is none or several."""
    found = {bank: one.bank[name] for bank, one in banks.items() if name in one.bank}
    for bank, one in banks.items():
        if (rest := name.removeprefix(f"{bank}/")) != name and rest in one.bank:
            found[bank] = one.bank[rest]
    if not found:
        raise ConfigError(f"--about: question {name!r} is in none of the open banks ({', '.join(banks)})")
    if len(found) > 1:
        names = ", ".join(repr(f"{bank}/{question.question_id}") for bank, question in found.items())
        raise ConfigError(f"--about: question {name!r} is in several of the open banks: name one of {names}")
    return next(iter(found.values()))
