from __future__ import annotations

import choix
import numpy as np
import pytest
import quadrature
from numpy.typing import NDArray
from quadrature import FIRST, SIZE

from prefs.belief import Belief, infer, infer_vectors, prior, probabilities
from prefs.errors import ModelError, QuestionError
from prefs.model import TIE, ChoiceModel, GallerySource, QuestionVectors
from prefs.questions import Question, pair
from prefs.space import Floats, TasteSpace, independent


def simulated(
    vectors: QuestionVectors, taste: Floats, rng: np.random.Generator, lapse: float = 0.0
) -> NDArray[np.intp]:
    logits = vectors.phi @ taste + vectors.g
    chance = np.exp(logits - logits.max(1, keepdims=True))
    chance = (1 - lapse) * chance / chance.sum(1, keepdims=True) + lapse / vectors.counts[:, None]
    return np.asarray((chance.cumsum(1) > rng.random((len(vectors), 1))).argmax(1))


@pytest.mark.parametrize("kind", ["pair", "grid", "rating", "thumbs"])
@pytest.mark.parametrize("count", [1, 8, 40])
@pytest.mark.parametrize("lapse", [0.02, 0.3])
def test_belief_is_the_exact_posterior_s_mean_and_covariance(kind: str, count: int, lapse: float) -> None:
    rng = np.random.default_rng(count)
    space = quadrature.space()
    vectors = quadrature.questions(kind, count, rng)
    answers = simulated(vectors, rng.multivariate_normal(space.mean, space.cov), rng, lapse)
    _, _, mean, cov = quadrature.posterior(space, vectors, answers, lapse)
    belief = infer_vectors(space, vectors, answers, lapse)
    sd = np.sqrt(np.diagonal(cov))
    assert np.abs((belief.mean[FIRST:] - mean) / sd).max() < 0.15
    assert np.abs((belief.cov[FIRST:, FIRST:] - cov) / np.outer(sd, sd)).max() < 0.25
    np.testing.assert_allclose(belief.mean[:FIRST], space.mean[:FIRST], atol=1e-9)
    np.testing.assert_allclose(belief.cov[:FIRST, :FIRST], space.cov[:FIRST, :FIRST], atol=1e-9)


def test_predictions_are_those_of_the_exact_posterior() -> None:
    rng = np.random.default_rng(5)
    space = quadrature.space()
    vectors, unseen = (quadrature.questions("pair", count, rng) for count in (12, 50))
    answers = simulated(vectors, rng.multivariate_normal(space.mean, space.cov), rng)
    points, weights, _, _ = quadrature.posterior(space, vectors, answers, 0.02)
    exact = np.einsum("s,snk->nk", weights, quadrature.likelihood(points, unseen, 0.02))
    found = probabilities(infer_vectors(space, vectors, answers, 0.02), unseen)
    assert (exact * np.log(exact / found)).sum(1).mean() < 2e-3
    np.testing.assert_allclose(found.sum(1), 1.0)


def sampled(vectors: QuestionVectors, answers: NDArray[np.intp], lapse: float) -> tuple[Floats, Floats]:
    """Mean and covariance of z ~ N(0, I) by elliptical slice sampling (Murray et al. 2010), 100 chains."""
    rng, chains, d = np.random.default_rng(0), 100, vectors.phi.shape[2]
    counts, rows = vectors.counts, np.arange(len(answers))

    def log_likelihood(z: Floats) -> Floats:
        logits = np.einsum("nkd,cd->cnk", vectors.phi, z, optimize=True) + vectors.g
        chosen = logits[:, rows, answers]
        chance = np.exp(chosen - np.log(np.exp(logits).sum(2)))
        return np.asarray(np.log((1 - lapse) * chance + lapse / counts).sum(1))

    z, kept = np.zeros((chains, d)), []
    value = log_likelihood(z)
    for step in range(700):
        other, level = rng.normal(size=(chains, d)), value + np.log(rng.random(chains))
        angle = rng.uniform(0, 2 * np.pi, chains)
        low, high = angle - 2 * np.pi, angle.copy()
        moving, new, new_value = np.ones(chains, bool), z.copy(), value.copy()
        while moving.any():
            turn = angle[moving, None]
            new[moving] = z[moving] * np.cos(turn) + other[moving] * np.sin(turn)
            new_value[moving] = log_likelihood(new[moving])
            low = np.where(moving & (angle < 0), angle, low)
            high = np.where(moving & (angle >= 0), angle, high)
            moving &= new_value <= level
            angle = np.where(moving, rng.uniform(low, high), angle)
        z, value = new, new_value
        if step >= 100:
            kept.append(z)
    draws = np.concatenate(kept)
    return draws.mean(0), np.cov(draws.T)


