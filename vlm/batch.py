"""From questions to the tensors that a `PreferenceVLM` reads: tokens, pictures in their places, the layout.

A passage is framed as the backbone knows texts: `[CLS] question [SEP] label [SEP]` for an encoder, lines
that end with the end-of-text token for a causal model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prefs.errors import ConfigError, ModelError, QuestionError
from prefs.markdown import Picture, Text
from prefs.questions import Question
from vlm.assemble import Layout
from vlm.passages import Break, Part, Passage, passages_of

if TYPE_CHECKING:
    import torch

    from vlm.config import PreferenceConfig

LEAST = 8  # tokens of the question that stay whatever the labels take
ROOM = LEAST + 2  # fewest tokens beside the frame
KNOWN = 200_000  # texts of which the tokens are kept
SHORT_QUESTION = "passage with a question shortened to fit max_tokens"
SHORT_LABEL = "passage with labels shortened to fit max_tokens"

Tokens = list[int]
Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Frame:
    """Tokens before, between and after the parts of a passage, and the token that pads."""

    start: tuple[int, ...]
    between: tuple[int, ...]
    end: tuple[int, ...]
    pad: int

    @classmethod
    def of(cls, tokenizer: Any, reads: str) -> Frame:
        """As the texts of a tokenizer's model are framed.

        Raises:
            ModelError: a tokenizer without the tokens that this takes.
        """
        pad = tokenizer.pad_token_id
        if reads == "encoder":
            start = tokenizer.cls_token_id if tokenizer.cls_token_id is not None else tokenizer.bos_token_id
            stop = tokenizer.sep_token_id if tokenizer.sep_token_id is not None else tokenizer.eos_token_id
            if start is None or stop is None:
                raise ModelError("the backbone's tokenizer has no tokens that start and separate texts")
            return cls((start,), (stop,), (stop,), 0 if pad is None else pad)
        line = tuple(tokenizer.encode("\n", add_special_tokens=False))
        start, stop = tokenizer.bos_token_id, tokenizer.eos_token_id
        if stop is None or not line:
            raise ModelError("the backbone's tokenizer has no token for a new line or the end of a text")
        first = () if start is None or start == stop else (start,)
        return cls(first, line, (stop,), stop if pad is None else pad)

    def around(self, tokenizer: Any, before: str, after: str) -> Frame:
        """The frame with texts before and after every passage, in place of the end."""
        texts = (before, after)
        start, end = (tuple(tokenizer.encode(text, add_special_tokens=False)) for text in texts)
        return replace(self, start=(*self.start, *start), end=end or self.end)


@dataclass(frozen=True)
class Batch:
    """N passages ready to be read, and the questions that they make.

    input_ids, attention_mask: (N, T). pictures: (P, width) and slots: (P, 2) passage and first token of
    each, None without pictures. layout: of the questions. notices: what was shortened, counted.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    pictures: torch.Tensor | None
    slots: torch.Tensor | None
    layout: Layout
    notices: Counter[str]

    @property
    def inputs(self) -> dict[str, Any]:
        """The arguments of `PreferenceVLM.forward`."""
        return {
            "input_ids": self.input_ids,
            "attention_mask": self.attention_mask,
            "pictures": self.pictures,
            "slots": self.slots,
        }

    def to(self, device: Any) -> Batch:
        """The batch on a device."""
        return replace(
            self,
            input_ids=self.input_ids.to(device),
            attention_mask=self.attention_mask.to(device),
            pictures=None if self.pictures is None else self.pictures.to(device),
            slots=None if self.slots is None else self.slots.to(device),
        )


@dataclass(frozen=True)
class Written:
    """A passage as tokens, with the first token of each of its pictures."""

    tokens: Tokens
    slots: tuple[tuple[str, int], ...]


