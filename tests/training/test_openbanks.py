from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import tiny

from prefs.errors import ConfigError, DataError, ModelError
from training import openbanks, selection
from training.fitted import FittedBank
from training.openbanks import banks_to_retrain, open_bank, open_banks, origins


def quiet(stage: str, done: int, total: int) -> None:
    pass


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the banks that were fitted, in order."""
    found: list[str] = []
    fit = selection.fit_bank

    def counted(bank, survey, *rest, **more):  # type: ignore[no-untyped-def]
        found.append(bank.name)
        return fit(bank, survey, *rest, **more)

    monkeypatch.setattr(selection, "fit_bank", counted)
    return found


def kept_in(data: Path) -> Path:
    (found,) = (data / "banks").iterdir()
    return found


def test_a_bank_is_fitted_once_and_then_opened_without_its_survey(
    tmp_path: Path, fits: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny.survey(tmp_path / "moods")
    first = open_bank(str(folder), tmp_path / "data", quiet)
    monkeypatch.setattr(openbanks, "bank_of", lambda name: pytest.fail("the survey is read again"))
    again = open_bank(str(folder), tmp_path / "data", quiet)
    assert fits == ["moods"]
    assert again.bank == first.bank
    assert again.version == first.version
    assert again.report["raters"] == 60


def test_other_answers_are_fitted_anew(tmp_path: Path, fits: list[str]) -> None:
    folder = tiny.survey(tmp_path / "moods")
    open_bank(str(folder), tmp_path / "data", quiet)
    tiny.survey(folder, raters=61)
    assert open_bank(str(folder), tmp_path / "data", quiet).report["raters"] == 61
    assert fits == ["moods", "moods"]


@pytest.mark.parametrize("file", ["bank.safetensors", "questions.json", "bank.json", "manifest.json"])
def test_a_damaged_fit_is_made_anew_and_said(
    tmp_path: Path, fits: list[str], file: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder, data = str(tiny.survey(tmp_path / "moods")), tmp_path / "data"
    first = open_bank(folder, data, quiet)
    path = kept_in(data) / file
    path.write_bytes(path.read_bytes()[:-7] + b"damaged")
    caplog.clear()
    again = open_bank(folder, data, quiet)
    assert fits == ["moods", "moods"]
    assert "is fitted again" in caplog.text
    assert file in caplog.text
    assert again.version == first.version


def test_a_kept_fit_of_nan_is_made_anew_and_said(
    tmp_path: Path, fits: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    folder, data = str(tiny.survey(tmp_path / "moods")), tmp_path / "data"
    first = open_bank(folder, data, quiet)
    with_nan(first).save(kept_in(data))
    again = open_bank(folder, data, quiet)
    assert "'moods' was fitted to values that are not finite" in caplog.text
    assert np.isfinite(again.phi).all()
    assert len(fits) == 2


def test_a_fit_that_gives_nan_is_refused_by_name_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, data = str(tiny.survey(tmp_path / "moods")), tmp_path / "data"
    broken = with_nan(open_bank(folder, data, quiet))
    shutil.rmtree(data)
    monkeypatch.setattr(selection, "fit_bank", lambda *rest, **more: broken)
    with pytest.raises(ModelError, match="'moods' was fitted to values that are not finite"):
        open_bank(folder, data, quiet)
    assert not (data / "banks").exists()


def with_nan(bank: FittedBank) -> FittedBank:
    phi = bank.phi.copy()
    phi[0, 0, 0] = np.nan
    return dataclasses.replace(bank, phi=phi)


def test_a_bank_with_one_option_is_refused(tmp_path: Path) -> None:
    folder = tiny.survey(tmp_path / "moods", options=1)
    with pytest.raises(DataError, match="question 'q0' has 1 options: at least two are needed"):
        open_bank(str(folder), tmp_path / "data", quiet)


def test_two_banks_of_one_name_are_refused(tmp_path: Path) -> None:
    folders = [
        str(tiny.survey(tmp_path / place / "moods", raters)) for place, raters in (("a", 60), ("b", 50))
    ]
    with pytest.raises(ConfigError, match="another bank is called 'moods'"):
        open_banks(folders, tmp_path / "data", quiet)


def test_a_bank_that_is_one_table_is_fitted_anew_when_the_table_changes(tmp_path: Path) -> None:
    table = tmp_path / "ratings.parquet"
    table.write_bytes(b"one")
    before = openbanks._key(str(table))
    table.write_bytes(b"two")
    assert openbanks._key(str(table)) != before


def test_a_bank_that_lost_what_was_learned_since_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder, data = str(tiny.survey(tmp_path / "moods")), tmp_path / "data"
    first = open_bank(folder, data, quiet)
    openbanks.keep(first, data / "retrained" / "one" / "banks" / "moods", folder)
    openbanks.set_current(data, "one", {openbanks._key(folder): "moods"})
    caplog.clear()
    open_bank(folder, data, quiet)
    assert not caplog.text
    monkeypatch.setattr(openbanks, "RECIPE", "another")
    open_bank(folder, data, quiet)
    assert "bank moods lacks what people here answered since: run kallisti retrain" in caplog.text


def test_a_bank_that_was_opened_again_is_fitted_once_more_and_nothing_else_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, data = tiny.survey(tmp_path / "moods"), tmp_path / "data"
    open_bank(str(folder), data, quiet)
    monkeypatch.setattr(openbanks, "RECIPE", "another")
    kept, wrong = banks_to_retrain(data)
    assert kept == []
    assert wrong == ["bank 'moods' was fitted to earlier data or by an earlier version: open it again"]
    assert origins(data) == {"moods": str(folder)}, "it can be opened all the same"
    open_bank(str(folder), data, quiet)
    assert len(list((data / "banks").iterdir())) == 2
    kept, wrong = banks_to_retrain(data)
    assert [one.bank.name for one in kept] == ["moods"]
    assert wrong == []
    shutil.rmtree(folder)
    assert banks_to_retrain(data) == ([], [f"bank 'moods': its data at {folder} is gone, put it back"])
    assert origins(data) == {}
