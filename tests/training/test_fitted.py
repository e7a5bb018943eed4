from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from simulated import people

from prefs.bank import ItemBank
from prefs.belief import infer
from prefs.errors import ModelError
from prefs.space import independent
from training.fitted import FittedBank, scale_directions
from training.selection import fit_bank


@pytest.fixture(scope="module")
def bank() -> FittedBank:
    truth = people(200, 9, 3, size=1)
    return replace(fit_bank(truth.bank, truth.survey), scales={"Keen": np.arange(6.0)})


def test_stands_in_any_space(bank: FittedBank) -> None:
    alone = bank.alone()
    other = ("other", np.zeros(2), np.eye(2))
    space = independent([other, bank.block])
    question = bank.bank.questions[0]
    phi, g = bank.source(space).vectors(question)
    assert (phi[:, space.columns("other")] == 0).all()
    assert (phi[:, space.columns("made")] == bank.phi[0, :, 2:]).all()
    assert (g == alone.vectors(question)[1]).all()
    direction = bank.directions(space)["Keen"]
    assert direction[space.columns("made")].tolist() == [2, 3, 4, 5]
    assert infer(alone, [(question, 0)]).answers == 1


def test_comes_back_the_same(bank: FittedBank, tmp_path: Path) -> None:
    bank.save(tmp_path)
    again = FittedBank.load(tmp_path, bank.bank)
    assert again.version == bank.version
    assert (again.phi == bank.phi).all()
    assert again.report == dict(bank.report)
    assert again.scales["Keen"].tolist() == bank.scales["Keen"].tolist()
    moved = replace(bank, g=bank.g + 1e-9)
    assert moved.version != bank.version


def test_scales_stay_in_their_order(bank: FittedBank, tmp_path: Path) -> None:
    ordered = replace(bank, scales={name: np.arange(6.0) for name in ("Sad", "Angry", "Keen")})
    ordered.save(tmp_path)
    assert list(FittedBank.load(tmp_path, bank.bank).scales) == ["Sad", "Angry", "Keen"]


def test_refuses_what_is_damaged_or_of_another_bank(bank: FittedBank, tmp_path: Path) -> None:
    bank.save(tmp_path)
    other = ItemBank("made", bank.bank.questions[:5])
    with pytest.raises(ModelError, match="other questions than bank 'made'"):
        FittedBank.load(tmp_path, other)
    path = tmp_path / "bank.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match="missing or damaged"):
        FittedBank.load(tmp_path, bank.bank)
    with pytest.raises(ModelError, match="cannot be read"):
        FittedBank.load(tmp_path / "absent", bank.bank)


def test_scale_directions_by_hand() -> None:
    # two options at taste t: chance of the second sigmoid(2 w t); score 0 or 1; slope 2 w E[p (1 - p)]
    truth = people(5, 2)
    phi, g = np.zeros((2, 2, 3)), np.zeros((2, 2))
    phi[:, 0, 2], phi[:, 1, 2] = (-0.3, -0.5), (0.3, 0.5)
    found = scale_directions(truth.bank, phi, g, {"Both": {"made:q0": 1, "made:q1": -1}})["Both"]
    t = np.linspace(-8, 8, 4001)
    density = np.exp(-(t**2) / 2) / np.exp(-(t**2) / 2).sum()
    p = [1 / (1 + np.exp(-2 * w * t)) for w in (0.3, 0.5)]
    expected = 0.6 * (density @ (p[0] * (1 - p[0]))) - 1.0 * (density @ (p[1] * (1 - p[1])))
    assert found[2] == pytest.approx(expected, abs=2e-3)
    assert found[:2].tolist() == [0, 0]
