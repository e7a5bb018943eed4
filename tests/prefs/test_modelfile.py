from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from prefs import modelfile
from prefs.belief import infer
from prefs.errors import ModelError
from prefs.model import BankSource, ChoiceModel, GallerySource
from prefs.questions import pair
from prefs.space import independent


def model() -> ChoiceModel:
    rng = np.random.default_rng(0)
    spread = np.diag([1.0, 2.0, 0.5])
    blocks = [("pictures", rng.normal(size=3), spread), ("bank", np.zeros(2), np.eye(2))]
    space = independent(blocks, {"pictures": ((0.5, 0.5), (0.5, 1.5))})
    gallery = GallerySource(
        "pictures",
        ("a", "b", "c"),
        rng.normal(size=(3, 3)),
        rng.normal(size=3),
        space.columns("pictures"),
        space.size,
        {"pair": 1.3, "thumbs": 0.7},
        -0.4,
        0.2,
        {5: np.array([0.0, 0.3, 0.4, 0.3, 0.0]), 3: np.zeros(3)},
    )
    g = np.array([[0.0, 0.5, -np.inf], [0.1, 0.2, 0.3]])
    bank = BankSource("bank", ("q1", "q2"), rng.normal(size=(2, 3, 2)), g, space.columns("bank"), space.size)
    return ChoiceModel(space, {"pictures": gallery, "bank": bank}, "", 0.03)


def perturbed() -> ChoiceModel:
    """A model none of whose parameters is a default."""
    first = model()
    rng = np.random.default_rng(1)
    mean = first.space.mean + rng.normal(size=first.space.size)
    return replace(first, space=replace(first.space, mean=mean), lapse=0.071)


def test_round_trip_keeps_every_parameter(tmp_path: Path) -> None:
    saved = modelfile.save(perturbed(), tmp_path / "model", {"encoder": "embedded"})
    found = modelfile.load(tmp_path / "model")
    assert found.version == saved.version == modelfile.version_of(perturbed())
    assert found.lapse == 0.071
    assert found.space.blocks == saved.space.blocks
    assert np.array_equal(found.space.mean, saved.space.mean)
    for name in ("pictures", "bank"):
        for key, value in vars(saved.sources[name]).items():
            other = getattr(found.sources[name], key)
            if key == "thresholds":
                assert all(np.array_equal(other[k], v) for k, v in value.items())
                assert set(other) == set(value)
            elif isinstance(value, np.ndarray):
                assert np.array_equal(other, value)
                assert other.dtype == value.dtype
            else:
                assert other == value
    said = [(pair("a", "b", "pictures"), 0), (pair("b", "c", "pictures"), 2)]
    assert np.array_equal(infer(found, said).mean, infer(saved, said).mean)
    assert modelfile.about(tmp_path / "model") == {"encoder": "embedded"}


def test_version_names_the_parameters() -> None:
    first = model()
    assert modelfile.version_of(first) == modelfile.version_of(replace(model(), version="other"))
    gallery = first.sources["pictures"]
    assert isinstance(gallery, GallerySource)
    moved = gallery.taste.copy()
    moved[1, 2] = np.nextafter(moved[1, 2], 9)
    others = [
        replace(first, lapse=0.04),
        replace(first, sources={**first.sources, "pictures": replace(gallery, taste=moved)}),
        replace(first, sources={**first.sources, "pictures": replace(gallery, log_nu=-0.5)}),
        replace(first, sources={"bank": first.sources["bank"]}),
    ]
    assert len({modelfile.version_of(one) for one in [first, *others]}) == 5


def test_saving_again_takes_the_place_of_the_old_model(tmp_path: Path) -> None:
    modelfile.save(model(), tmp_path / "model")
    second = modelfile.save(perturbed(), tmp_path / "model")
    assert modelfile.load(tmp_path / "model").version == second.version
    assert [path.name for path in tmp_path.glob(".model*")] == []


@pytest.mark.parametrize("name", [modelfile.ARRAYS, modelfile.NAMES])
def test_damaged_files_are_refused(tmp_path: Path, name: str) -> None:
    modelfile.save(model(), tmp_path / "model")
    path = tmp_path / "model" / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(ModelError, match="damaged"):
        modelfile.load(tmp_path / "model")
    path.unlink()
    with pytest.raises(ModelError, match="missing"):
        modelfile.load(tmp_path / "model")


def test_foreign_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        modelfile.load(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({"format": "something/9", "files": {}}))
    with pytest.raises(ModelError, match="something/9"):
        modelfile.load(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({"format": modelfile.FORMAT, "files": {}}))
    with pytest.raises(ModelError, match="no whole choice model"):
        modelfile.load(tmp_path)
    for problem in ({"blocks": [["style", 5]], "lapse": 0.1, "sources": [{}]}, []):
        (tmp_path / modelfile.NAMES).write_text(json.dumps(problem))
        with pytest.raises(ModelError, match="no whole choice model") as caught:
            modelfile.load(tmp_path)
        assert "\n" not in str(caught.value)


def test_lapse_must_be_a_share(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="lapse"):
        modelfile.save(replace(model(), lapse=1.5), tmp_path / "model")
    assert not (tmp_path / "model").exists()