@pytest.mark.parametrize("count", [20])
def test_belief_agrees_with_long_sampling_in_sixteen_dimensions(count: int) -> None:
    rng = np.random.default_rng(count)
    space = TasteSpace((("style", 5), ("pictures", 11)), np.zeros(16), np.eye(16))
    phi = rng.normal(size=(count, 4, 16)) / 2
    phi[:, 3] = phi[:, :3].mean(1)
    vectors = QuestionVectors(phi, rng.normal(size=(count, 4)) / 2)
    answers = simulated(vectors, rng.normal(size=16), rng)
    mean, cov = sampled(vectors, answers, 0.05)
    belief = infer_vectors(space, vectors, answers, 0.05)
    assert np.sqrt(np.mean(np.square(belief.mean - mean) / np.diagonal(cov))) < 0.06
    np.testing.assert_allclose(np.diagonal(belief.cov), np.diagonal(cov), rtol=0.1)


def test_one_hot_tastes_are_bradley_terry() -> None:
    rng, items, alpha = np.random.default_rng(3), 6, 0.5
    strength = rng.normal(size=items)
    games = [tuple(rng.choice(items, 2, replace=False)) for _ in range(40)]
    won = [(a, b) if rng.random() < 1 / (1 + np.exp(strength[b] - strength[a])) else (b, a) for a, b in games]
    mean, cov = choix.ep_pairwise(items, won, alpha, model="logit")
    space = independent([("items", np.zeros(items), np.eye(items) / alpha)])
    phi = np.zeros((len(won), 2, space.size))
    for row, (winner, loser) in enumerate(won):
        phi[row, 0, FIRST + winner] = phi[row, 1, FIRST + loser] = 1.0
    answers = np.zeros(len(won), np.intp)
    belief = infer_vectors(space, QuestionVectors(phi, np.zeros((len(won), 2))), answers, 0.0)
    sd = np.sqrt(np.diagonal(cov))
    assert np.abs((belief.mean[FIRST:] - mean) / sd).max() < 0.1
    np.testing.assert_allclose(np.sqrt(np.diagonal(belief.cov)[FIRST:]), sd, rtol=0.05)


def gallery_model(lapse: float = 0.02) -> ChoiceModel:
    rng = np.random.default_rng(1)
    space = independent([("pictures", np.zeros(3), 4 * np.eye(3))])
    items = tuple("abcdefgh")
    taste, appeal = rng.normal(size=(len(items), 3)), rng.normal(size=len(items)) / 3
    source = GallerySource("g", items, taste, appeal, space.columns("pictures"), space.size, log_nu=-1.0)
    return ChoiceModel(space, {"g": source}, "v", lapse)


def log(count: int) -> list[tuple[Question, int | None]]:
    names = "abcdefgh"
    return [
        (pair(names[i % 8], names[(i * 3 + 1) % 8], "g"), (i * 7) % 3) for i in range(count) if i % 8 != 5
    ]


def test_replaying_a_log_gives_the_same_bits() -> None:
    first, second = (infer(gallery_model(), log(20)) for _ in range(2))
    assert np.array_equal(first.mean, second.mean)
    assert np.array_equal(first.cov, second.cov)
    assert first.lapse == second.lapse


