"""A choice model on disk: a folder with its arrays (safetensors), its names (JSON) and a manifest.

The version of a model is the sha256 of all its parameters, so that equal parameters give the same
version whoever fitted them, and a belief can be replayed exactly.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefs.errors import ModelError
from prefs.files import read_manifest, write_bytes, write_json, write_manifest
from prefs.model import BankSource, ChoiceModel, GallerySource, Source
from prefs.space import TasteSpace

FORMAT = "kallisti.choice/1"
ARRAYS, NAMES = "model.safetensors", "model.json"
Arrays = dict[str, NDArray[Any]]


def version_of(model: ChoiceModel) -> str:
    """Hexadecimal sha256 of the model's parameters, whatever version it carries."""
    arrays, names = _take_apart(model)
    digest = hashlib.sha256(json.dumps(names, sort_keys=True, ensure_ascii=False).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()


def save(model: ChoiceModel, folder: Path, about: Mapping[str, Any] | None = None) -> ChoiceModel:
    """Writes the model in place of what is in the folder; returns it with its version set.

    about: what the manifest should tell beside it (encoder, data, fit report), as JSON values.

    Raises:
        ModelError: a source of a kind that has no form on disk, or a lapse that is no share.
    """
    from safetensors.numpy import save as to_bytes

    arrays, names = _take_apart(model)
    version = version_of(model)
    part, old = (folder.with_name(f".{folder.name}.{suffix}") for suffix in ("part", "old"))
    shutil.rmtree(part, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    write_bytes(part / ARRAYS, to_bytes({name: np.ascontiguousarray(a) for name, a in arrays.items()}))
    write_json(part / NAMES, names)
    write_manifest(part, {"format": FORMAT, "version": version, "about": dict(about or {})})
    if folder.exists():
        os.replace(folder, old)
    os.replace(part, folder)
    shutil.rmtree(old, ignore_errors=True)
    return replace(model, version=version)


def load(folder: Path) -> ChoiceModel:
    """Reads a model that `save` wrote.

    Raises:
        ModelError: missing, damaged or foreign files, or values that are not finite.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    manifest = read_manifest(folder, ModelError)
    if manifest.get("format") != FORMAT:
        raise ModelError(
            f"{folder} holds {manifest.get('format')!r}, expected {FORMAT!r}: fit the model again"
        )
    try:
        arrays = from_bytes((folder / ARRAYS).read_bytes())
        names = json.loads((folder / NAMES).read_text(encoding="utf-8"))
        model = _put_together(arrays, names)
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise ModelError(f"{folder} is no whole choice model ({problem!r}): fit it again") from problem
    version = version_of(model)
    if version != manifest.get("version"):
        raise ModelError(f"{folder} has version {version[:12]}, its manifest says otherwise: fit it again")
    return replace(model, version=version)


def about(folder: Path) -> dict[str, Any]:
    """What `save` was told beside the model. Raises ModelError as `load` does."""
    return dict(read_manifest(folder, ModelError).get("about", {}))


def _take_apart(model: ChoiceModel) -> tuple[Arrays, dict[str, Any]]:
    """Arrays by name, and everything else as JSON values."""
    if not 0.0 <= model.lapse <= 1.0:
        raise ModelError(f"lapse {model.lapse}: allowed is 0 to 1")
    space = model.space
    arrays: Arrays = {"mean": space.mean, "cov": space.cov}
    arrays["shares"] = np.array([share for share, _ in space.strengths])
    arrays["strengths"] = np.stack([np.broadcast_to(factors, space.size) for _, factors in space.strengths])
    sources = []
    for name, source in sorted(model.sources.items()):
        own, described = _source_apart(name, source)
        arrays |= {f"{name}/{key}": array for key, array in own.items()}
        sources.append({"key": name, **described})
    blocks = [list(block) for block in space.blocks]
    return arrays, {"blocks": blocks, "lapse": model.lapse, "sources": sources}


def _source_apart(name: str, source: Source) -> tuple[Arrays, dict[str, Any]]:
    if isinstance(source, GallerySource):
        arrays: Arrays = {"taste": source.taste, "appeal": source.appeal, "columns": source.columns}
        arrays |= {f"thresholds/{labels}": array for labels, array in source.thresholds.items()}
        return arrays, {
            "type": "gallery",
            "name": source.name,
            "items": list(source.items),
            "scales": dict(source.scales),
            "log_nu": source.log_nu,
            "thumbs_offset": source.thumbs_offset,
            "thresholds": sorted(source.thresholds),
        }
    if isinstance(source, BankSource):
        described = {"type": "bank", "name": source.name, "questions": list(source.questions)}
        return {"phi": source.phi, "g": source.g, "columns": source.columns}, described
    raise ModelError(f"source {name!r} is a {type(source).__name__}: only galleries and banks are saved")


def _put_together(arrays: Arrays, names: Mapping[str, Any]) -> ChoiceModel:
    blocks = tuple((str(block), int(count)) for block, count in names["blocks"])
    strengths = tuple(zip(arrays["shares"].tolist(), arrays["strengths"], strict=True))
    space = TasteSpace(blocks, arrays["mean"], arrays["cov"], strengths)
    sources = {one["key"]: _source_together(arrays, one, space.size) for one in names["sources"]}
    return ChoiceModel(space, sources, "", float(names["lapse"]))


def _source_together(arrays: Arrays, one: Mapping[str, Any], size: int) -> Source:
    def array(key: str) -> NDArray[Any]:
        return arrays[f"{one['key']}/{key}"]

    columns = array("columns").astype(np.intp)
    if one["type"] == "bank":
        return BankSource(one["name"], tuple(one["questions"]), array("phi"), array("g"), columns, size)
    return GallerySource(
        one["name"],
        tuple(one["items"]),
        array("taste"),
        array("appeal"),
        columns,
        size,
        one["scales"],
        one["log_nu"],
        one["thumbs_offset"],
        {labels: array(f"thresholds/{labels}") for labels in one["thresholds"]},
    )
