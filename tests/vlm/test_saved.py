"""Readers on disk: the same bits again, nothing half-written, and one clear error for what is damaged."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import pytest

from prefs.errors import ModelError
from prefs.files import MANIFEST, write_manifest
from tests.vlm.small import ENCODER, QUESTIONS, WIDTH, causal, model, pictures, shaken
from vlm.backbones import load_backbone
from vlm.reader import Reader
from vlm.saved import FORMAT, is_reader, load_reader, make, save_reader


def same(one: Any, other: Any) -> bool:
    import torch

    left, right = one.state_dict(), other.state_dict()
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def read(folder: Path) -> Any:
    return Reader.open(folder).read(QUESTIONS, pictures())


def tuned(folder: Path, **settings: Any) -> tuple[Any, Any]:
    """A model on a causal backbone with pretrained weights."""
    backbone = load_backbone(str(causal(folder)))
    made = make(backbone, **{"dim": 5, "width": WIDTH, "encoder": ENCODER, **settings})
    shaken(made)
    return made.eval(), backbone.tokenizer


@pytest.mark.parametrize("tune", ["full", "lora", "heads"])
def test_the_whole_form_comes_back_bit_by_bit(tmp_path: Path, tune: str) -> None:
    made, tokenizer = model(tune=tune)
    save_reader(made, tokenizer, tmp_path / "r", about={"raters": 3}, reports={"report.json": {"steps": 9}})
    found, _, version = load_reader(tmp_path / "r")
    assert same(made, found)
    assert found.tuned_names() == made.tuned_names()
    assert not found.training
    before = Reader(made, tokenizer, "").read(QUESTIONS, pictures())
    after = read(tmp_path / "r")
    np.testing.assert_allclose(after.phi, before.phi, atol=1e-6)
    assert json.loads((tmp_path / "r" / "report.json").read_text()) == {"steps": 9}
    assert json.loads((tmp_path / "r" / MANIFEST).read_text())["raters"] == 3
    assert is_reader(tmp_path / "r")
    assert len(version) == 16


def test_transformers_alone_reads_what_it_writes(tmp_path: Path) -> None:
    from vlm.model import PreferenceVLM

    made, _ = model(tune="lora")
    made.save_pretrained(tmp_path)
    found = PreferenceVLM.from_pretrained(tmp_path, use_safetensors=True)
    assert same(made, found)
    assert not list(tmp_path.glob("*.bin"))


@pytest.mark.parametrize("tune", ["lora", "heads"])
def test_the_light_form_of_a_partly_tuned_backbone_is_exact_and_small(tmp_path: Path, tune: str) -> None:
    made, tokenizer = tuned(tmp_path / "lm", tune=tune, rank=2)
    for name, light in (("whole", False), ("light", True)):
        save_reader(made, tokenizer, tmp_path / name, light=light)
    found, _, _ = load_reader(tmp_path / "light")
    assert same(made, found)
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("whole", "light")]
    assert sizes[1] < 0.7 * sizes[0]


def test_the_light_form_of_a_tuned_backbone_is_half_as_long_and_settles(tmp_path: Path) -> None:
    made, tokenizer = tuned(tmp_path / "lm")
    save_reader(made, tokenizer, tmp_path / "light", light=True)
    found, tokens, version = load_reader(tmp_path / "light")
    words = "backbone.embed_tokens.weight"
    assert made.state_dict()[words].equal(found.state_dict()[words])
    for name, one in made.state_dict().items():
        np.testing.assert_allclose(found.state_dict()[name], one, rtol=1e-3, atol=1e-4)
    save_reader(found, tokens, tmp_path / "again", light=True)
    again, _, other = load_reader(tmp_path / "again")
    assert same(found, again)
    assert version == other


def test_versions_name_the_parameters(tmp_path: Path) -> None:
    made, tokenizer = model()
    versions = []
    for name in ("a", "b"):
        save_reader(made, tokenizer, tmp_path / name, reports={"report.json": {"name": name}})
        versions.append(load_reader(tmp_path / name)[2])
    shaken(made)
    save_reader(made, tokenizer, tmp_path / "c")
    assert versions[0] == versions[1] != load_reader(tmp_path / "c")[2]


def test_a_light_reader_finds_its_backbone_from_another_folder(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "else").mkdir()
    causal(tmp_path / "lm")
    monkeypatch.chdir(tmp_path)
    backbone = load_backbone("lm")
    save_reader(make(backbone, dim=3, tune="heads"), backbone.tokenizer, tmp_path / "light", light=True)
    monkeypatch.chdir(tmp_path / "else")
    assert load_reader(tmp_path / "light")[0].config.backbone == str(tmp_path / "lm")


def test_a_light_reader_wants_the_backbone_that_it_was_trained_on(tmp_path: Path) -> None:
    made, tokenizer = tuned(tmp_path / "lm", tune="heads")
    save_reader(made, tokenizer, tmp_path / "light", light=True)
    causal(tmp_path / "lm", seed=1)
    with pytest.raises(ModelError, match=r"was trained on other weights of backbone .*lm' \(sha256 "):
        load_reader(tmp_path / "light")


def test_the_light_form_needs_a_backbone_to_come_back_to(tmp_path: Path) -> None:
    made, tokenizer = model()
    with pytest.raises(ModelError, match="backbone 'tiny' was made in code: save the whole reader"):
        save_reader(made, tokenizer, tmp_path / "r", light=True)
    assert not list(tmp_path.iterdir())


def test_weights_that_are_not_finite_are_not_written(tmp_path: Path) -> None:
    made, tokenizer = model()
    save_reader(made, tokenizer, tmp_path / "r")
    before = read(tmp_path / "r")
    made.heads.taste.weight.data[0, 0] = float("nan")
    with pytest.raises(ModelError, match=r"weights that are not finite \(heads\.taste\.weight\)"):
        save_reader(made, tokenizer, tmp_path / "r")
    np.testing.assert_array_equal(read(tmp_path / "r").phi, before.phi)


def test_a_cut_in_writing_leaves_what_was_there(tmp_path: Path, monkeypatch: Any) -> None:
    made, tokenizer = model()
    save_reader(made, tokenizer, tmp_path / "r")
    version = load_reader(tmp_path / "r")[2]
    shaken(made)
    with monkeypatch.context() as patch:
        patch.setattr(
            type(tokenizer), "save_pretrained", lambda self, folder: (_ for _ in ()).throw(OSError())
        )
        with pytest.raises(OSError):  # noqa: PT011 (any)
            save_reader(made, tokenizer, tmp_path / "r")
    assert load_reader(tmp_path / "r")[2] == version
    save_reader(made, tokenizer, tmp_path / "r")
    assert load_reader(tmp_path / "r")[2] != version
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def change(folder: Path, **settings: Any) -> None:
    """Changes settings of a reader, and its manifest with them."""
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))
    write_manifest(folder, {"format": FORMAT})


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (
            {"dim": 7},
            r"checkpoint of another configuration \(2 weights mismatched, first 'heads\.taste\.bias'\)",
        ),
        ({"width": 0, "encoder": ""}, "checkpoint of another configuration .* unexpected, first 'projector"),
        ({"picture_layers": 1}, "checkpoint of another configuration"),
        ({"tune": "lora"}, "checkpoint of another configuration .* missing"),
        ({"kinds": ["pair"]}, "of the kinds"),
        ({"dim": "many"}, "is no whole reader"),
        ({"body": None}, "without the configuration of its backbone"),
    ],
)
def test_a_checkpoint_of_another_configuration(tmp_path: Path, settings: Any, problem: str) -> None:
    made, tokenizer = model()
    save_reader(made, tokenizer, tmp_path / "r")
    change(tmp_path / "r", **settings)
    with pytest.raises(ModelError, match=problem) as told:
        load_reader(tmp_path / "r")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(("settings", "what"), [({"dim": 7}, "mismatched"), ({"tune": "lora"}, "missing")])
def test_a_light_checkpoint_of_another_configuration(tmp_path: Path, settings: Any, what: str) -> None:
    made, tokenizer = tuned(tmp_path / "lm", tune="heads")
    save_reader(made, tokenizer, tmp_path / "r", light=True)
    change(tmp_path / "r", **settings)
    with pytest.raises(ModelError, match=f"another configuration .* {what}"):
        load_reader(tmp_path / "r")


def test_damaged_and_foreign_folders(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"manifest\.json cannot be read"):
        load_reader(tmp_path)
    made, tokenizer = model()
    save_reader(made, tokenizer, tmp_path / "r")
    weights = tmp_path / "r" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    with pytest.raises(ModelError, match="is missing or damaged"):
        load_reader(tmp_path / "r")
    write_manifest(tmp_path / "r", {"format": FORMAT})
    with pytest.raises(ModelError, match="is no whole reader"):
        load_reader(tmp_path / "r")
    write_manifest(tmp_path / "r", {"format": "other/1"})
    with pytest.raises(ModelError, match="holds 'other/1', expected"):
        load_reader(tmp_path / "r")
    assert not is_reader(tmp_path / "r")
    assert not is_reader(tmp_path)


def test_a_tokenizer_that_is_absent_is_not_looked_for_elsewhere(tmp_path: Path) -> None:
    made, tokenizer = model()
    save_reader(made, tokenizer, tmp_path / "r")
    rmtree(tmp_path / "r" / "tokenizer")
    write_manifest(tmp_path / "r", {"format": FORMAT})
    with pytest.raises(ModelError, match="lacks its folder tokenizer"):
        load_reader(tmp_path / "r")


def test_a_minilm_reader_ships_in_less_than_thirty_megabytes(tmp_path: Path, minilm: Any) -> None:
    made = make(minilm, dim=32).eval()
    shaken(made)
    save_reader(made, minilm.tokenizer, tmp_path / "r", light=True)
    assert sum(path.stat().st_size for path in (tmp_path / "r").rglob("*")) < 30e6
    texts = QUESTIONS[:3]
    before = Reader(made, minilm.tokenizer, "").read(texts)
    after = Reader.open(tmp_path / "r").read(texts)
    np.testing.assert_allclose(after.phi, before.phi, atol=2e-2)
