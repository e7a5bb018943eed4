from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from prefs.errors import ModelError  # noqa: E402
from training.rater_id.state import Progressed, load_best, load_state, save_best, save_state  # noqa: E402


def tensors(value: float) -> dict[str, torch.Tensor]:
    return {"parameter a": torch.full((2, 3), value), "step a": torch.tensor(value)}


def test_a_state_comes_back_whole_and_older_best_steps_go(tmp_path: Path) -> None:
    assert load_state(tmp_path, tensors(0.0)) is None
    done = Progressed(20, [{"step": 20, "score": -1.5}], 20, 0.7)
    save_best(tmp_path, tensors(1.0), 10)
    save_best(tmp_path, tensors(2.0), 20)
    save_state(tmp_path, tensors(3.0), done)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "best-00000020.safetensors",
        "state.safetensors",
    ]
    found = tensors(0.0)
    assert load_state(tmp_path, found) == done
    assert torch.equal(found["parameter a"], tensors(3.0)["parameter a"])
    load_best(tmp_path, found, 20)
    assert torch.equal(found["step a"], torch.tensor(2.0))


def test_a_damaged_state_or_one_of_another_model_is_one_error(tmp_path: Path) -> None:
    save_state(tmp_path, tensors(3.0), Progressed(1))
    with pytest.raises(ModelError, match="is of another model: remove"):
        load_state(tmp_path, {"parameter b": torch.zeros(2)})
    path = tmp_path / "state.safetensors"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ModelError, match="cannot be read"):
        load_state(tmp_path, tensors(0.0))
