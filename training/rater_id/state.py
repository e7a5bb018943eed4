"""The state of a training on disk: parameters, what the optimiser remembers, and how far it has come."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefs.errors import ModelError
from prefs.files import write_bytes

if TYPE_CHECKING:
    import torch

    Tensors = dict[str, torch.Tensor]

STATE, BEST = "state.safetensors", "best-{step:08d}.safetensors"


@dataclass
class Progressed:
    """How far a training has come: steps done, the validations so far, and the step that is the best yet."""

    step: int = 0
    curve: list[dict[str, Any]] = field(default_factory=list)
    best: int | None = None
    loss: float | None = None  # running mean

    def as_text(self) -> str:
        """As JSON in one line."""
        return json.dumps(vars(self), allow_nan=False)


def save_state(folder: Path, tensors: Tensors, done: Progressed) -> None:
    """Writes the state whole or not at all; then best steps that it does not name are removed."""
    _write(folder / STATE, tensors, {"progress": done.as_text()})
    kept = None if done.best is None else BEST.format(step=done.best)
    for path in folder.glob("best-*.safetensors"):
        if path.name != kept:
            path.unlink()


def load_state(folder: Path, like: Tensors) -> Progressed | None:
    """Copies a kept state into tensors of the same names and shapes; None where nothing is kept.

    Raises:
        ModelError: damaged, or of another model.
    """
    path = folder / STATE
    if not path.is_file():
        return None
    about = _read(path, like)
    try:
        return Progressed(**json.loads(about["progress"]))
    except (KeyError, ValueError, TypeError) as problem:
        raise ModelError(f"{path} is no state of a training ({problem!r}): remove {folder}") from problem


def save_best(folder: Path, tensors: Tensors, step: int) -> None:
    """Keeps the parameters of a step."""
    _write(folder / BEST.format(step=step), tensors, {})


def load_best(folder: Path, like: Tensors, step: int) -> None:
    """Copies the kept parameters of a step into tensors. Raises ModelError as `load_state`."""
    _read(folder / BEST.format(step=step), like)


def _write(path: Path, tensors: Tensors, about: dict[str, str]) -> None:
    from safetensors.torch import save

    write_bytes(path, save({name: one.detach().cpu().contiguous() for name, one in tensors.items()}, about))


def _read(path: Path, like: Tensors) -> dict[str, str]:
    import torch
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            about = dict(file.metadata() or {})
    except (OSError, SafetensorError) as problem:
        raise ModelError(f"{path} cannot be read ({problem}): remove {path.parent}") from problem
    if {name: one.shape for name, one in found.items()} != {name: one.shape for name, one in like.items()}:
        raise ModelError(f"{path} is of another model: remove {path.parent}")
    with torch.no_grad():
        for name, one in like.items():
            one.copy_(found[name])
    return about
