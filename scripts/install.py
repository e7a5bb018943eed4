"""Makes the virtual environment: `python3 scripts/install.py [--torch cpu|cuda]` (make install).

Uses uv where it is installed, else pip. torch decides how much is downloaded: on Linux its plain
wheel is the CUDA build (about 3 GB with its libraries). Where there is no NVIDIA GPU the CPU build
is looked for first, and where only the CUDA build is to be had this says so before it is fetched.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLAIN = ["-c", str(ROOT / "constraints.txt")]
CPU = [*PLAIN, "-c", str(ROOT / "constraints-cpu.txt")]
CUDA_PACKAGES = ("nvidia-", "triton", "cuda-")


def run(command: list[str], **options: object) -> int:
    """Runs a command and returns its exit code."""
    return subprocess.run(command, check=False, cwd=ROOT, **options).returncode  # type: ignore[call-overload]


def installer(python: Path) -> list[str]:
    """The install command: uv's where uv is on the PATH (handed pip's folders of wheels), else pip's."""
    uv = shutil.which("uv")
    if uv is None:
        return [str(python), "-m", "pip", "install"]
    links = os.environ.get("PIP_FIND_LINKS", "").split()
    return [
        uv,
        "pip",
        "install",
        "--compile-bytecode",
        "--python",
        str(python),
        *(f"--find-links={link}" for link in links),
    ]


def make_venv(venv: Path) -> Path:
    """Creates the environment if it is absent and returns its python."""
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        uv = shutil.which("uv")
        command = (
            [uv, "venv", "--python", sys.executable, str(venv)]
            if uv
            else [sys.executable, "-m", "venv", str(venv)]
        )
        if run(command):
            sys.exit(f"the environment {venv} could not be made: see the lines above")
    return python


def resolves(command: list[str], arguments: list[str]) -> str | None:
    """What installing torch would fetch, as the installer's own dry run tells; None if it cannot be had."""
    found = subprocess.run(
        [*command, "--dry-run", *arguments, "torch"], check=False, cwd=ROOT, capture_output=True, text=True
    )
    return None if found.returncode else (found.stdout + found.stderr).lower()


def cpu_arguments(command: list[str]) -> list[str] | None:
    """Arguments that fetch the CPU build of torch, or None where it is not to be had."""
    if sys.platform != "linux":
        return PLAIN  # the plain wheels of other systems hold no CUDA
    choices = [CPU, [*PLAIN, "--torch-backend", "cpu"]] if "uv" in Path(command[0]).name else [CPU]
    return next((choice for choice in choices if resolves(command, choice) is not None), None)


def torch_arguments(command: list[str], wanted: str) -> list[str]:
    """Arguments that fetch the wanted torch ("cpu", "cuda" or "" for what fits this machine)."""
    if wanted == "cuda" or (not wanted and (shutil.which("nvidia-smi") or sys.platform != "linux")):
        return PLAIN
    found = cpu_arguments(command)
    if found is not None:
        print("torch: the CPU build" + ("" if wanted else " (no NVIDIA GPU was found)"))
        return found
    if wanted:
        sys.exit(
            "the CPU build of torch cannot be found by the installer: install uv, which knows where it is, "
            'or name an index that holds it in PIP_EXTRA_INDEX_URL (see the PyTorch page "Get started")'
        )
    plan = resolves(command, PLAIN) or ""
    if any(name in plan for name in CUDA_PACKAGES):
        print(
            "No NVIDIA GPU was found, and only the CUDA build of torch is to be had: about 3 GB in all.\n"
            "It runs on the processor too. Ctrl-C within 10 seconds stops this; after `pip install uv` the\n"
            "CPU build (0.2 GB) is found.",
            flush=True,
        )
        time.sleep(10)
    return PLAIN


def main() -> None:
    """Parses the options and installs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv")
    parser.add_argument("--torch", choices=("", "cpu", "cuda"), default="")
    parser.add_argument("--extras", default="embedded,surveys,test")
    options = parser.parse_args()
    if sys.version_info < (3, 11):  # noqa: UP036 (this script runs before any requirement is checked)
        sys.exit(f"Python {platform.python_version()} is too old: Kallisti needs 3.11 or newer")
    python = make_venv(options.venv)
    command = installer(python)
    arguments = torch_arguments(command, options.torch)
    if run([*command, *arguments, "-e", f".[{options.extras}]"]):
        sys.exit("the installation failed: see the lines above; running it again goes on where it stopped")
    (options.venv / ".installed").touch()


if __name__ == "__main__":
    main()
