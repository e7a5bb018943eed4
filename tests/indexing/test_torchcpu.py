"""torchvision can be imported beside a torch without CUDA, and nothing is declared where it can anyway."""

from __future__ import annotations

import subprocess
import sys


def run(code: str) -> str:
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return (found.stdout + found.stderr).strip()


def test_torchvision_transforms_can_be_imported() -> None:
    code = (
        "from indexing.torchcpu import allow_cpu_torch as allow; first = allow(); second = allow(); "
        "import torchvision.transforms; print(first == second)"
    )
    assert run(code) == "True"


def test_nothing_is_declared_where_the_library_loads() -> None:
    code = (
        "import torch; from indexing.torchcpu import allow_cpu_torch; "
        "torch.ops.load_library = lambda path: None; print(allow_cpu_torch())"
    )
    assert run(code) == "False"


def test_nothing_is_done_on_other_platforms() -> None:
    code = (
        "import sys; sys.platform = 'darwin'; from indexing.torchcpu import allow_cpu_torch; "
        "print(allow_cpu_torch(), 'torch' in sys.modules)"
    )
    assert run(code) == "False False"
