"""From what was read of passages to the vectors of questions: known answers."""

from __future__ import annotations

import numpy as np
import pytest

from prefs.model import scores
from prefs.questions import Question
from tests.vlm.small import QUESTIONS, model
from vlm.assemble import Layout, assemble, shapes
from vlm.passages import passages_of

D = 5


class Read:
    """Reads of eleven passages, in double precision, and a model with scalars of its own."""

    def __init__(self, questions: tuple[Question, ...] = QUESTIONS) -> None:
        import torch

        from vlm.heads import Read as Found

        rng = np.random.default_rng(0)
        forms = [passages_of(question) for question in questions]
        self.row = {key: row for row, key in enumerate({p.key: 0 for _, part in forms for p in part})}
        self.taste, self.appeal, self.bends = (rng.normal(size=(len(self.row), *n)) for n in ((D,), (), (3,)))
        self.layout = Layout.of(questions, forms, self.row)
        self.model, _ = model()
        side = np.zeros(len(self.row))
        found = Found(*(torch.from_numpy(one) for one in (self.taste, self.appeal, self.bends, side)))
        phi, g = assemble(self.layout, found, self.model.double())
        self.phi, self.g = phi.detach().numpy(), g.detach().numpy()
        self.scale = dict(
            zip(self.model.config.kinds, np.exp(self.model.log_scale.detach().numpy()), strict=True)
        )

    def rows(self, question: Question) -> list[int]:
        return [self.row[passage.key] for passage in passages_of(question)[1]]


@pytest.fixture(scope="module")
def read() -> Read:
    return Read()


def test_shapes_are_orthogonal_polynomials_on_the_labels() -> None:
    for labels in range(2, 12):
        found, (linear, extreme) = shapes(labels), scores(labels)
        powers = np.stack([np.ones(labels), linear, *found.T], axis=1)[:, : min(labels, 5)]
        gram = powers.T @ powers / labels
        np.testing.assert_allclose(gram - np.diag(np.diag(gram)), 0.0, atol=1e-12)
        np.testing.assert_allclose(np.diag(gram)[2:], 1.0)
        assert (powers[-1] > 0).all()
        assert not found[:, max(0, labels - 2) :].any()
        if labels > 2:
            known = extreme / np.sqrt(np.square(extreme).mean())
            np.testing.assert_allclose(found[:, 0], known, atol=1e-12)


def test_a_rating_moves_with_its_scores_thresholds_and_styles(read: Read) -> None:
    (row,), (linear, extreme) = read.rows(QUESTIONS[0]), scores(4)
    scale, strength = read.scale["rating"], read.model.strength.detach().numpy()
    np.testing.assert_allclose(read.phi[0, :4, 2:], scale * linear[:, None] * read.taste[row])
    np.testing.assert_allclose(read.phi[0, :4, :2], np.stack([linear, extreme], 1) * strength)
    np.testing.assert_allclose(read.g[0, :4], scale * linear * read.appeal[row] + shapes(4) @ read.bends[row])


def test_options_have_vectors_around_their_mean(read: Read) -> None:
    rows, scale = read.rows(QUESTIONS[1]), read.scale["choice"]
    own = scale * read.taste[rows]
    np.testing.assert_allclose(read.phi[1, :3, 2:], own - own.mean(0), atol=1e-12)
    np.testing.assert_allclose(read.g[1, :3], scale * read.appeal[rows])
    assert not read.phi[1, :, :2].any()


def test_two_texts_are_a_scale_without_styles(read: Read) -> None:
    (row,), scale = read.rows(QUESTIONS[2]), read.scale["choice"]
    np.testing.assert_allclose(read.phi[2, :2, 2:], scale * np.array([[-1], [1]]) * read.taste[row])
    np.testing.assert_allclose(read.g[2, :2], scale * np.array([-1, 1]) * read.appeal[row])
    assert not read.phi[2, :, :2].any()


def test_pictures_are_not_centred_and_a_tie_lies_between_them(read: Read) -> None:
    rows, scale = read.rows(QUESTIONS[3]), read.scale["pair"]
    np.testing.assert_allclose(read.phi[3, :2, 2:], scale * read.taste[rows])
    np.testing.assert_allclose(read.phi[3, 2, 2:], scale * read.taste[rows].mean(0))
    nu = read.model.log_nu.item()
    np.testing.assert_allclose(
        read.g[3, :3], [*scale * read.appeal[rows], nu + scale * read.appeal[rows].mean()]
    )
    shared = read.rows(QUESTIONS[4])[0]
    assert shared == rows[1]
    np.testing.assert_allclose(read.phi[4, 0], read.phi[3, 1])


def test_thumbs_are_liking_against_nothing(read: Read) -> None:
    (row,), scale = read.rows(QUESTIONS[5]), read.scale["thumbs"]
    np.testing.assert_allclose(read.phi[5, :2, 2:], [scale * read.taste[row], np.zeros(D)])
    np.testing.assert_allclose(read.g[5, :2], [scale * read.appeal[row], 0.0])


def test_what_is_no_option_is_padding(read: Read) -> None:
    counts = [len(question.options) for question in QUESTIONS]
    there = np.arange(5) < np.array(counts)[:, None]
    np.testing.assert_array_equal(np.isfinite(read.g), there)
    assert (read.g[~there] == -np.inf).all()
    assert not read.phi[~there].any()


def test_gradients_reach_everything_and_are_finite() -> None:
    import torch

    made, tokenizer = model()
    from tests.vlm.small import pictures
    from vlm.batch import Batcher

    batch = Batcher(tokenizer, made.config, pictures()).batch(QUESTIONS)
    phi, g = assemble(batch.layout, made(**batch.inputs), made)
    logits = (phi * torch.randn(phi.shape[-1])).sum(-1) + g
    torch.log_softmax(logits, -1)[:, 0].sum().backward()
    for name, parameter in made.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
    still = {"backbone.embeddings.token_type_embeddings.weight"}
    assert all(p.grad.any() for n, p in made.named_parameters() if n not in still)
