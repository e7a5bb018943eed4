"""A reader: the vectors of any questions, in batches, each passage read once.

What was read of a passage (d + 5 numbers) is kept in memory, and on disk where a cache folder is given, by
what was in the passage and by the vectors of its pictures. Planning over ten thousand questions then costs
the assembly of their vectors, and a new picture of a gallery one passage.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prefs.bank import ItemBank
from prefs.markdown import Picture, Text
from prefs.model import QuestionVectors
from prefs.questions import KINDS, PRETTIER, Kind, Question
from prefs.space import Floats
from vlm.assemble import Layout, assemble
from vlm.batch import Batcher, Written
from vlm.passages import Break, Passage
from vlm.readcache import ReadCache
from vlm.saved import load_reader

if TYPE_CHECKING:
    from vlm.model import PreferenceVLM

OTHERS = 5  # numbers read of a passage beside its taste: appeal, three bends, side
TOKENS, TOKENS_GPU = 2048, 32_768  # read at once, with their padding
Values = NDArray[np.float32]
Pictures = Mapping[str, Values]
Told = Callable[[str, int, int], None]


class Reader:
    """Reads questions with a model in evaluation mode. version: names its parameters.

    notices: passages that had to be shortened, counted over all that was read.
    """

    def __init__(self, model: PreferenceVLM, tokenizer: Any, version: str, cache: Path | None = None) -> None:
        self.model, self.tokenizer, self.version = model.eval(), tokenizer, version
        self.notices = Counter[str]()
        self._cache = ReadCache(None if cache is None else cache / f"{version}.sqlite", self.width)

    @classmethod
    def open(cls, folder: Path, cache: Path | None = None, device: str = "") -> Reader:
        """The reader of a folder that `vlm.saved.save_reader` wrote.

        cache: folder in which what was read is kept. device: of torch, by default a GPU if there is one.

        Raises:
            ModelError: a folder that is damaged, foreign or of another configuration. MissingPartError: a
                package is absent.
        """
        model, tokenizer, version = load_reader(folder)
        import torch

        chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
        network: Any = model  # a move to a device is typed for devices only
        return cls(network.to(chosen), tokenizer, version, cache)

    @property
    def width(self) -> int:
        """Numbers that are read of a passage: taste, appeal, bends and side."""
        return int(self.model.config.dim) + OTHERS

    def read(
        self, questions: Sequence[Question], pictures: Pictures | None = None, told: Told | None = None
    ) -> QuestionVectors:
        """phi (N, K, 2 + d) by agree, extreme and taste, and g (N, K), of N questions.

        pictures: vectors by item id, made by the encoder that the model reads. told(stage, done, total)
        hears of progress.

        Raises:
            QuestionError: a question that cannot be read, or a picture that is not given. ModelError:
                pictures of another encoder.
        """
        batcher = Batcher(self.tokenizer, self.model.config, pictures)
        passages, layout = batcher.plan(questions)
        return self._assembled(layout, self._values(passages, batcher, told))

    def bank(self, bank: ItemBank, pictures: Pictures | None = None) -> tuple[Floats, Floats]:
        """phi (Q, K, 2 + d) and g (Q, K) of a bank's questions, in its order. Raises as `read`."""
        vectors = self.read(bank.questions, pictures)
        return vectors.phi, vectors.g

    @property
    def scales(self) -> dict[Kind, float]:
        """Discrimination of each kind of question."""
        return dict(zip(KINDS, self.model.log_scale.detach().exp().tolist(), strict=True))

    @property
    def log_nu(self) -> float:
        """Popularity of a tie."""
        return float(self.model.log_nu)

    def gallery(
        self, items: Sequence[str], pictures: Pictures, asked: str = PRETTIER, told: Told | None = None
    ) -> tuple[Floats, Floats]:
        """Taste (N, d) and appeal (N,) of N pictures as options of pairs and grids, before `scales`.

        They are what `prefs.model.GallerySource` takes, so that a pair costs a subtraction.

        Raises:
            as `read`.
        """
        batcher = Batcher(self.tokenizer, self.model.config, pictures)
        passages = [Passage((Text(asked), Break(), Picture(item, ""))) for item in items]
        for passage in passages:
            batcher.check("a gallery", passage)
        values = self._values(passages, batcher, told).astype(np.float64)
        size = self.width - OTHERS
        return values[:, :size], values[:, size]

    def _values(self, passages: Sequence[Passage], batcher: Batcher, told: Told | None) -> Values:
        """(N, d + 5) what is known or read now of passages."""
        keys = [_key(passage, batcher.pictures) for passage in passages]
        found, absent = self._cache.get(keys)
        if len(absent):
            fresh = self._fresh([passages[row] for row in absent], batcher, told)
            found[absent] = fresh
            self._cache.put([keys[row] for row in absent], fresh)
            self.notices += batcher.notices
        return found

    def _fresh(self, passages: Sequence[Passage], batcher: Batcher, told: Told | None) -> Values:
        """(N, d + 5) what the model reads of passages, the short ones first, in batches of like length."""
        import torch

        written = batcher.write(passages)
        order = sorted(range(len(written)), key=lambda row: (len(written[row].tokens), row))
        found = np.empty((len(written), self.width), np.float32)
        most, done = TOKENS if self.model.device.type == "cpu" else TOKENS_GPU, 0
        with torch.inference_mode():
            for rows in _batches(written, order, most):
                batch = batcher.tensors([written[row] for row in rows]).to(self.model.device)
                read = self.model(**batch.inputs)
                joined = torch.cat([read.taste, read.appeal[:, None], read.bends, read.side[:, None]], dim=1)
                found[rows] = joined.float().cpu().numpy()
                done += len(rows)
                if told:
                    told("reading", done, len(written))
        return found

    def _assembled(self, layout: Layout, found: Values) -> QuestionVectors:
        import torch

        from vlm.heads import Read

        values = torch.from_numpy(found).to(self.model.device, torch.float64)
        size = self.width - OTHERS
        read = Read(values[:, :size], values[:, size], values[:, size + 1 : -1], values[:, -1])
        with torch.inference_mode():
            phi, g = assemble(layout, read, self.model)
        return QuestionVectors(phi.double().cpu().numpy(), g.double().cpu().numpy())


def _batches(written: Sequence[Written], order: Sequence[int], most: int) -> list[list[int]]:
    """The rows in batches that hold at most so many tokens with their padding."""
    found: list[list[int]] = []
    for row in order:
        length = len(written[row].tokens)
        if not found or (len(found[-1]) + 1) * length > most:
            found.append([])
        found[-1].append(row)
    return found


def _key(passage: Passage, pictures: Pictures) -> bytes:
    """Names what is read: the texts of a passage and the vectors of its pictures."""
    digest = hashlib.blake2b(passage.key.encode(), digest_size=16)
    for item in passage.items:
        digest.update(np.ascontiguousarray(pictures[item], np.float32).tobytes())
    return digest.digest()
