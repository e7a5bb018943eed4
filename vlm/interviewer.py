"""The interviewer: a language model that was trained on planned interviews, and asks.

With the dialogue so far it writes the next question freely, or, given a bank, picks one of the bank's that
was not asked yet. What the model has read of a dialogue is kept, so that going on costs the new turn only.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.bank import ItemBank
from prefs.errors import ModelError, QuestionError
from prefs.questions import Option, Question
from prefs.transcripts import Turn
from vlm.asking_head import PolicyHead
from vlm.interviewer_files import HEAD, open_interviewer
from vlm.interviewer_text import Encoded, about_text, chat, check_length, encode, question_text, tokens
from vlm.interviewer_trie import Found, Trie

log = logging.getLogger(__name__)

MOST = 48  # prefixes that are read for one question
LONGEST = 200  # tokens of a question that is written freely
ROOM = 256  # tokens kept free for the next question
FREE = "interviewer"  # source of questions that are written freely

About = str | Mapping[str, int | str]


@dataclass
class Interviewer:
    """A language model with its tokenizer. most: prefixes that are read at most for one question."""

    model: Any
    tokenizer: Any
    head: PolicyHead | None = None
    most: int = MOST
    _cache: Any = field(default=None, repr=False)
    _read: list[int] = field(default_factory=list, repr=False)
    _tries: dict[tuple[int, tuple[str, ...]], tuple[ItemBank, Trie]] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, folder: Path) -> Interviewer:
        """The interviewer that `kallisti train --kind interviewer` wrote.

        Raises:
            ModelError: missing, damaged or foreign files.
        """
        model, tokenizer = open_interviewer(folder)
        head = PolicyHead.load(folder / HEAD) if (folder / HEAD).is_dir() else None
        return cls(model, tokenizer, head)

    def next_question(
        self, dialogue: Sequence[Turn], bank: ItemBank | None = None, about: About | None = None
    ) -> Question | None:
        """The next question; of the bank where one is given, None when all of it was asked.

        dialogue: turns so far. about: what is known beforehand, as notes or as answers by question id;
        questions answered there are not asked either. A question that is written freely has the source
        "interviewer".

        Raises:
            QuestionError: an answer in `about` that its question does not have, a question of over 20,000
                characters, or the model wrote no question with two options.
        """
        if bank is None:
            return self._written(dialogue, about_text(about or "", {}))
        found = self.pick(dialogue, bank, about)
        return None if found is None else bank.questions[found.row]

    def pick(
        self,
        dialogue: Sequence[Turn],
        bank: ItemBank,
        about: About | None = None,
        *,
        among: Collection[str] | None = None,
    ) -> Found | None:
        """The row of the bank's most probable next question, with its log probability (nats).

        among: ids of the questions that may be asked, None for all.
        """
        known = _known(about, bank)
        asked = {turn.question_id for turn in dialogue} | known.keys()
        left = [one.question_id not in asked for one in bank.questions]
        allowed = np.array(left) & [among is None or one.question_id in among for one in bank.questions]
        if not allowed.any():
            return None
        before = dialogue[-1].options if dialogue else ()
        notes = about_text(about if isinstance(about, str) else known, _by_id(bank))
        ids = self._ids(dialogue, notes)

        def logits(prefix: tuple[int, ...], following: NDArray[np.intp]) -> NDArray[np.float32]:
            return np.asarray(self._go_on([*ids, *prefix])[following])

        return self._trie(bank, before).best(allowed, logits, self.most)

    def _written(self, dialogue: Sequence[Turn], about: str) -> Question:
        """A question that the model writes freely, token by token, always the most probable one."""
        ids = self._ids(dialogue, about)
        written: list[int] = []
        last = self._go_on(ids)
        while len(written) < LONGEST:
            token = int(last.argmax())
            if token == self.tokenizer.eos_token_id:
                break
            written.append(token)
            last = self._go_on([*ids, *written])
        text = self.tokenizer.decode(written)
        if len(written) == LONGEST:
            raise _unusable(text)
        return parsed(text, dialogue[-1].options if dialogue else (), f"free:{len(dialogue)}")

    def _ids(self, dialogue: Sequence[Turn], about: str) -> list[int]:
        """The dialogue as tokens; where it is too long, its first turns are left out and that is told."""
        room = int(getattr(self.model.config, "max_position_embeddings", 1 << 20)) - ROOM
        for start in range(len(dialogue) + 1):
            found = self._encoded(dialogue[start:], about)
            if len(found.ids) <= room:
                if start:
                    log.warning("the first %d turns are left out: %d tokens fit", start, room)
                return list(found.ids)
        raise ModelError(f"what is known beforehand takes more than {room} tokens: shorten it")

    def _encoded(self, dialogue: Sequence[Turn], about: str) -> Encoded:
        return encode(self.tokenizer, chat(dialogue, about))

    def _go_on(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Reads tokens beyond what was read already; returns the logits (V,) after the last one."""
        import torch
        from transformers import DynamicCache

        same = 0
        for one, other in zip(self._read, ids, strict=False):
            if one != other:
                break
            same += 1
        same = min(same, len(ids) - 1)  # the last token is read again for its logits
        if self._cache is None:
            self._cache = DynamicCache(config=self.model.config)
        if same < len(self._read):
            self._cache.crop(same - len(self._read))
        new = torch.tensor([list(ids[same:])], device=self.model.device)
        with torch.inference_mode():
            out = self.model(input_ids=new, past_key_values=self._cache, use_cache=True, logits_to_keep=1)
        self._read = list(ids)
        return np.asarray(out.logits[0, -1].float().cpu().numpy())

    def _trie(self, bank: ItemBank, before: tuple[str, ...]) -> Trie:
        """The trie of a bank's questions as they are written after a question with the given options."""
        found = self._tries.get((id(bank), before))
        if found is None:
            for one in bank.questions:
                check_length(one.question_id, one.markdown, (option.markdown for option in one.options))
            texts = [
                question_text(one.markdown, [option.markdown for option in one.options], before)
                for one in bank.questions
            ]
            found = bank, Trie([tokens(self.tokenizer, text) for text in texts])
            self._tries[id(bank), before] = found
        return found[1]


