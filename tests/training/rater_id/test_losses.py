from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from training.rater_id.losses import (  # noqa: E402
    Belief,
    answer_loss,
    calibrated,
    chances,
    identity_loss,
    marginals_loss,
    moments_loss,
    predicted_correlations,
    styles,
    transcript_scores,
)


def vectors(questions: int = 5, options: int = 4, size: int = 5, seed: int = 0):
    """phi, g with fewer options in the first question."""
    rng = np.random.default_rng(seed)
    phi = rng.normal(0, 0.7, (questions, options, size)).astype(np.float32)
    g = rng.normal(0, 0.5, (questions, options)).astype(np.float32)
    phi[0, 2:], g[0, 2:] = 0.0, -np.inf
    return torch.from_numpy(phi), torch.from_numpy(g)


def test_chances_are_those_of_the_choice_model() -> None:
    phi, g = vectors()
    z = torch.tensor([[0.3, -0.2, 1.0, 0.0, -1.0]])
    found = chances(phi, g, z, 0.1)[0].numpy()
    logits = (phi @ z[0] + g).numpy().astype(np.float64)
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    counts = np.isfinite(g.numpy()).sum(1, keepdims=True)
    expected = np.where(np.isfinite(g.numpy()), 0.9 * expected + 0.1 / counts, 0.0)
    assert found == pytest.approx(expected, abs=1e-6)
    assert found.sum(1) == pytest.approx(np.ones(5), abs=1e-6)


def test_answer_loss_is_the_log_of_the_mean_chance_over_the_belief() -> None:
    phi, g = vectors()
    mean = torch.randn((3, 5), generator=torch.Generator().manual_seed(1))
    precision = torch.diag(torch.tensor([4.0, 1.0, 2.0, 9.0, 1.0])).expand(3, 5, 5)
    noise = torch.randn((6, 3, 5), generator=torch.Generator().manual_seed(2))
    answers = torch.tensor([[0, 1, 2, -1, 3], [1, -1, 0, 0, 0], [-1, 2, -1, 3, 1]])
    asked = (answers >= 0) & (torch.arange(5) > 0)
    found = answer_loss(phi, g, Belief(mean, precision), answers, asked, noise, 0.02)
    tastes = mean + noise / torch.sqrt(torch.tensor([4.0, 1.0, 2.0, 9.0, 1.0]))
    losses = []
    for r, q in torch.nonzero(asked).tolist():
        each = [chances(phi, g, tastes[s, r : r + 1], 0.02)[0, q, answers[r, q]] for s in range(6)]
        losses.append(-float(torch.log(torch.stack(each).mean())))
    assert float(found) == pytest.approx(np.mean(losses), abs=1e-5)


def test_draws_have_the_covariance_of_the_belief() -> None:
    rng = np.random.default_rng(0)
    root = rng.normal(size=(3, 3))
    precision = torch.from_numpy((root @ root.T + np.eye(3)).astype(np.float32))[None]
    noise = torch.from_numpy(rng.standard_normal((200_000, 1, 3)).astype(np.float32))
    draws = Belief(torch.zeros(1, 3), precision).draws(noise)[:, 0].numpy()
    assert np.cov(draws.T) == pytest.approx(np.linalg.inv(precision[0].numpy()), abs=0.02)


def test_transcript_scores_add_up_log_chances() -> None:
    phi, g = vectors()
    tastes = torch.randn((4, 5), generator=torch.Generator().manual_seed(3))
    answers = torch.tensor([[0, 1, 2, -1, 3], [1, -1, 0, 0, 0], [-1, 2, -1, 3, 1], [1, 1, 1, 1, 1]])
    told = (answers >= 0) & (torch.arange(5) != 2)
    found = transcript_scores(phi, g, tastes, answers, told, 0.05)
    p = torch.log(chances(phi, g, tastes, 0.05).clamp(min=1e-30))
    for r in range(4):
        for h in range(4):
            expected = sum(float(p[h, q, answers[r, q]]) for q in range(5) if told[r, q])
            assert float(found[r, h]) == pytest.approx(expected, abs=1e-4)


def test_identity_loss_of_a_guess_is_one_and_of_knowing_nothing_is_none() -> None:
    assert float(identity_loss(torch.zeros(7, 7))) == pytest.approx(1.0)
    assert float(identity_loss(100 * torch.eye(7))) == pytest.approx(0.0, abs=1e-6)
    assert float(identity_loss(-100 * torch.eye(7))) > 10


