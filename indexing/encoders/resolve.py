"""Chooses the encoder by its name, and says on one line which it is and why."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from indexing.encoders.clip import Clip
from indexing.encoders.embedded import Embedded
from indexing.encoders.protocol import Encoder
from prefs.errors import ConfigError

PREFERRED = "ViT-B-32-256/datacomp_s34b_b86k"
PREFERRED_MEGABYTES = 600
NAMES = "auto, embedded, open_clip:MODEL/PRETRAINED or open_clip:local-dir:PATH"

Consent = Callable[[str], bool]


@dataclass(frozen=True)
class Resolved:
    """An encoder and, for the screen, which one it is and why."""

    encoder: Encoder
    reason: str


def resolve(name: str, cache: Path, consent: Consent | None = None, threads: int | None = None) -> Resolved:
    """The encoder of a name (see the package's docstring).

    cache: folder for converted weights. consent: asked one question before anything is downloaded; where
    it is None or says no, nothing is. threads: of the networks, by default one for each core.

    Raises:
        ConfigError: the name is unknown or the model cannot be loaded.
        MissingPartError: the encoder needs a package that is not installed.
    """
    threads = threads or os.cpu_count() or 1
    kind, _, model = name.partition(":")
    if name == "auto":
        return _auto(cache, consent, threads)
    if name == "embedded":
        return Resolved(Embedded(cache, threads), "embedded encoder: as asked")
    if kind == "open_clip" and (model.startswith("local-dir:") or 0 < model.find("/") < len(model) - 1):
        return Resolved(Clip(model, threads), f"{model}: as asked")
    raise ConfigError(f"encoder {name!r} is unknown: allowed are {NAMES}")


def make(name: str, threads: int) -> Encoder:
    """The encoder of a name on a node of a cluster, with so many threads; converted weights are kept there.

    Raises:
        as `resolve`.
    """
    import platformdirs

    cache = Path(platformdirs.user_cache_dir("kallisti", appauthor=False)) / "encoders"
    return resolve(name, cache, threads=threads).encoder


def _auto(cache: Path, consent: Consent | None, threads: int) -> Resolved:
    found = next(_cached(), None)
    if found is not None:
        return Resolved(Clip(found, threads), f"{found}: an open_clip model that is already on this machine")
    if not _has_gpu():
        return Resolved(
            Embedded(cache, threads), "embedded encoder: neither an open_clip model nor a GPU here"
        )
    question = f"Download the picture encoder {PREFERRED} ({PREFERRED_MEGABYTES} MB, once)?"
    if consent is not None and consent(question):
        return Resolved(Clip(PREFERRED, threads), f"{PREFERRED}: downloaded with your consent")
    return Resolved(Embedded(cache, threads), "embedded encoder: nothing was downloaded")


def _cached() -> Iterator[str]:
    """MODEL/PRETRAINED of the open_clip models whose weights are in the local cache, preferred one first."""
    from huggingface_hub import constants

    hub = Path(constants.HF_HUB_CACHE)
    if not any(hub.glob("models--*")):
        return
    from indexing.torchcpu import allow_cpu_torch

    allow_cpu_torch()
    import open_clip

    listed = [f"{model}/{tag}" for model, tag in open_clip.list_pretrained()]
    for name in sorted(listed, key=lambda name: name != PREFERRED):
        source = open_clip.get_pretrained_cfg(*name.split("/")).get("hf_hub", "")
        if source and _has_weights(hub, *os.path.split(source)):
            yield name


def _has_weights(hub: Path, repository: str, file: str) -> bool:
    """Whether a snapshot in the cache holds the weights (under their name or as safetensors)."""
    names = {file} if file else {"open_clip_pytorch_model.bin", "open_clip_model.safetensors"}
    names |= {f"{Path(name).stem}.safetensors" for name in names}
    folder = hub / f"models--{repository.replace('/', '--')}" / "snapshots"
    return any((snapshot / name).is_file() for snapshot in folder.glob("*") for name in names)


def _has_gpu() -> bool:
    """Whether torch can use a GPU here; torch is only asked where a GPU is likely."""
    nvidia = shutil.which("nvidia-smi") or Path("/proc/driver/nvidia/version").exists()
    if not nvidia and sys.platform != "darwin":
        return False
    import torch

    return bool(torch.cuda.is_available() or torch.backends.mps.is_available())