def test_skips_carry_no_likelihood() -> None:
    model, said = gallery_model(), log(6)
    skipped = [*said[:2], (said[2][0], None), *said[2:]]
    assert np.array_equal(infer(model, said).mean, infer(model, skipped).mean)
    assert infer(model, skipped).answers == len(said)
    only = infer(model, [(said[0][0], None)])
    assert np.array_equal(only.mean, prior(model).mean)
    assert only.answers == 0


def known(model: ChoiceModel, taste: Floats, lapse: float) -> Belief:
    return Belief(taste, 1e-12 * np.eye(len(taste)), lapse, 0)


def test_tie_is_davidson_s_and_the_lapse_is_uniform() -> None:
    model = gallery_model()
    source = model.sources["g"]
    assert isinstance(source, GallerySource)
    taste = np.zeros(model.space.size)
    taste[model.space.columns("pictures")] = (0.5, -1.0, 0.25)
    worth = np.exp(source.appeal + source.taste @ (0.5, -1.0, 0.25))
    a, b = worth[0], worth[1]
    nu = np.exp(-1.0)
    total = a + b + nu * np.sqrt(a * b)
    vectors = model.stack([pair("a", "b", "g")])
    expected = np.array([a, b, nu * np.sqrt(a * b)]) / total
    np.testing.assert_allclose(probabilities(known(model, taste, 0.0), vectors)[0], expected, rtol=1e-4)
    lapsed = 0.9 * expected + 0.1 / 3
    np.testing.assert_allclose(probabilities(known(model, taste, 0.1), vectors)[0], lapsed, rtol=1e-4)
    taste[TIE] = 2.0
    more = probabilities(known(model, taste, 0.0), vectors)[0]
    assert more[2] / more[0] == pytest.approx(np.exp(2.0) * expected[2] / expected[0], rel=1e-4)


def test_who_clicks_through_is_recognized_and_who_looks_is_not_suspected() -> None:
    rng = np.random.default_rng(2)
    space = independent([("pictures", np.zeros(8), np.eye(8))])
    lapses = []
    for person in range(20):
        phi = np.zeros((30, 2, space.size))
        phi[..., 5:] = rng.normal(size=(30, 2, 8))
        vectors = QuestionVectors(phi, np.zeros((30, 2)))
        honest = simulated(vectors, rng.multivariate_normal(space.mean, space.cov), rng)
        clicks = rng.integers(0, 2, 30)
        lapses.append([infer_vectors(space, vectors, said, None).lapse for said in (honest, clicks)])
        if person == 0:
            few = infer_vectors(space, vectors[:3], honest[:3], None).lapse
            assert 0.01 < few < 0.04
    honest_lapses, click_lapses = np.array(lapses).T
    assert np.median(honest_lapses) < 0.03
    assert np.median(click_lapses) > 0.15
    assert (click_lapses > np.median(honest_lapses)).all()


def test_contradictions_without_any_lapse_stay_finite() -> None:
    space = quadrature.space()
    phi = np.zeros((6, 2, SIZE))
    phi[:, 0, FIRST] = 1000.0
    belief = infer_vectors(space, QuestionVectors(phi, np.zeros((6, 2))), np.array([0, 1] * 3), 0.0)
    assert np.isfinite(belief.mean).all()
    assert np.linalg.eigvalsh(belief.cov).min() > 0


def test_padding_has_no_probability_and_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    space, vectors = quadrature.space(), quadrature.questions("pair", 5, rng)
    padded = QuestionVectors(
        np.pad(vectors.phi, ((0, 0), (0, 2), (0, 0))),
        np.pad(vectors.g, ((0, 0), (0, 2)), constant_values=-np.inf),
    )
    answers = np.array([0, 1, 2, 0, 1])
    short, long = (infer_vectors(space, v, answers, None) for v in (vectors, padded))
    np.testing.assert_allclose(long.mean, short.mean, atol=0.03)
    chance = probabilities(long, padded)
    assert (chance[:, 3:] == 0).all()
    np.testing.assert_allclose(chance.sum(1), 1.0)


