"""The comparison with a multinomial regression, on people whose model is known."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'kallisti[compare]'")

sys.path.append(str(Path(__file__).parents[1] / "training"))
from simulated import people

from benchmarks import multinomial
from training.fitted import FittedBank

TRUTH = people(300, 20, 2, size=1, seed=2)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the true model of the set `spi`."""
    phi = np.zeros((20, 2, 3))
    phi[:, :, 2] = np.array([-1, 1]) * TRUTH.slopes
    bank = FittedBank(TRUTH.bank, phi, TRUTH.popularity, {}, {"split": "eval"})
    bank.save(tmp_path / "spi.model")
    monkeypatch.setattr(multinomial, "bank_of", lambda path: (TRUTH.bank, TRUTH.survey))
    return tmp_path


def test_the_true_model_beats_a_regression(models: Path) -> None:
    found = multinomial.compare("spi", models, "test")
    mean, low, high = found["difference"]
    assert low < mean < 0
    assert mean == pytest.approx(found["model"][0] - found["regression"][0], abs=1e-9)
    assert high < 0.02
    assert found["settings"] in found["tried"]


def test_prints_a_table_and_writes_json(
    models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = models / "found.json"
    monkeypatch.setattr(
        sys, "argv", ["multinomial", "--models", str(models), "--set", "spi", "--json", str(out)]
    )
    multinomial.main()
    assert "| spi |" in capsys.readouterr().out
    assert '"multinomial"' in out.read_text()
