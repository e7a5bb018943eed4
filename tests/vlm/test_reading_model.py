"""The model: what is read does not depend on its company, pictures count, and only the right parts learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from prefs.errors import ConfigError, ModelError
from tests.vlm.small import ENCODER, QUESTIONS, WIDTH, asked, causal, model, pictures
from vlm.assemble import assemble
from vlm.backbones import load_backbone
from vlm.batch import Batcher
from vlm.saved import make


def vectors(made: Any, tokenizer: Any, questions: Any, shown: Any) -> tuple[Any, Any]:
    import torch

    batch = Batcher(tokenizer, made.config, shown).batch(questions)
    with torch.inference_mode():
        phi, g = assemble(batch.layout, made(**batch.inputs), made)
    return phi.numpy(), g.numpy()


@pytest.fixture(params=["encoder", "causal"])
def either(request: Any, tmp_path: Any) -> tuple[Any, Any]:
    import torch

    if request.param == "encoder":
        return model()
    backbone = load_backbone(str(causal(tmp_path / "lm")))
    torch.manual_seed(0)
    made = make(backbone, dim=5, width=WIDTH, encoder=ENCODER, picture_tokens=2)
    return made.eval(), backbone.tokenizer


def test_a_question_is_read_the_same_alone_and_among_others(either: Any) -> None:
    phi, _ = vectors(*either, QUESTIONS, pictures())
    for row, question in enumerate(QUESTIONS):
        alone, _ = vectors(*either, [question], pictures())
        np.testing.assert_allclose(phi[row, : len(question.options)], alone[0], atol=1e-5)


def test_pictures_words_and_labels_count(either: Any) -> None:
    shown, other = pictures(), pictures(1)
    phi, _ = vectors(*either, QUESTIONS, shown)
    changed, _ = vectors(*either, QUESTIONS, other)
    differs = [bool(np.abs(a - b).max() > 1e-3) for a, b in zip(phi, changed, strict=True)]
    assert differs == [bool(question.items) for question in QUESTIONS]
    like = asked("a", "rating", QUESTIONS[0].markdown, "Very much", "Quite", "A little", "Not at all")
    turned, _ = vectors(*either, [QUESTIONS[0], like], shown)
    assert np.abs(turned[0, :, 2:] - turned[1, :, 2:]).max() > 1e-3


def test_states_are_averaged_or_the_last_is_taken() -> None:
    import torch

    states, mask = torch.arange(12.0).view(1, 4, 3), torch.tensor([[1, 1, 1, 0]])
    for reads, mean in (("encoder", [3.0, 4.0, 5.0]), ("causal", [4.5, 5.5, 6.5])):
        made, _ = model()
        made.config.reads = reads
        assert made._pooled(states, mask, "last").tolist() == [[6.0, 7.0, 8.0]]
        assert made._pooled(states, mask, "mean").tolist() == [mean]


def test_heads_see_the_layers_that_the_settings_name() -> None:
    import torch

    backbone = load_backbone("tiny", ["Do you like rain ?"])
    made = make(backbone, dim=4, pooled=["mean 1", "last 2"]).eval()
    ids = torch.tensor([[1, 5, 6, 2]])
    mask = torch.ones_like(ids)
    out = made.backbone(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
    expected = torch.cat([out[1].mean(1), out[2][:, -1]], dim=1)
    torch.testing.assert_close(made.states(ids, mask), expected)
    made.config.pooled = ["mean 3", "mean 1"]
    with pytest.raises(ModelError, match="the backbone has 2 layers"):
        made.states(ids, mask)


def test_the_start_knows_no_popularity_and_modest_tastes() -> None:
    import torch

    torch.manual_seed(0)
    backbone = load_backbone("tiny", [])
    made = make(backbone, dim=64).eval()
    phi, g = vectors(made, backbone.tokenizer, QUESTIONS[:3], {})
    assert not g[np.isfinite(g)].any()
    length = np.linalg.norm(phi[0, -1, 2:])
    assert 1.0 < length / np.sqrt(64) < 6.0 or 0.1 < length < 64


@pytest.mark.parametrize(
    ("tune", "learns"),
    [("full", {"backbone", "lora"}), ("lora", {"lora"}), ("heads", set())],
)
def test_only_what_is_tuned_learns(tune: str, learns: set[str]) -> None:
    made, _ = model(tune=tune, words=False)
    names = made.tuned_names()
    assert {
        "heads.taste.weight",
        "heads.appeal.weight",
        "heads.bends.weight",
        "log_nu",
        "log_scale",
        "strength",
    } <= set(names)
    assert any(name.startswith("projector") for name in names)
    inner = [name for name in names if name.startswith("backbone")]
    assert bool(inner) == (tune != "heads")
    assert all("lora_" in name for name in inner) == (tune != "full")
    assert not any("word_embeddings" in name for name in names)


def test_lora_changes_nothing_at_the_start() -> None:
    import torch

    torch.manual_seed(0)
    backbone = load_backbone("tiny", [])
    plain = make(backbone, dim=5).eval()
    before, _ = vectors(plain, backbone.tokenizer, QUESTIONS[:3], {})
    tuned = make(backbone, dim=5, tune="lora", rank=2).eval()
    tuned.heads.load_state_dict(plain.heads.state_dict())
    after, _ = vectors(tuned, backbone.tokenizer, QUESTIONS[:3], {})
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_words_of_a_backbone_made_in_code_learn() -> None:
    made, _ = model()
    assert any("word_embeddings" in name for name in made.tuned_names())


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ({"tune": "some"}, r"tune 'some': allowed are full, lora, heads"),
        ({"dim": 0}, r"dim 0: allowed are 1 to 512"),
        ({"max_tokens": 4}, r"max_tokens 4: allowed are 16 to 512"),
        ({"max_tokens": 513}, r"max_tokens 513: allowed are 16 to 512"),
        ({"picture_tokens": 5}, r"picture_tokens 5: allowed are 1 to 4"),
        ({"width": 3, "encoder": ""}, r"encoder '' of width 3"),
    ],
)
def test_refuses_settings_out_of_range(setting: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        make(load_backbone("tiny", []), **setting)


def test_heads_compute_in_float32_where_the_backbone_does_not() -> None:
    import torch

    made, tokenizer = model()
    inputs = Batcher(tokenizer, made.config, pictures()).batch(QUESTIONS).inputs
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        read = made(**inputs)
        again = made.heads(made.states(**inputs))
    assert {one.dtype for one in read} == {torch.float32}
    assert again.taste.dtype == torch.bfloat16


def test_refuses_an_unknown_backbone_and_other_kinds() -> None:
    from vlm.config import PreferenceConfig
    from vlm.model import PreferenceVLM

    with pytest.raises(ModelError, match="a backbone of type 'unheard' cannot be made"):
        PreferenceVLM(PreferenceConfig(body={"model_type": "unheard"}))
    with pytest.raises(ModelError, match=r"of the kinds .*: train it again"):
        PreferenceVLM(PreferenceConfig(body={"model_type": "bert"}, kinds=["pair"]))
    with pytest.raises(ModelError, match="without the configuration of its backbone"):
        PreferenceVLM(PreferenceConfig())
