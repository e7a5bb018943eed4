"""Data sets as a trained reader knows them; the reader is the smallest there is, and untrained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simulated import people

from prefs.errors import ConfigError
from prefs.questions import Option, picture
from training import readers
from training.evaluate import evaluate
from training.readers import read_data

TRUTH = people(300, 36, 3, size=1, seed=2)
REPORT = {"split": "eval", "hold_out_questions": True, "hold_out_sets": []}


def reader(folder: Path, report: dict[str, Any], **settings: Any) -> Path:
    pytest.importorskip("transformers", reason="transformers is not installed: pip install 'kallisti[vlm]'")
    from vlm.backbones import load_backbone
    from vlm.saved import make, save_reader

    backbone = load_backbone("tiny", [question.markdown for question in TRUTH.survey.questions])
    save_reader(
        make(backbone, dim=4, **settings), backbone.tokenizer, folder, reports={"report.json": report}
    )
    return folder


def test_a_survey_is_evaluated_through_a_reader(tmp_path: Path) -> None:
    fitted = read_data(reader(tmp_path / "r", REPORT), "made", TRUTH.bank, TRUTH.survey, tmp_path)
    found = evaluate(TRUTH.survey, fitted, ("random", "static"), 5)
    told = found["settings"]["fit"]["reader"]
    assert (told["own_marginals"], told["targets_held_out"], told["set_held_out"]) == (True, True, False)
    loss, generic = found["policies"]["random"]["log_loss"][0], found["controls"]["generic"]["log_loss"][0]
    assert loss == pytest.approx(generic, abs=0.01)  # popularity is that of people


def test_questions_that_were_shortened_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first, *others = TRUTH.survey.questions
    asked = (replace(first, markdown=40 * first.markdown), *others)
    bank, survey = replace(TRUTH.bank, questions=asked), replace(TRUTH.survey, questions=asked)
    read_data(reader(tmp_path / "r", REPORT, max_tokens=60), "made", bank, survey, tmp_path)
    assert "passage with a question shortened to fit max_tokens: 3" in caplog.text  # a passage an option


def test_refuses_a_reader_that_saw_the_test_raters(tmp_path: Path) -> None:
    folder = reader(tmp_path / "r", {"split": "all"})
    with pytest.raises(ConfigError, match="has seen the test raters"):
        read_data(folder, "made", TRUTH.bank, TRUTH.survey, tmp_path)


def shown() -> tuple[Any, Any]:
    """The same people, asked about pictures."""
    options = tuple(Option(label) for label in "123")
    asked = tuple(
        replace(one, kind="rating", markdown=f"How nice is {picture(f'p{row}')}?", options=options)
        for row, one in enumerate(TRUTH.survey.questions)
    )
    return replace(TRUTH.bank, questions=asked), replace(TRUTH.survey, questions=asked)


def test_pictures_are_read_by_their_vectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bank, survey = shown()
    vectors = dict(zip((f"p{row}" for row in range(36)), np.eye(36, 5, dtype=np.float32), strict=True))
    monkeypatch.setattr(readers, "picture_vectors", lambda path, data_dir: vectors)
    folder = reader(tmp_path / "r", REPORT, encoder="colors", width=5)
    fitted = read_data(folder, "made", bank, survey, tmp_path)
    assert fitted.report["reader"]["strength"] == [1.0, 1.0]
    assert np.abs(fitted.phi[0] - fitted.phi[1]).max() > 0
    np.testing.assert_array_equal(fitted.phi[7], fitted.phi[8])  # both vectors are 0


def test_refuses_pictures_where_none_are_read(tmp_path: Path) -> None:
    bank, survey = shown()
    with pytest.raises(ConfigError, match="reads no pictures"):
        read_data(reader(tmp_path / "r", REPORT), "made", bank, survey, tmp_path)
