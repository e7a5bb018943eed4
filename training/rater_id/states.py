"""What a backbone makes of every passage of a corpus, read once for a training that leaves it as it is.

The heads of a model are then trained at thousands of questions a second. The states are kept beside the
training's own state, so that one that goes on sees the same numbers to the bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from prefs.errors import ModelError
from prefs.files import write_bytes
from training.rater_id.corpus import Part

if TYPE_CHECKING:
    from torch import Tensor

    from vlm.batch import Batcher
    from vlm.model import PreferenceVLM
    from vlm.passages import Passage

FILE = "passages.safetensors"
TOKENS = 1024  # read at once, with their padding
FEWEST = 2  # passages whose states have a spread
SHOWN, AT_ONCE = 256, 32  # pictures of a set that stand for it, and how many are read at once
KEPT_EVERY = 64  # batches after which what was read is kept
Reading = Callable[[int, int], None]  # passages read, of how many


@dataclass(frozen=True)
class States:
    """rows: of each passage by its key. values: (N, S) what the heads see."""

    rows: dict[str, int]
    values: Tensor

    def of(self, passages: Sequence[Passage]) -> Tensor | None:
        """(n, S) of some passages, None where one of them was not read (it shows a picture)."""
        if any(passage.key not in self.rows for passage in passages):
            return None
        found: Tensor = self.values[[self.rows[passage.key] for passage in passages]]
        return found


def planned(batchers: Sequence[Batcher], parts: Sequence[Part]) -> list[tuple[Passage, Batcher]]:
    """Every passage of words alone in both wordings of all questions, the shortest first."""
    found: dict[str, tuple[Passage, Batcher]] = {}
    for batcher, part in zip(batchers, parts, strict=True):
        for passage in batcher.plan([*part.questions, *part.plain])[0]:
            if not passage.items:
                found.setdefault(passage.key, (passage, batcher))
    return [one for _, one in sorted(found.items(), key=lambda item: (len(item[0]), item[0]))]


def learned_keys(part: Part, batchers: Sequence[Batcher]) -> Iterable[str]:
    """Keys of the passages of questions that are learned from."""
    questions = [wording[column] for column in part.learned for wording in (part.questions, part.plain)]
    return [passage.key for passage in batchers[0].plan([q for q in questions if not q.items])[0]]


def read_states(
    model: PreferenceVLM,
    plan: Sequence[tuple[Passage, Batcher]],
    folder: Path,
    bf16: bool,
    told: Reading | None = None,
) -> States:
    """The states of the planned passages; what lies in the folder is not read again.

    Raises:
        ModelError: what is kept there is damaged or of other passages.
    """
    import torch

    rows = {passage.key: row for row, (passage, _) in enumerate(plan)}
    name = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    done = _load(folder / FILE, name)
    pieces = [] if done is None else [done]
    count = 0 if done is None else len(done)
    starts = _starts(plan, count)
    model.train(False)
    with torch.no_grad():
        for number, (start, stop) in enumerate(starts, 1):
            batcher = plan[start][1]
            written = batcher.write([passage for passage, _ in plan[start:stop]])
            batch = batcher.tensors(written).to(model.device)
            with torch.autocast(model.device.type, torch.bfloat16, enabled=bf16):
                pieces.append(model.states(**batch.inputs).float().cpu())
            if told:
                told(stop, len(plan))
            if number % KEPT_EVERY == 0 or stop == len(plan):
                pieces = [torch.cat(pieces)]
                _save(folder / FILE, pieces[0], name)
    return States(rows, torch.cat(pieces))


def standard(
    model: PreferenceVLM, known: States | None, parts: Sequence[Part], batchers: Sequence[Batcher], bf16: bool
) -> Tensor:
    """(N, S) states by which the heads are set up: of words that are learned from, else of pictures."""
    import torch

    learned = {name for part in parts for name in learned_keys(part, batchers)}
    rows = [] if known is None else sorted(row for name, row in known.rows.items() if name in learned)
    if known is not None and len(rows) >= FEWEST:
        return known.values[rows]
    found = []
    with torch.no_grad(), torch.autocast(model.device.type, torch.bfloat16, enabled=bf16):
        for part, batcher in zip(parts, batchers, strict=True):
            questions = [part.questions[column] for column in part.learned[:SHOWN]]
            passages = [one for one in batcher.plan(questions)[0] if one.items][:SHOWN]
            for start in range(0, len(passages), AT_ONCE):
                written = batcher.write(passages[start : start + AT_ONCE])
                batch = batcher.tensors(written).to(model.device)
                found.append(model.states(**batch.inputs).float())
    return torch.cat(found)


def _starts(plan: Sequence[tuple[Passage, Batcher]], done: int) -> list[tuple[int, int]]:
    """Batches (start, stop) of about as many tokens, as if all were read, from the first that is not."""
    found, start = [], 0
    lengths = np.array([max(1, len(passage.key) // 3) for passage, _ in plan])
    while start < len(plan):
        stop = start + 1
        while stop < len(plan) and (stop - start + 1) * lengths[stop] <= TOKENS:
            stop += 1
        found.append((start, stop))
        start = stop
    return [one for one in found if one[0] >= done]


def _save(path: Path, values: Tensor, name: str) -> None:
    from safetensors.torch import save

    write_bytes(path, save({"states": values}, {"passages": name}))


def _load(path: Path, name: str) -> Tensor | None:
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            if (file.metadata() or {}).get("passages") != name:
                raise ModelError(f"{path} holds other passages: remove {path.parent}")
            found: Tensor = file.get_tensor("states")
            return found
    except (OSError, SafetensorError) as problem:
        raise ModelError(f"{path} cannot be read ({problem}): remove {path.parent}") from problem