def test_predicted_correlations_are_those_of_simulated_answers() -> None:
    rng = np.random.default_rng(4)
    score = np.linspace(-1, 1, 5)
    slopes = rng.normal(0, 0.6, (6, 3))
    phi = np.zeros((6, 5, 5), dtype=np.float32)
    phi[..., 2:] = score[:, None] * slopes[:, None]
    phi[..., 0] = 0.8 * score  # agreeing with everything
    g = rng.normal(0, 0.4, (6, 5)).astype(np.float32)
    tastes = rng.standard_normal((60_000, 5)) * styles(5)
    logits = np.einsum("rc,qkc->rqk", tastes, phi) + g
    answers = (logits + rng.gumbel(size=logits.shape)).argmax(2)
    real = np.corrcoef(answers.T)
    found = predicted_correlations(torch.from_numpy(phi), torch.from_numpy(g)).numpy()
    apart = ~np.eye(6, dtype=bool)
    assert found[apart] == pytest.approx(real[apart], abs=0.03)


def test_predicted_correlations_of_questions_without_a_taste_are_none() -> None:
    phi, g = vectors()
    assert predicted_correlations(0 * phi, g).numpy() == pytest.approx(np.zeros((5, 5)), abs=1e-6)


def test_moments_loss_weighs_pairs_by_what_their_raters_tell() -> None:
    predicted = torch.tensor([[1.0, 0.5, 0.1], [0.5, 1.0, 0.0], [0.1, 0.0, 1.0]])
    real = torch.tensor([[9.0, 0.2, float("nan")], [0.2, 9.0, -0.3], [float("nan"), -0.3, 9.0]])
    together = torch.tensor([[900.0, 100.0, 900.0], [100.0, 900.0, 40.0], [900.0, 40.0, 900.0]])
    w1, w2 = 1 / (0.01 + 0.01), 1 / (0.025 + 0.01)
    expected = (w1 * 0.3**2 + w2 * 0.3**2) / (w1 * 0.2**2 + w2 * 0.3**2)
    assert float(moments_loss(predicted, real, together, 30)) == pytest.approx(expected, rel=1e-5)
    assert float(moments_loss(predicted, real, together, 50)) == pytest.approx(0.09 / 0.04, rel=1e-5)
    assert float(moments_loss(predicted, real, together, 1000)) == 0.0


def test_losses_can_be_differentiated_where_options_are_missing() -> None:
    phi, g = vectors()
    phi.requires_grad_(True)
    answers = torch.tensor([[0, 1, 2, 1, 3], [1, 2, 0, 0, 0]])
    known = torch.ones((2, 5), dtype=torch.bool)
    belief = Belief(torch.zeros(2, 5), torch.eye(5).expand(2, 5, 5))
    loss = answer_loss(phi, g, belief, answers, known, torch.ones(3, 2, 5), 0.0)
    loss = loss + predicted_correlations(phi, g).square().sum()
    loss = loss + identity_loss(transcript_scores(phi, g, torch.ones(2, 5), answers, known, 0.05))
    loss.backward()
    assert torch.isfinite(phi.grad).all()
    assert phi.grad.abs().sum() > 0


def test_calibrated_popularity_gives_the_population_the_shares_of_people() -> None:
    phi, g = vectors(seed=5)
    phi = 2.0 * phi
    made = torch.randn(g.shape, generator=torch.Generator().manual_seed(4))
    shares = torch.softmax(torch.where(torch.isfinite(g), made, g), dim=1)
    found = calibrated(phi, g, shares)
    assert torch.equal(torch.isfinite(found), torch.isfinite(g))
    tastes = torch.randn((200_000, 5), generator=torch.Generator().manual_seed(0)) * torch.from_numpy(
        styles(5)
    )
    p = torch.stack([chances(phi, found, part, 0.0).mean(0) for part in tastes.split(20_000)]).mean(0)
    assert p.numpy() == pytest.approx(shares.numpy(), abs=0.02)
    assert float(marginals_loss(phi, found, shares)) == pytest.approx(
        float(-(shares * torch.log(shares.clamp(min=1e-9))).sum(1).mean()), abs=0.01
    )


def test_marginals_teach_popularity_and_no_taste() -> None:
    phi, g = vectors()
    phi.requires_grad_(True)
    g.requires_grad_(True)
    shares = torch.softmax(torch.zeros_like(g).masked_fill(~torch.isfinite(g), -torch.inf), dim=1)
    marginals_loss(phi, g, shares).backward()
    assert phi.grad is None
    assert g.grad[1:].abs().sum() > 0
