"""Galleries, a survey and an encoder that take no time, for the tests of the workspace and the commands."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image


class Colors:
    """An encoder without a network: the colors of a 2 x 2 copy. It counts what it has encoded."""

    size = 12

    def __init__(self, name: str = "colors") -> None:
        self.name = name
        self.blocks = (("statistics", self.size),)
        self.seen = 0

    def encode(self, pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
        self.seen += len(pictures)
        small = [np.asarray(picture.resize((2, 2)), np.float32) for picture in pictures]
        return np.stack(small).reshape(-1, self.size) / 255


def use(monkeypatch: pytest.MonkeyPatch, encoder: Colors | None = None) -> Colors:
    """Lets the encoder be the one that every name resolves to."""
    from indexing.encoders import Resolved

    found = encoder or Colors()
    resolved: Any = Resolved(found, f"{found.name}: a test")
    monkeypatch.setattr("indexing.encoders.resolve", lambda name, cache, consent=None: resolved)
    return found


def quick_fits(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """Short fits, and trials of one size."""
    from training import selection
    from training.fit import Settings

    monkeypatch.setattr(selection, "Settings", partial(Settings, steps=steps))
    monkeypatch.setattr(selection, "TRIAL_STEPS", 2 * steps // 3)
    monkeypatch.setattr(selection, "SIZES", (2,))
    monkeypatch.setattr(selection, "MORE", ())


def gallery(folder: Path, count: int = 8, seed: int = 0) -> Path:
    """A folder of small pictures, each of other colors."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for number in range(count):
        pixels = rng.integers(0, 256, (2, 2, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((24, 24)).save(folder / f"picture-{number:02d}.png")
    return folder


def survey(folder: Path, raters: int = 60, questions: int = 6, options: int = 2) -> Path:
    """A survey folder of one trait: who says yes once says yes more often."""
    import pyarrow as pa
    from pyarrow import parquet

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    names = [f"q{number}" for number in range(questions)]
    asked = {
        "question_id": names,
        "domain": ["mood"] * questions,
        "text": [f"Do you like thing {number}?" for number in range(questions)],
        "options": [["Yes", "No", "Perhaps"][:options]] * questions,
    }
    chance = rng.uniform(0.1, 0.9, raters)
    said = rng.random((raters, questions)) < chance[:, None]
    answered = {
        "rater_id": np.repeat([f"r{number}" for number in range(raters)], questions),
        "question_id": names * raters,
        "answer": said.ravel().astype(np.int64),
    }
    parquet.write_table(pa.table(asked), folder / "questions.parquet")
    parquet.write_table(pa.table(answered), folder / "responses.parquet")
    return folder
