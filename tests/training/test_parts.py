from __future__ import annotations

from pathlib import Path

import pytest

from prefs.errors import ConfigError, DataError, ModelError
from training.parts import Parts
from training.work import Work


def test_parts_become_the_file_in_order_and_go(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "plans", {"seed": 1}, resume=False)
    for number in (1, 0):
        with pytest.raises(DataError, match="lacks part 0 of 2: add --resume"):
            parts.join(2)
        parts.path(number).write_text(f"{number}\n")
    parts.join(2)
    assert (tmp_path / "plans").read_text() == "0\n1\n"
    assert [path.name for path in tmp_path.iterdir()] == ["plans"]


@pytest.mark.parametrize("damage", ["", "{", "[1]"])
def test_what_cannot_be_read_is_named(tmp_path: Path, damage: str) -> None:
    parts = Parts(tmp_path / "plans", {"seed": 1}, resume=False)
    (parts.folder / "work.json").write_text(damage)
    with pytest.raises(ConfigError, match=r"work\.json cannot be read .* remove .*plans\.parts"):
        Parts(tmp_path / "plans", {"seed": 1}, resume=True)
    (tmp_path / "trial.json").write_text(damage)
    with pytest.raises(ModelError, match=r"trial\.json cannot be read .* remove it"):
        Work(tmp_path).known("trial", dict)
