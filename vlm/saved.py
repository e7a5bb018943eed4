"""Readers on disk: a folder with the model, its tokenizer and whatever tells of its training.

    config.json         settings (`vlm.config`)
    model.safetensors   all weights, or only what was tuned (the light form)
    tokenizer/          the backbone's tokenizer
    manifest.json       checksums, written last

The light form leaves out what can be taken from the backbone again, which is checked by the sha256 of its
weights, and keeps the tuned tensors of a fully tuned backbone as float16: a MiniLM reader is 22 MB then.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefs.errors import KallistiError, ModelError
from prefs.files import read_manifest, write_bytes, write_json, write_manifest

if TYPE_CHECKING:
    from torch import Tensor

    from vlm.backbones import Backbone
    from vlm.model import PreferenceVLM

FORMAT = "kallisti.reader/1"
CONFIG, WEIGHTS, TOKENIZER = "config.json", "model.safetensors", "tokenizer"
BACKBONE = "backbone."


def make(backbone: Backbone, **settings: Any) -> PreferenceVLM:
    """A new reading model on a backbone, which it takes over; settings: see `vlm.config.PreferenceConfig`.

    Word embeddings that nobody trained yet are trained.

    Raises:
        ConfigError: a setting that is out of range.
    """
    from vlm.config import PreferenceConfig
    from vlm.model import PreferenceVLM

    own = {"words": not backbone.fingerprint, **settings}
    config = PreferenceConfig(
        backbone=backbone.name,
        body=backbone.body,
        fingerprint=backbone.fingerprint,
        reads=backbone.reads,
        **own,
    )
    return PreferenceVLM(config, backbone.network)


def save_reader(
    model: PreferenceVLM,
    tokenizer: Any,
    folder: Path,
    *,
    light: bool = False,
    about: Mapping[str, Any] | None = None,
    reports: Mapping[str, Any] | None = None,
) -> None:
    """Writes a reader in place of what is in the folder, whole or not at all.

    light: only what was tuned. about: what the manifest tells beside it. reports: JSON values by file
    name, kept in the folder.

    Raises:
        ModelError: the light form of a backbone that was made in code, or weights that are not finite.
    """
    from safetensors.torch import save

    tensors = _tensors(model, light)
    part, old = (folder.with_name(f".{folder.name}.{suffix}") for suffix in ("part", "old"))
    for left in (part, old):
        shutil.rmtree(left, ignore_errors=True)
    settings = json.loads(model.config.to_json_string(use_diff=False))
    settings |= {
        "architectures": [type(model).__name__],
        "kept": "tuned" if light else "all",
        "dtype": "float32",
    }
    write_json(part / CONFIG, settings)
    write_bytes(part / WEIGHTS, save(tensors, {"format": "pt"}))
    with tempfile.TemporaryDirectory() as beside:
        for name in tokenizer.save_pretrained(beside):
            if Path(name).is_file():
                write_bytes(part / TOKENIZER / Path(name).name, Path(name).read_bytes())
    for name, report in (reports or {}).items():
        write_json(part / name, report)
    write_manifest(part, {"format": FORMAT, **(about or {})})
    if folder.exists():
        os.replace(folder, old)
    os.replace(part, folder)
    shutil.rmtree(old, ignore_errors=True)


def is_reader(folder: Path) -> bool:
    """Whether a folder is, by its manifest, what `save_reader` writes."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.get("format") == FORMAT


def load_reader(folder: Path) -> tuple[PreferenceVLM, Any, str]:
    """The model in evaluation mode, its tokenizer, and the version that names its parameters.

    Raises:
        ModelError: missing, damaged or foreign files; weights that do not fit the settings; a light
            reader whose backbone is not the one it was trained on. MissingPartError: a package is absent.
    """
    from indexing.torchcpu import allow_cpu_torch

    manifest = read_manifest(folder, ModelError)
    if manifest.get("format") != FORMAT:
        raise ModelError(f"{folder} holds {manifest.get('format')!r}, expected {FORMAT!r}: train a reader")
    if not (folder / TOKENIZER).is_dir():  # the library would look for one of that name on the hub
        raise ModelError(f"{folder} lacks its folder {TOKENIZER}: train the reader again")
    allow_cpu_torch()
    try:
        from transformers import AutoTokenizer

        from vlm.config import PreferenceConfig

        config = PreferenceConfig.from_dict(json.loads((folder / CONFIG).read_text(encoding="utf-8")))
        config.check()
        tokenizer = AutoTokenizer.from_pretrained(
            folder / TOKENIZER, trust_remote_code=False, local_files_only=True
        )
        model = _whole(folder) if config.kept == "all" else _light(folder, config)
    except KallistiError:
        raise
    except Exception as problem:  # whatever a foreign folder makes of the libraries
        raise _foreign(folder, problem) from problem
    return model.eval(), tokenizer, _version(manifest, config)


