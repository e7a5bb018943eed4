"""Themes and signs, the sides of labels, and what they make of a scale."""

from __future__ import annotations

import numpy as np
import pytest

from prefs.questions import Option, Question
from vlm.assemble import Layout, assemble
from vlm.backbones import load_backbone
from vlm.batch import Batcher
from vlm.passages import passages_of
from vlm.saved import make

torch = pytest.importorskip("torch")


def scale(*labels: str, text: str = "I like rain.") -> Question:
    return Question("q", "rating", text, tuple(Option(label) for label in labels), "bank")


def heads(signs: int = 2, dim: int = 6, dropout: float = 0.0):
    torch.manual_seed(3)
    backbone = load_backbone("tiny", ["I like rain . Agree Disagree Neutral"])
    made = make(backbone, dim=dim, signs=signs, dropout=dropout, inner=5)
    return made, backbone.tokenizer


def test_taste_is_a_signed_theme_of_the_standardised_states() -> None:
    made, _ = heads()
    states = torch.randn(40, 64)
    made.heads.start(states)
    own = made.heads.eval()
    white = ((states - states.mean(0)) / states.std(0)).double()
    with torch.no_grad():
        found = own(states).taste.double().view(40, 2, 3)
        theme = (white / 8 @ own.taste.weight.double().T + own.taste.bias.double()).view(40, 2, 3)
        sign = own.sign.double()(white)
    theme = theme / theme.norm(dim=-1, keepdim=True)
    expected = theme * (own.amount.detach().double() * torch.tanh(sign))[..., None]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_the_themes_start_as_the_main_axes_of_the_states() -> None:
    made, _ = heads(signs=2, dim=4)
    axes = torch.linalg.qr(torch.randn(64, 2))[0]
    states = torch.randn(300, 2) @ (axes * torch.tensor([5.0, 3.0])).T + 0.01 * torch.randn(300, 64)
    made.heads.start(states)
    white = (states - states.mean(0)) / states.std(0)
    weight = made.heads.taste.weight.detach()
    torch.testing.assert_close(weight[:2], weight[2:])
    shared = (white @ weight[:2].T).square().sum() / white.square().sum()
    assert float(shared) > 0.95


def test_few_states_leave_no_sign_without_a_theme() -> None:
    made, _ = heads(signs=2, dim=12)
    made.heads.start(torch.randn(4, 64))
    weight = made.heads.taste.weight.detach().view(2, 6, 64)
    torch.testing.assert_close(weight[0, :4], weight[1, :4])
    assert weight.norm(dim=-1).min() > 0.1
    made.heads(torch.randn(4, 64)).taste.square().sum().backward()
    assert made.heads.taste.weight.grad.norm() < 1e3


def test_a_scale_that_is_turned_around_turns_its_vectors() -> None:
    made, tokenizer = heads()
    made.heads.side.weight.data.normal_(0, 0.5)
    batch = Batcher(tokenizer, made.config).batch(
        [scale("Disagree", "Neutral", "Agree"), scale("Agree", "Neutral", "Disagree")]
    )
    with torch.no_grad():
        phi, _ = assemble(batch.layout, made.eval()(**batch.inputs), made)
    assert batch.layout.ends.tolist() == [[1, 2], [2, 1]]
    torch.testing.assert_close(phi[0, :, 2:], phi[1, ::1, 2:] * -1)
    assert float(phi[0, 0, 2:].abs().max()) > 1e-3


def test_labels_that_are_the_same_point_nowhere() -> None:
    made, _ = heads()
    question = scale("Agree", "Neutral", "Agree")
    form, passages = passages_of(question, apart=True)
    assert [len(one.parts) for one in passages] == [1, 1, 1]
    row = {passages[0].key: 0, passages[1].key: 1}
    layout = Layout.of([question], [(form, passages)], row)
    read = made.heads.eval()(torch.randn(2, 64))
    phi, _ = assemble(layout, read, made)
    assert not phi[..., 2:].any()


def test_without_signs_nothing_is_read_apart() -> None:
    made, tokenizer = heads(signs=0)
    batch = Batcher(tokenizer, made.config).batch([scale("Disagree", "Neutral", "Agree")])
    assert len(batch.input_ids) == 1
    assert (batch.layout.ends == -1).all()
    assert np.isfinite(made(**batch.inputs).taste.detach().numpy()).all()
