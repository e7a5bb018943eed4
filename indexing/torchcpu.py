"""Lets torchvision be imported beside a CPU-only torch.

The torchvision wheel for Linux is linked against CUDA. Beside a torch without CUDA its operator library
cannot load, and `import torchvision` fails because two operators that it registers shadows for are
missing. We only need its transforms, so declaring those two operators is enough. Where the library
loads, nothing is declared.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

_OPERATORS = ("nms", "qnms")
_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"

_declared: list[Any] = []  # a torch Library withdraws its operators when it is collected


def allow_cpu_torch() -> bool:
    """Call before anything imports torchvision, timm, open_clip or a transformers model.

    Returns True if the operators had to be declared, False where nothing was amiss (or on a platform
    other than Linux, whose wheels do not have the problem).
    """
    if sys.platform != "linux" or "torchvision" in sys.modules:
        return bool(_declared)
    spec = PathFinder.find_spec("torchvision")
    if spec is None or spec.origin is None or _declared:
        return bool(_declared)
    import torch

    operators: Any = torch.ops  # untyped
    try:
        operators.load_library(str(Path(spec.origin).with_name("_C.so")))
    except (OSError, ImportError):
        make: Any = torch.library.Library
        library = make("torchvision", "FRAGMENT")
        for name in _OPERATORS:
            library.define(name + _SCHEMA)
        _declared.append(library)
    return bool(_declared)
