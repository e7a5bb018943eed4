from __future__ import annotations

import numpy as np
import pytest

from training.grafting import Atoms, Case, Trust, foretold, likeness, trusted

RNG = np.random.default_rng(0)


def test_atoms_make_the_options_again() -> None:
    phi = RNG.normal(size=(3, 4, 5))
    phi[0, 3] = 0
    counts = np.array([3, 4, 4])
    slope = np.array([2.0, -1.0, 0.5])
    phi[1, :, 2:] = np.linspace(-1, 1, 4)[:, None] * slope
    phi[0, :3, 2:] -= phi[0, :3, 2:].mean(0)
    phi[2, :, 2:] -= phi[2, :, 2:].mean(0)
    atoms = Atoms.of(phi, counts, np.array([False, True, False]))
    assert atoms.question.tolist() == [0, 0, 0, 1, 2, 2, 2, 2]
    assert atoms.vectors[3] == pytest.approx(slope)
    np.testing.assert_allclose(atoms.phi(atoms.vectors, counts, 4), phi[..., 2:])
    assert atoms.among(np.array([False, True, False])).sum() == 1


def test_likeness_by_hand_and_odd() -> None:
    x, y = np.array([[2.0, 0.0]]), np.array([[1.0, 1.0], [0.0, 0.0]])
    assert likeness(x, y, 0.0)[0] == pytest.approx([2.0, 0.0])
    assert likeness(x, y, 1.0)[0] == pytest.approx([2 * np.sqrt(2) * 0.5**1.5, 0.0])
    read = RNG.normal(size=(4, 3))
    known, vectors = RNG.normal(size=(9, 3)), RNG.normal(size=(9, 2))
    for method in ("process", "projection"):
        trust = Trust(method, 0.5, 0.1)
        np.testing.assert_allclose(
            foretold(-read, known, vectors, trust), -foretold(read, known, vectors, trust)
        )


def test_a_linear_map_is_found_again() -> None:
    turn = RNG.normal(size=(3, 3))
    read = RNG.normal(size=(60, 3))
    vectors = read @ turn
    found = foretold(read[:20], read[20:], vectors[20:], Trust(ridge=1e-9))
    np.testing.assert_allclose(found, vectors[:20], atol=1e-5)
    orthogonal = np.linalg.qr(turn)[0]
    found = foretold(read[:20], read[20:], read[20:] @ orthogonal, Trust("projection", ridge=1e-9))
    np.testing.assert_allclose(found, read[:20] @ orthogonal, atol=1e-5)


def test_what_was_read_is_trusted_as_far_as_it_is_right() -> None:
    judged = np.arange(60) < 15
    read = RNG.normal(size=(60, 4))
    vectors = read @ RNG.normal(size=(4, 6))
    trust, explained = trusted([Case(read, vectors, judged)])
    assert explained > 0.98
    assert 0.8 < trust.strength < 1.2
    blurred, less = trusted([Case(read + RNG.normal(size=read.shape), vectors, judged)])
    assert 0.1 < less < 0.9
    assert blurred.ridge >= trust.ridge
    nothing, none = trusted([Case(RNG.normal(size=(60, 4)), RNG.normal(size=(60, 6)), judged)])
    assert none < 0.2
    assert nothing.strength < 0.6


def test_sets_choose_together() -> None:
    judged = np.arange(60) < 15
    read = RNG.normal(size=(60, 4))
    right = Case(read, read @ RNG.normal(size=(4, 6)), judged)
    wrong = Case(read, -read @ RNG.normal(size=(4, 6)) * 100, judged)
    shuffled = Case(read[::-1], wrong.vectors, judged)
    together, explained = trusted([right, shuffled])
    assert 0.2 < explained < 0.8 * trusted([right])[1]
    assert together.strength < trusted([right])[0].strength
