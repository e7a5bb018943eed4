"""Questions that nobody answered are opened by the reader that comes along, and it is said."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

torch = pytest.importorskip("torch")

from prefs.errors import DataError, ModelError  # noqa: E402
from training import shipped  # noqa: E402
from training.banks import UNANSWERED  # noqa: E402
from training.openbanks import banks_to_retrain, open_bank, origins  # noqa: E402
from training.workspace import Workspace  # noqa: E402

TEXTS = ("I like rain.", "I like crowds.", "Which would you rather have?")
LABELS = (["Disagree", "Neutral", "Agree"], ["Disagree", "Neutral", "Agree"], ["A garden", "A balcony"])


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small reader that nobody trained, in place of the one that comes along."""
    return put(tmp_path / "weights", monkeypatch, seed=0)


def put(folder: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> Path:
    from vlm.backbones import load_backbone
    from vlm.saved import make, save_reader

    torch.manual_seed(seed)
    backbone = load_backbone("tiny", TEXTS)
    save_reader(make(backbone, dim=4, signs=2), backbone.tokenizer, folder, reports={"report.json": {}})
    monkeypatch.setattr(shipped, "FOLDER", folder)
    return folder


def bank(folder: Path, domains: tuple[str, ...] = ("values", "values", "taste")) -> Path:
    folder.mkdir()
    ids = [f"q{number}" for number in range(len(TEXTS))]
    table = {"question_id": ids, "domain": domains, "text": TEXTS, "options": LABELS}
    pd.DataFrame(table).to_parquet(folder / "questions.parquet")
    return folder


def test_questions_that_nobody_answered_are_read_and_kept(weights: Path, tmp_path: Path) -> None:
    path, data_dir = bank(tmp_path / "mine"), tmp_path / "data"
    fitted = open_bank(str(path), data_dir, lambda *_: None)
    assert fitted.bank.note == UNANSWERED
    assert fitted.phi.shape == (3, 3, 6)
    assert fitted.report["raters"] == 0
    assert abs(fitted.phi[:2, :, 2:]).max() > 0
    (weights / "model.safetensors").rename(weights / "gone")
    with pytest.raises(ModelError):
        open_bank(str(path), data_dir, lambda *_: None)
    (weights / "manifest.json").rename(weights / "away")
    assert origins(data_dir) == {"mine": str(path)}, "other banks can be told apart all the same"
    (weights / "away").rename(weights / "manifest.json")
    (weights / "gone").rename(weights / "model.safetensors")
    again = open_bank(str(path), data_dir, lambda *_: pytest.fail("read again"))
    assert again.version == fitted.version
    workspace = Workspace.open(data_dir, banks=[str(path)])
    workspace.store.close()
    assert workspace.notes == (f"mine: {UNANSWERED}",)
    assert origins(data_dir) == {"mine": str(path)}
    found, wrong = banks_to_retrain(data_dir)
    assert not found
    assert "read by its text" in wrong[0]


def test_what_is_shortened_is_told(weights: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = bank(tmp_path / "mine")
    table = pd.read_parquet(path / "questions.parquet")
    table.loc[0, "text"] = 400 * "rain and "
    table.to_parquet(path / "questions.parquet")
    open_bank(str(path), tmp_path / "data", lambda *_: None)
    assert "question shortened to fit max_tokens" in caplog.text


def test_other_weights_read_again(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, data_dir = bank(tmp_path / "mine"), tmp_path / "data"
    first = open_bank(str(path), data_dir, lambda *_: None)
    put(tmp_path / "other", monkeypatch, seed=1)
    assert open_bank(str(path), data_dir, lambda *_: None).version != first.version


def test_a_folder_without_a_question_to_ask(weights: Path, tmp_path: Path) -> None:
    path = bank(tmp_path / "mine", ("background",) * 3)
    with pytest.raises(DataError, match="holds no question to ask"):
        open_bank(str(path), tmp_path / "data", lambda *_: None)


def test_the_weights_that_come_along_are_whole_small_and_of_free_data() -> None:
    from prefs.files import read_manifest
    from training.readbank import report_of

    manifest = read_manifest(shipped.FOLDER, ModelError)
    assert sum(path.stat().st_size for path in shipped.FOLDER.rglob("*") if path.is_file()) < 30e6
    report = report_of(shipped.FOLDER)
    assert set(report["data"]) == {"twin_mega_study", "polis"}
    assert manifest["training"]["data"] == report["data"]
