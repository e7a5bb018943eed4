"""Tastes from answers, differentiably: against the numpy belief, and gradients by finite differences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from prefs.batch import infer_many
from prefs.errors import ModelError, QuestionError
from prefs.model import AGREE, EXTREME, QuestionVectors, scores
from prefs.space import Floats, independent
from vlm.posterior import posterior, prior_precision

D, Q, K, R = 4, 40, 5, 30


@dataclass
class People:
    """Questions with random vectors, and what raters answered; some questions have three options."""

    phi: Floats
    g: Floats
    answers: Any

    @classmethod
    def drawn(cls, strength: float = 0.5, seed: int = 0, questions: int = Q) -> People:
        rng = np.random.default_rng(seed)
        linear, extreme = scores(K)
        phi = strength * rng.normal(size=(questions, K, 2 + D))
        phi[:, :, 0], phi[:, :, 1] = linear, extreme
        g = rng.normal(size=(questions, K))
        phi[::3, 3:], g[::3, 3:] = 0.0, -np.inf
        z = rng.normal(size=(R, 2 + D)) * np.sqrt(1 / precision())
        logits = np.einsum("qkd,rd->rqk", phi, z) + g + rng.gumbel(size=(R, questions, K))
        answers = logits.argmax(-1)
        answers[rng.random(answers.shape) < 0.3] = -1
        return cls(phi, g, answers)

    @property
    def tensors(self) -> tuple[Any, Any, Any]:
        import torch

        return torch.from_numpy(self.phi), torch.from_numpy(self.g), torch.from_numpy(self.answers)


def precision() -> Floats:
    import torch

    return np.asarray(prior_precision(2 + D, torch.zeros(1, dtype=torch.float64)).numpy())


def log_posterior(people: People, rater: int, lapse: float) -> Any:
    """As a plain function of one rater's taste."""
    chance = np.isfinite(people.g).sum(1)

    def value(u: Floats) -> float:
        logits = people.phi @ u + people.g
        p = np.exp(logits - logits.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        p = (1 - lapse) * p + lapse / chance[:, None]
        said = people.answers[rater]
        asked = np.flatnonzero(said >= 0)
        return float(np.log(p[asked, said[asked]]).sum() - 0.5 * (precision() * u * u).sum())

    return value


@pytest.mark.parametrize("lapse", [0.0, 0.02, 0.2])
@pytest.mark.parametrize("strength", [0.5, 1.5])
def test_the_mean_is_the_mode_of_the_log_posterior(strength: float, lapse: float) -> None:
    from scipy.optimize import minimize

    people = People.drawn(strength)
    mean, _ = posterior(*people.tensors, steps=40, lapse=lapse)
    for rater in range(0, R, 6):
        value = log_posterior(people, rater, max(lapse, 1e-6))
        found = minimize(lambda u, value=value: -value(u), mean[rater].numpy(), method="BFGS")
        np.testing.assert_allclose(mean[rater], found.x, atol=2e-4)


def test_the_precision_without_lapse_is_the_hessian() -> None:
    people = People.drawn()
    mean, found = posterior(*people.tensors, steps=40, lapse=0.0)
    value, step = log_posterior(people, 3, 1e-6), 1e-3
    shifts = step * np.eye(2 + D)
    u = mean[3].numpy()
    hessian = [
        [
            (value(u + a + b) - value(u + a - b) - value(u - a + b) + value(u - a - b)) / 4 / step**2
            for b in shifts
        ]
        for a in shifts
    ]
    np.testing.assert_allclose(found[3], -np.array(hessian), rtol=1e-3, atol=1e-3)


def test_agrees_with_the_belief_of_the_interview_where_answers_are_many() -> None:
    """The belief is the posterior's mean and not its mode, so they differ by the skewness."""
    people = People.drawn(0.5, questions=1000)
    space = independent([("bank", np.zeros(D), np.eye(D))])
    columns = np.array([AGREE, EXTREME, *space.columns("bank")])
    phi = np.zeros((*people.g.shape, space.size))
    phi[:, :, columns] = people.phi
    belief = infer_many(space, QuestionVectors(phi, people.g), people.answers, 0.02)
    mean, found = posterior(*people.tensors, steps=20, lapse=0.02)
    np.testing.assert_allclose(mean, belief.mean[:, columns], atol=1e-2, rtol=1e-2)
    cov = np.linalg.inv(found.numpy())
    np.testing.assert_allclose(cov, belief.cov[:, columns[:, None], columns], atol=3e-3)


def test_few_steps_suffice() -> None:
    people = People.drawn()
    exact, _ = posterior(*people.tensors, steps=40)
    mean, _ = posterior(*people.tensors)
    np.testing.assert_allclose(mean, exact, atol=1e-4)


def test_who_said_nothing_is_the_population() -> None:
    phi, g, answers = People.drawn().tensors
    mean, found = posterior(phi, g, answers.new_full(answers.shape, -1))
    assert not mean.any()
    np.testing.assert_allclose(found[0], np.diag(precision()))


@pytest.mark.parametrize(("lapse", "through", "rtol"), [(0.0, 40, 1e-5), (0.02, 40, 1e-5), (0.02, 2, 2e-2)])
def test_gradients_are_those_of_finite_differences(lapse: float, through: int, rtol: float) -> None:
    import torch

    people = People.drawn(questions=12)
    phi, g, answers = people.tensors
    away = torch.from_numpy(np.random.default_rng(1).normal(size=(R, 2 + D)))

    def target(phi: Any, g: Any) -> Any:
        mean, found = posterior(phi, g, answers, steps=40, lapse=lapse, through=through)
        return (away * mean).sum() + torch.logdet(found).sum()

    phi.requires_grad_(), g.requires_grad_()
    slopes = torch.autograd.grad(target(phi, g), (phi, g))
    rng = np.random.default_rng(2)
    for _ in range(5):
        moves = [torch.from_numpy(rng.normal(size=one.shape)) for one in (phi, g)]
        with torch.no_grad():
            up = target(phi + 1e-5 * moves[0], g + 1e-5 * moves[1])
            down = target(phi - 1e-5 * moves[0], g - 1e-5 * moves[1])
        found = sum(float((slope * move).sum()) for slope, move in zip(slopes, moves, strict=True))
        assert float(up - down) / 2e-5 == pytest.approx(found, rel=rtol, abs=rtol)


def test_damping_holds_where_a_full_step_would_not() -> None:
    import torch

    phi = torch.zeros(3, 2, 2 + D, dtype=torch.float64)
    phi[:, 1, 2] = torch.tensor([40.0, -40.0, 40.0])
    g = torch.tensor([[0.0, -30.0]] * 3, dtype=torch.float64)
    answers = torch.tensor([[1, 1, 1], [1, 0, 1]])
    people = People(phi.numpy(), g.numpy(), answers.numpy())
    before, after = torch.zeros(2, 2 + D, dtype=torch.float64), posterior(phi, g, answers, steps=10)[0]
    for rater in range(2):
        value = log_posterior(people, rater, 0.02)
        assert value(after[rater].numpy()) >= value(before[rater].numpy())


def test_bfloat16_in_float32_out() -> None:
    import torch

    phi, g, answers = People.drawn().tensors
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mean, found = posterior(phi.bfloat16(), g.bfloat16(), answers)
    assert (mean.dtype, found.dtype) == (torch.float32, torch.float32)


def test_refuses_what_does_not_fit() -> None:
    phi, g, answers = People.drawn().tensors
    with pytest.raises(
        QuestionError, match=r"answers of shape \(30, 39\) to questions of shape \(40, 5, 6\)"
    ):
        posterior(phi, g, answers[:, 1:])
    with pytest.raises(ModelError, match=r"lapse 1\.0 and 6 steps"):
        posterior(phi, g, answers, lapse=1.0)
