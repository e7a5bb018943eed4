"""Makes the weights in vlm/weights/reader: `python scripts/train_reader.py SURVEYS` (a folder with the sets).

Only sets whose terms allow it are learned from: twin_mega_study (Apache-2.0) and polis (CC BY 4.0). Needs
`make install-text`; takes about ten minutes on a core.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "vlm" / "weights" / "reader"
SETS = ("twin_mega_study", "polis")


def main(folder: str) -> int:
    """Trains and writes; returns the command's exit code."""
    sets = [str(Path(folder) / name) for name in SETS]
    recipe = ROOT / "scripts" / "reader.json"
    options = ["--kind", "vlm", "--split", "all", "--light", "--recipe", str(recipe), "--out", str(OUT)]
    return subprocess.run([Path(sys.executable).with_name("kallisti"), "train", *sets, *options]).returncode


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
