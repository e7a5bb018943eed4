"""What a training runs on: the device, its name, and whether the backbone computes in bf16 there."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prefs.errors import ConfigError
from training.rater_id.recipe import Precision

if TYPE_CHECKING:
    import torch

FAST = ("avx512_bf16", "amx_bf16")  # what a processor multiplies bf16 with


@dataclass(frozen=True)
class Hardware:
    """A device of torch; name: what reports call it. bf16: whether the backbone computes in bf16."""

    device: torch.device
    name: str
    bf16: bool


def hardware(precision: Precision = "auto") -> Hardware:
    """The device that accelerate finds.

    Raises:
        MissingPartError: accelerate is not installed. ConfigError: several processes were started.
    """
    import torch

    from vlm.parts import part

    found = part("accelerate").PartialState()
    if found.num_processes > 1:
        raise ConfigError(f"{found.num_processes} processes train together: start one, without a launcher")
    device = found.device
    if device.type == "cuda":
        return Hardware(device, torch.cuda.get_device_name(device), _wanted(precision, _cuda_has_bf16()))
    name, fast = _processor()
    threads = torch.get_num_threads()
    told = f"{name}, {threads} thread{'s' if threads > 1 else ''}"
    return Hardware(device, told, _wanted(precision, fast and device.type == "cpu"))


def _wanted(precision: Precision, fast: bool) -> bool:
    return fast if precision == "auto" else precision == "bf16"


def _cuda_has_bf16() -> bool:
    import torch

    return bool(torch.cuda.is_bf16_supported(including_emulation=False))


def _processor() -> tuple[str, bool]:
    """Name of the processor, and whether it multiplies in bf16."""
    import torch

    told = torch.cpu.get_capabilities()
    name = str(told.get("cpu_name") or platform.processor() or platform.machine())
    return name, any(told.get(feature) for feature in FAST)
