from __future__ import annotations

import numpy as np
import pytest
import quadrature
from hypothesis import given, settings
from hypothesis import strategies as st

from prefs.batch import infer_many
from prefs.belief import infer_vectors
from prefs.errors import ModelError, QuestionError
from prefs.model import QuestionVectors
from prefs.space import TasteSpace


@pytest.mark.parametrize("lapse", [None, 0.02, 0.4])
def test_many_raters_get_what_each_would_get_alone(lapse: float | None) -> None:
    rng = np.random.default_rng(1)
    space = quadrature.space()
    vectors = quadrature.questions("pair", 20, rng)
    answers = rng.integers(-1, 3, (30, 20))
    answers[0] = -1
    together = infer_many(space, vectors, answers, lapse)
    assert np.array_equal(together.answers, (answers >= 0).sum(1))
    np.testing.assert_allclose(together.mean[0], space.mean, atol=1e-9)
    np.testing.assert_allclose(together.cov[0], space.cov, atol=1e-9)
    for row in range(1, 30):
        given_ = np.flatnonzero(answers[row] >= 0)
        alone = infer_vectors(space, vectors[given_], answers[row, given_], lapse)
        np.testing.assert_allclose(together.mean[row], alone.mean, atol=1e-8)
        np.testing.assert_allclose(together.cov[row], alone.cov, atol=1e-8)
        assert together.lapse[row] == pytest.approx(alone.lapse, abs=1e-9)


def test_blocks_of_raters_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    vectors, answers = quadrature.questions("grid", 6, rng), rng.integers(-1, 4, (50, 6))
    whole = infer_many(quadrature.space(), vectors, answers)
    monkeypatch.setattr("prefs.batch.BLOCK", 1)
    np.testing.assert_allclose(infer_many(quadrature.space(), vectors, answers).mean, whole.mean, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(1, 40),
    st.sampled_from([0.01, 1.0, 5.0, 100.0]),
    st.sampled_from([None, 0.0, 0.02, 0.5, 1.0]),
)
def test_belief_is_finite_and_proper_whatever_is_answered(
    seed: int, count: int, scale: float, lapse: float | None
) -> None:
    rng = np.random.default_rng(seed)
    space = TasteSpace((("style", 5), ("pictures", 7)), np.zeros(12), np.eye(12))
    phi = scale * rng.normal(size=(count, 4, 12)) / 4
    phi[::2] = phi[0]
    vectors = QuestionVectors(phi, rng.normal(size=(count, 4)))
    found = infer_many(space, vectors, rng.integers(0, 4, (3, count)), lapse)
    assert np.isfinite(found.mean).all()
    values = np.linalg.eigvalsh(found.cov)
    assert (values > 0).all()
    assert (values < 2.01).all()
    assert ((found.lapse >= 0) & (found.lapse <= 1)).all()


def test_answers_that_no_question_has_are_refused() -> None:
    space, vectors = quadrature.space(), quadrature.questions("pair", 3, np.random.default_rng(0))
    for wrong in ([[0, 1, 3]], [[0, -2, 1]], [[0, 1]]):
        with pytest.raises(QuestionError):
            infer_many(space, vectors, np.array(wrong))
    with pytest.raises(ModelError, match="lapse"):
        infer_many(space, vectors, np.array([[0, 1, 2]]), -0.1)