def test_what_is_not_finite_is_refused() -> None:
    space, vectors = quadrature.space(), quadrature.questions("pair", 2, np.random.default_rng(0))
    answers = np.array([0, 1])
    broken = QuestionVectors(np.where(vectors.phi == 0, np.nan, vectors.phi), vectors.g)
    with pytest.raises(ModelError, match="not finite"):
        infer_vectors(space, broken, answers, None)
    with pytest.raises(ModelError, match="coordinates"):
        infer_vectors(space, QuestionVectors(vectors.phi[..., :3], vectors.g), answers, None)
    with pytest.raises(ModelError, match="fewer than two"):
        infer_vectors(space, QuestionVectors(vectors.phi[:, :1], vectors.g[:, :1]), answers * 0, None)
    for wrong in ([0, 3], [-1, 0]):
        with pytest.raises(QuestionError):
            infer_vectors(space, vectors, np.array(wrong), None)
    with pytest.raises(ModelError, match="lapse"):
        infer_vectors(space, vectors, answers, 1.5)


STRENGTHS = ((0.4, 0.4), (0.6, 2.0))


def test_strength_of_taste_is_inferred_as_the_exact_mixture_does() -> None:
    rng = np.random.default_rng(8)
    space = independent([("pictures", np.zeros(2), np.eye(2))], {"pictures": STRENGTHS})
    assert space.cov[FIRST, FIRST] == pytest.approx(0.4 * 0.16 + 0.6 * 4.0)
    for strength in (0.4, 0.4, 2.0, 2.0):
        vectors = quadrature.questions("pair", 15, rng)
        taste = np.append(np.zeros(FIRST), strength * rng.normal(size=2))
        answers = simulated(vectors, taste, rng)
        means, seconds, evidence = [], [], []
        for share, factor in STRENGTHS:
            points, logs = quadrature.grid(np.zeros(2), factor**2 * np.eye(2))
            chance = quadrature.likelihood(points, vectors, 0.02)
            weights = share * np.exp(logs + np.log(chance[:, np.arange(15), answers]).sum(1))
            means.append(weights @ points)
            seconds.append((points * weights[:, None]).T @ points)
            evidence.append(weights.sum())
        mean = np.sum(means, axis=0) / np.sum(evidence)
        cov = np.sum(seconds, axis=0) / np.sum(evidence) - np.outer(mean, mean)
        belief = infer_vectors(space, vectors, answers, 0.02)
        sd = np.sqrt(np.diagonal(cov))
        assert np.abs((belief.mean[FIRST:] - mean) / sd).max() < 0.2
        assert np.abs(belief.cov[FIRST:, FIRST:] - cov).max() < 0.25 * np.outer(sd, sd).max()


def test_answers_about_something_else_say_nothing_about_the_strength() -> None:
    blocks = [("pictures", np.zeros(2), np.eye(2)), ("mood", np.zeros(1), np.eye(1))]
    space = independent(blocks, {"pictures": STRENGTHS})
    phi = np.zeros((4, 2, space.size))
    phi[:, 0, -1] = 1.0
    belief = infer_vectors(space, QuestionVectors(phi, np.zeros((4, 2))), np.zeros(4, np.intp), None)
    np.testing.assert_allclose(belief.cov[:-1, :-1], space.cov[:-1, :-1], atol=1e-9)
    np.testing.assert_allclose(belief.mean[:-1], 0.0, atol=1e-9)
    assert belief.mean[-1] > 0.5


@pytest.mark.parametrize("strengths", [((0.5, np.ones(1)), (0.6, np.ones(1))), ((1.0, 2 * np.ones(1)),)])
def test_strengths_that_do_not_add_up_are_refused(strengths: tuple[tuple[float, Floats], ...]) -> None:
    with pytest.raises(ModelError, match="strengths"):
        TasteSpace((("style", 5),), np.zeros(5), np.eye(5), strengths)
