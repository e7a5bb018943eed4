"""CLIP-like encoders by open_clip: image tower + statistics of colour and composition."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from indexing.encoders import statistics
from indexing.encoders.protocol import Floats, unit
from indexing.torchcpu import allow_cpu_torch
from prefs.errors import ConfigError
from prefs.files import sha256

if TYPE_CHECKING:
    from PIL import Image

LOCAL = "local-dir:"


class Clip:
    """The image tower of an open_clip model.

    model is `MODEL/PRETRAINED` in open_clip's names, or `local-dir:PATH` with a folder that holds
    `open_clip_config.json` and safetensors weights. open_clip downloads weights that are not in its
    cache; `resolve` asks before. Only a folder with a single safetensors file is read.

    Raises:
        ConfigError: the model is unknown, or the folder does not hold one.
    """

    def __init__(self, model: str, threads: int = 1) -> None:
        folder = model.removeprefix(LOCAL) if model.startswith(LOCAL) else None
        self.name = f"open_clip:{model}" if folder is None else _folder_name(Path(folder))
        allow_cpu_torch()
        import torch

        torch.set_num_threads(threads)
        self._device = device()
        self._network, self._preprocess = _load(model, self._device)
        width = self._semantic([_blank()]).shape[1]
        self.blocks: tuple[tuple[str, int], ...] = (("semantic", width), ("statistics", statistics.SIZE))
        self.size = width + statistics.SIZE

    def encode(self, pictures: Sequence[Image.Image]) -> Floats:
        """Vectors of B RGB pictures, (B, F) float32."""
        if not pictures:
            return np.zeros((0, self.size), np.float32)
        look = np.stack([statistics.statistics(picture) for picture in pictures])
        return np.concatenate([unit(self._semantic(pictures)), statistics.SCALE * look], axis=1)

    def _semantic(self, pictures: Sequence[Image.Image]) -> Floats:
        import torch

        with torch.inference_mode():
            pixels = torch.stack([self._preprocess(picture) for picture in pictures]).to(self._device)
            return np.asarray(self._network.encode_image(pixels).float().cpu().numpy(), np.float32)


def device() -> str:
    """The torch device that encodes fastest here: cuda, mps or cpu."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _load(model: str, on: str) -> tuple[Any, Any]:
    """The network in evaluation mode and its preprocessing."""
    import open_clip

    architecture, _, pretrained = (model, "", "") if model.startswith(LOCAL) else model.partition("/")
    try:
        network, preprocess = open_clip.create_model_from_pretrained(
            architecture, pretrained=pretrained or None, device=on, weights_only=True
        )
    except (RuntimeError, OSError, ValueError, KeyError) as problem:
        reason = " ".join(str(problem).split())[:300]
        raise ConfigError(f"open_clip model {model!r} cannot be loaded: {reason}") from problem
    return network.eval(), preprocess


def _folder_name(folder: Path) -> str:
    """Identity of a model in a folder: its weights, wherever the folder stands."""
    weights = sorted(folder.glob("*.safetensors"))
    if not (folder / "open_clip_config.json").is_file() or len(weights) != 1:
        raise ConfigError(
            f"{folder} holds no open_clip model: expected open_clip_config.json and one *.safetensors file"
        )
    return f"open_clip:{LOCAL}{sha256(weights[0])[:16]}"


def _blank() -> Image.Image:
    from PIL import Image

    return Image.new("RGB", (256, 256))