def parsed(text: str, before: Sequence[str], question_id: str) -> Question:
    """A question as the model wrote it; before: the options of the question before, which it may share.

    Raises:
        QuestionError: no text, or fewer than two options.
    """
    lines = text.strip().split("\n")
    options = [line[2:].strip() for line in lines if line.startswith("- ")]
    markdown = "\n".join(line for line in lines if not line.startswith("- ")).strip()
    options = list(dict.fromkeys(option for option in options if option)) or list(before)
    if not markdown or len(options) < 2:
        raise _unusable(text)
    return Question(question_id, "choice", markdown, tuple(map(Option, options)), FREE)


def _unusable(text: str) -> QuestionError:
    return QuestionError(
        f"the interviewer wrote {text[:80]!r}, which is no question with two options: "
        "train it longer, or give it a bank"
    )


def _by_id(bank: ItemBank) -> dict[str, Question]:
    return {one.question_id: one for one in bank.questions}


def _known(about: About | None, bank: ItemBank) -> dict[str, int | str]:
    """The answers known beforehand by question id, of notes none; a name may be BANK/ID.

    Raises:
        QuestionError: an answer that the question does not have.
    """
    if about is None or isinstance(about, str):
        return {}
    found = {}
    for name, answer in about.items():
        own = name.removeprefix(f"{bank.name}/")
        if own in bank:
            question = bank[own]
            if isinstance(answer, int):
                question.check_answer(answer)
            elif answer not in [option.markdown for option in question.options]:
                raise QuestionError(
                    f"answer {answer!r} to question {own!r}: allowed are "
                    f"{', '.join(option.markdown for option in question.options)}, or an index"
                )
        found[own] = answer
    return found