class Batcher:
    """Makes batches for one model.

    pictures: vectors (width,) by item id; where they tell their `encoder`, it must be the model's.

    Raises:
        ModelError: pictures of another encoder or another width. ConfigError: `max_tokens` leaves no room
            for texts.
    """

    def __init__(
        self, tokenizer: Any, config: PreferenceConfig, pictures: Mapping[str, Vectors] | None = None
    ) -> None:
        self.tokenizer, self.config = tokenizer, config
        self.pictures = {} if pictures is None else pictures
        self.frame = Frame.of(tokenizer, config.reads)
        if config.frame is not None:
            self.frame = self.frame.around(tokenizer, *config.frame)
        self.notices = Counter[str]()
        self._known: dict[str, Tokens] = {}
        room = config.max_tokens - self._around(2)
        if room < ROOM:
            raise ConfigError(
                f"the reading model has max_tokens {config.max_tokens}, of which {self._around(2)} frame a "
                f"passage: at least {self._around(2) + ROOM} are needed"
            )
        encoder = getattr(pictures, "encoder", config.encoder)
        if config.width and encoder != config.encoder:
            raise ModelError(
                f"pictures of encoder {encoder!r} for a model that reads those of {config.encoder!r}: "
                "index the gallery with that encoder"
            )

    def batch(self, questions: Sequence[Question]) -> Batch:
        """The batch of some questions; a passage that several share is in it once.

        Raises:
            QuestionError: a question that cannot be read, or a picture that is not given.
        """
        passages, layout = self.plan(questions)
        before = self.notices.copy()
        written = self.write(passages)
        return replace(self.tensors(written), layout=layout, notices=self.notices - before)

    def plan(self, questions: Sequence[Question]) -> tuple[list[Passage], Layout]:
        """The passages of some questions, each once, and the layout over them. Raises as `batch`."""
        read = []
        unique: dict[str, Passage] = {}
        row: dict[str, int] = {}
        for question in questions:
            form, passages = passages_of(question, apart=self.config.signs > 0)
            for passage in passages:
                if row.setdefault(passage.key, len(row)) == len(unique):
                    self.check(f"question {question.question_id[:60]!r}", passage)
                    unique[passage.key] = passage
            read.append((form, passages))
        return list(unique.values()), Layout.of(questions, read, row)

    def write(self, passages: Sequence[Passage]) -> list[Written]:
        """The passages as tokens, shortened to `max_tokens` where they must be, which is counted."""
        texts = {part.text for passage in passages for part in passage.parts if isinstance(part, Text)}
        fresh = sorted(texts - self._known.keys())
        if fresh:
            if len(self._known) > KNOWN:
                self._known = {text: self._known[text] for text in texts & self._known.keys()}
            found = self.tokenizer(fresh, add_special_tokens=False, verbose=False)["input_ids"]
            self._known.update(zip(fresh, found, strict=True))
        return [self._written(passage) for passage in passages]

    def tensors(self, written: Sequence[Written]) -> Batch:
        """The batch of some passages, without questions."""
        import torch

        longest = max((len(one.tokens) for one in written), default=1)
        ids = np.full((len(written), longest), self.frame.pad, np.int64)
        mask = np.zeros((len(written), longest), np.int64)
        slots, vectors = [], []
        for row, one in enumerate(written):
            ids[row, : len(one.tokens)] = one.tokens
            mask[row, : len(one.tokens)] = 1
            slots += [(row, first) for _, first in one.slots]
            vectors += [self.pictures[item] for item, _ in one.slots]
        shown = torch.from_numpy(np.stack(vectors).astype(np.float32)) if vectors else None
        places = torch.tensor(slots, dtype=torch.int64) if slots else None
        nothing = Layout.of([], [], {})
        return Batch(torch.from_numpy(ids), torch.from_numpy(mask), shown, places, nothing, Counter())

    def check(self, name: str, passage: Passage) -> None:
        """Raises as `batch` where a picture of a passage is not given, or more are shown than find room;
        name: of what shows them."""
        most = (self.config.max_tokens - self._around(2) - LEAST) // self.config.picture_tokens
        if len(passage.items) > most:
            raise QuestionError(f"{name} shows {len(passage.items)} pictures at once: allowed are {most}")
        for item in passage.items:
            where = f"{name} shows picture {item!r}"
            if not self.config.width:
                raise QuestionError(f"{where}, and the model was trained without pictures: ask it in words")
            if item not in self.pictures:
                raise QuestionError(f"{where}, which is not given: index its gallery")
            shape = np.shape(self.pictures[item])
            if shape != (self.config.width,):
                raise ModelError(
                    f"picture {item!r} has a vector of shape {shape}, the model reads "
                    f"({self.config.width},) of encoder {self.config.encoder!r}: index the gallery with it"
                )

    def _written(self, passage: Passage) -> Written:
        """The passage in its frame, within `max_tokens`."""
        asked, *labels = _split(passage.parts)
        sections = [[self._section(part) for part in section] for section in (asked, *labels)]
        frame = self.frame
        room = self.config.max_tokens - self._around(len(labels))
        sizes = [sum(len(tokens) for _, tokens in section) for section in sections]
        if sum(sizes) > room:
            most = room - min(sizes[0], LEAST)
            if sum(sizes[1:]) > most:
                self.notices[SHORT_LABEL] += 1
                sections[1:] = [_shortened(section, most // len(labels)) for section in sections[1:]]
                sizes[1:] = [sum(len(tokens) for _, tokens in section) for section in sections[1:]]
            if sum(sizes) > room:
                self.notices[SHORT_QUESTION] += 1
                sections[0] = _shortened(sections[0], room - sum(sizes[1:]))
        tokens, slots = [*frame.start], []
        for place, section in enumerate(sections):
            tokens += frame.between if place else ()
            for item, own in section:
                if item is not None:
                    slots.append((item, len(tokens)))
                tokens += own
        return Written([*tokens, *frame.end], tuple(slots))

    def _around(self, labels: int) -> int:
        """Tokens of the frame of a passage with so many labels."""
        frame = self.frame
        return len(frame.start) + len(frame.end) + len(frame.between) * labels

    def _section(self, part: Part) -> tuple[str | None, Tokens]:
        """The item of a picture, if it is one, and the tokens of a part."""
        if isinstance(part, Picture):
            return part.item, [self.frame.pad] * self.config.picture_tokens
        return None, self._known[part.text] if isinstance(part, Text) else []


def _split(parts: Sequence[Part]) -> list[list[Part]]:
    """The question and the labels of a passage."""
    found: list[list[Part]] = [[]]
    for part in parts:
        if isinstance(part, Break):
            found.append([])
        else:
            found[-1].append(part)
    return found


def _shortened(section: list[tuple[str | None, Tokens]], room: int) -> list[tuple[str | None, Tokens]]:
    """The section without the middle of its words, so that it has at most `room` tokens; pictures stay."""
    words = sum(len(tokens) for item, tokens in section if item is None)
    pictures = sum(len(tokens) for item, tokens in section if item is not None)
    left = max(0, room - pictures)
    if words <= left:
        return section
    first, last = left - left // 2, words - left // 2
    found, place = list[tuple[str | None, Tokens]](), 0
    for item, tokens in section:
        if item is None:
            kept = [one for at, one in enumerate(tokens, place) if at < first or at >= last]
            place += len(tokens)
            found.append((None, kept))
        else:
            found.append((item, tokens))
    return found