def _tensors(model: PreferenceVLM, light: bool) -> dict[str, Tensor]:
    """The weights that a folder holds."""
    import torch

    found = {name: one.detach().cpu().contiguous() for name, one in model.state_dict().items()}
    bad = [name for name, one in found.items() if not torch.isfinite(one).all()]
    if bad:
        raise ModelError(f"the reading model has weights that are not finite ({bad[0]}): train it again")
    if not light:
        return found
    if not model.config.fingerprint:
        raise ModelError(f"backbone {model.config.backbone!r} was made in code: save the whole reader")
    short = model.config.tune == "full"
    return {
        name: found[name].half() if short and name.startswith(BACKBONE) else found[name]
        for name in model.tuned_names()
    }


def _whole(folder: Path) -> PreferenceVLM:
    from vlm.backbones import quiet
    from vlm.model import PreferenceVLM

    with quiet():
        loaded: Any = PreferenceVLM.from_pretrained(
            folder,
            use_safetensors=True,
            local_files_only=True,
            dtype="float32",
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    model: PreferenceVLM = loaded[0]
    told = loaded[1]
    for what in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
        if told.get(what):
            names = sorted(str(one[0] if isinstance(one, tuple) else one) for one in told[what])
            raise _unfit(folder, what.partition("_")[0], names)
    model.freeze()
    return model


def _light(folder: Path, config: Any) -> PreferenceVLM:
    from safetensors.torch import load_file

    from vlm.backbones import load_backbone
    from vlm.model import PreferenceVLM

    backbone = load_backbone(config.backbone)
    if backbone.fingerprint != config.fingerprint:
        raise ModelError(
            f"{folder} was trained on other weights of backbone {config.backbone!r} "
            f"(sha256 {config.fingerprint[:12]}, here {backbone.fingerprint[:12]}): install those"
        )
    model = PreferenceVLM(config, backbone.network)
    tensors = load_file(folder / WEIGHTS)
    expected, own = set(model.tuned_names()), model.state_dict()
    for what, names in (("missing", expected - tensors.keys()), ("unexpected", tensors.keys() - expected)):
        if names:
            raise _unfit(folder, what, sorted(names))
    other = [name for name, one in tensors.items() if one.shape != own[name].shape]
    if other:
        raise _unfit(folder, "mismatched", sorted(other))
    model.load_state_dict({name: one.float() for name, one in tensors.items()}, strict=False)
    return model


def _unfit(folder: Path, what: str, names: list[str]) -> ModelError:
    return ModelError(
        f"{folder} is a checkpoint of another configuration ({len(names)} weights {what}, first "
        f"{names[0]!r}): use the config.json that it was saved with, or train it again"
    )


def _foreign(folder: Path, problem: Exception) -> ModelError:
    line = str(problem).strip().partition("\n")[0][:200]
    return ModelError(f"{folder} is no whole reader ({line}): train it again")


def _version(manifest: Mapping[str, Any], config: Any) -> str:
    """Names the parameters: weights, tokenizer, and the settings that change what is read."""
    used = (
        "body",
        "fingerprint",
        "reads",
        "dim",
        "tune",
        "rank",
        "max_tokens",
        "encoder",
        "width",
        "picture_tokens",
        "pooled",
        "frame",
        "signs",
        "inner",
    )
    digest = hashlib.sha256(json.dumps([getattr(config, name) for name in used], sort_keys=True).encode())
    for name, file in sorted(manifest["files"].items()):
        if name == WEIGHTS or name.startswith(TOKENIZER):
            digest.update(f"{name} {file['sha256']}".encode())
    return digest.hexdigest()[:16]
