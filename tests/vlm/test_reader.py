"""Readers: any questions, each passage read once, in batches of like length."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prefs.bank import ItemBank
from prefs.errors import ModelError, QuestionError
from prefs.questions import pair
from tests.vlm.small import QUESTIONS, model, pictures
from vlm import reader as reading
from vlm.batch import SHORT_QUESTION
from vlm.reader import Reader
from vlm.saved import save_reader


@pytest.fixture(scope="module")
def made() -> Any:
    return model()


def counted(made: Any, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Shapes of all that the model is given to read."""
    shapes: list[tuple[int, int]] = []
    forward = type(made[0]).forward

    def watched(self: Any, input_ids: Any, **rest: Any) -> Any:
        shapes.append(tuple(input_ids.shape))
        return forward(self, input_ids, **rest)

    monkeypatch.setattr(type(made[0]), "forward", watched)
    return shapes


def test_gives_vectors_of_questions_of_every_form(made: Any) -> None:
    found = Reader(*made, "v").read(QUESTIONS, pictures())
    assert found.phi.shape == (len(QUESTIONS), 5, 2 + 5)
    assert (found.phi.dtype, found.g.dtype) == (np.float64, np.float64)
    assert found.counts.tolist() == [len(question.options) for question in QUESTIONS]
    assert np.isfinite(found.phi).all()


def test_a_passage_is_read_once(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes, reader = counted(made, monkeypatch), Reader(*made, "v")
    first = reader.read(QUESTIONS[:4], pictures())
    read = sum(count for count, _ in shapes)
    assert read == 7
    again = reader.read(QUESTIONS[:4], pictures())
    assert sum(count for count, _ in shapes) == read
    np.testing.assert_array_equal(again.phi, first.phi)
    reader.read([pair("y", "x", "gallery"), pair("x", "z", "gallery")], pictures())
    assert sum(count for count, _ in shapes) == read + 1


def test_another_vector_of_a_picture_is_read_again(made: Any) -> None:
    reader = Reader(*made, "v")
    one, other = (reader.read(QUESTIONS[3:4], pictures(seed)) for seed in (0, 1))
    assert np.abs(one.phi - other.phi).max() > 1e-3


def test_what_was_read_is_kept_on_disk(made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_reader(*made, tmp_path / "r")
    first = Reader.open(tmp_path / "r", cache=tmp_path / "cache").read(QUESTIONS, pictures())
    shapes = counted(made, monkeypatch)
    second = Reader.open(tmp_path / "r", cache=tmp_path / "cache").read(QUESTIONS, pictures())
    assert not shapes
    np.testing.assert_array_equal(second.phi, first.phi)
    np.testing.assert_array_equal(second.g, first.g)


def test_batches_hold_texts_of_like_length(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "TOKENS", 64)
    rng = np.random.default_rng(0)
    questions = [
        replace(QUESTIONS[0], question_id=str(row), markdown=f"{row} " + "party " * int(rng.integers(40)))
        for row in range(60)
    ]
    shapes, reader = counted(made, monkeypatch), Reader(*made, "v")
    heard: list[tuple[int, int]] = []
    found = reader.read(questions, told=lambda stage, done, total: heard.append((done, total)))
    assert all(count == 1 or count * length <= 64 for count, length in shapes)
    assert sum(count for count, _ in shapes) == 60
    assert heard[-1] == (60, 60)
    assert [length for _, length in shapes] == sorted(length for _, length in shapes)
    alone = Reader(*made, "v").read([questions[7]])
    np.testing.assert_allclose(found.phi[7], alone.phi[0], atol=1e-6)


def test_a_bank_in_its_order(made: Any) -> None:
    questions = tuple(replace(question, source="bank") for question in QUESTIONS[:3])
    bank = ItemBank("bank", questions)
    phi, g = Reader(*made, "v").bank(bank)
    found = Reader(*made, "v").read(questions)
    np.testing.assert_array_equal(phi, found.phi)
    np.testing.assert_array_equal(g, found.g)


def test_a_gallery_is_read_picture_by_picture(made: Any) -> None:
    reader, shown = Reader(*made, "v"), pictures()
    taste, appeal = reader.gallery(["z", "x"], shown)
    found = reader.read([pair("z", "x", "gallery", tie=False)], shown)
    scale = reader.scales["pair"]
    np.testing.assert_allclose(found.phi[0, :2, 2:], scale * taste)
    np.testing.assert_allclose(found.g[0, :2], scale * appeal)
    with pytest.raises(QuestionError, match="a gallery shows picture 'q', which is not given"):
        reader.gallery(["q"], shown)


def test_nothing_to_read(made: Any) -> None:
    found = Reader(*made, "v").read([])
    assert len(found) == 0


def test_shortened_passages_are_counted_once(made: Any) -> None:
    reader = Reader(*made, "v")
    long = replace(QUESTIONS[0], markdown="party " * 400)
    for _ in range(2):
        reader.read([long])
    assert reader.notices == {SHORT_QUESTION: 1}


def test_refuses_what_cannot_be_read(made: Any) -> None:
    reader = Reader(*made, "v")
    with pytest.raises(QuestionError, match="a text of 100,000 characters: allowed are 20,000"):
        reader.read([replace(QUESTIONS[0], markdown="x" * 100_000)])
    with pytest.raises(QuestionError, match="which is not given"):
        reader.read(QUESTIONS)


def test_a_damaged_cache_is_named(made: Any, tmp_path: Path) -> None:
    (tmp_path / "v.sqlite").write_bytes(b"this is no database" * 100)
    with pytest.raises(ModelError, match=r"v\.sqlite cannot be used \(.*\): remove it"):
        Reader(*made, "v", tmp_path)
