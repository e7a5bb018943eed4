"""Rules of the house that a reader relies on: floors, banned calls, sizes, lazy imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# A room imports only from rooms on the floors below it; indexing uses the errors and files of prefs.
FLOORS = {"prefs": 0, "indexing": 1, "vlm": 2, "generation": 2, "training": 3, "ui": 4}
HEAVY = {
    "torch",
    "torchvision",
    "open_clip",
    "timm",
    "transformers",
    "diffusers",
    "gradio",
    "matplotlib",
    "onnxruntime",
    "ray",
    "sklearn",
    "botorch",
    "gpytorch",
    "catsim",
    "choix",
    "peft",
    "accelerate",
    "trl",
    "trackio",
    "datasets",
    "gguf",
}
# Modules that define classes of torch or transformers: they import these at once, so whoever needs them
# imports them inside functions, like the packages.
LATE = {"vlm.config", "vlm.heads", "vlm.model"}
LONGEST_FILE, LONGEST_FUNCTION = 400, 80

MODULES = sorted(path for room in FLOORS for path in (ROOT / room).rglob("*.py"))
FIRST_QUESTION = "import prefs.interview, prefs.store, indexing.index, training.workspace"


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    for node in ast.walk(tree(path)):
        for name in imported(node):
            other = name.split(".")[0]
            if other in FLOORS and other != room:
                assert FLOORS[other] < FLOORS[room], f"{room} imports {name}, which is not below it"


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_heavy_packages_are_imported_inside_functions(path: Path) -> None:
    if module_of(path) in LATE:
        return
    for node in tree(path).body:
        for name in imported(node):
            heavy = name.split(".")[0] in HEAVY or name in LATE
            assert not heavy, f"line {node.lineno}: import {name} where it is used"


def test_first_question_of_a_prepared_installation_imports_no_torch() -> None:
    code = f"import sys; {FIRST_QUESTION}; print([m for m in {sorted(HEAVY)!r} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def calls(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node)
        for name in imported(node):
            yield getattr(node, "lineno", 0), f"import {name}"


def test_nothing_unpickles() -> None:
    banned = (
        "import pickle",
        "import joblib",
        "import dill",
        "import shelve",
        "allow_pickle=True",
        "trust_remote_code=True",
    )
    found = [
        f"{path.relative_to(ROOT)}:{line} {text[:60]}"
        for path in [*MODULES, *(ROOT / "benchmarks").rglob("*.py"), *(ROOT / "scripts").rglob("*.py")]
        for line, text in calls(path)
        if any(word in text for word in banned)
        or (
            text.startswith("torch.load(")
            and not (
                path.relative_to(ROOT).as_posix() == "indexing/convert.py" and "weights_only=True" in text
            )
        )
    ]
    assert not found


def test_files_and_functions_stay_readable() -> None:
    long = []
    for path in [*MODULES, *(ROOT / "benchmarks").rglob("*.py"), *(ROOT / "scripts").rglob("*.py")]:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > LONGEST_FILE:
            long.append(f"{path.relative_to(ROOT)} has {lines} lines")
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or node.lineno) - node.lineno + 1
                if size > LONGEST_FUNCTION:
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name} has {size} lines")
    assert not long


def test_help_is_quick() -> None:
    heavy = {"numpy", "sqlalchemy", "pandas", "fastapi", "PIL"}
    code = f"import sys, ui.cli; print([m for m in {sorted(heavy)!r} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]", "importing the command line must stay light"
