"""The painter's tools: noise, edges, blending, strokes and curves."""

from __future__ import annotations

import numpy as np
import pytest

from indexing.embedded.canvas import Canvas, circle, ribbon, smooth
from indexing.embedded.surface import SIDE, box, finish, inside, lay, noise, plain, ridge, sample

BLACK, WHITE = np.zeros(3), np.ones(3)


def rng() -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(1))


@pytest.mark.parametrize("stretch", [1.0, 5.0])
def test_noise_is_normed_and_tileable(stretch: float) -> None:
    field = noise(rng(), 0.4, 3.0, stretch=stretch)
    assert field.shape == (SIDE, SIDE)
    assert abs(float(field.mean())) < 1e-4
    assert abs(float(field.std()) - 1) < 1e-3
    inner = np.abs(np.diff(field, axis=1)).max()
    assert np.abs(field[:, 0] - field[:, -1]).max() < 1.5 * inner


def test_stretch_draws_features_out_to_the_right() -> None:
    down, across = np.gradient(noise(rng(), 0.3, 2.5, stretch=5.0))
    assert np.abs(down).mean() > 2.5 * np.abs(across).mean()


def test_ridge_is_normed() -> None:
    line = ridge(rng(), 0.5, 2.0)
    assert line.shape == (SIDE,)
    assert abs(float(line.std()) - 1) < 1e-3


def test_sample_reads_pixel_centers() -> None:
    field = noise(rng(), 0.5, 2.0, side=64)
    place = (np.arange(64) + 0.5) / 64
    np.testing.assert_allclose(sample(field, place, np.full(64, 10.5 / 64)), field[10], atol=1e-5)


def test_edges_and_blending() -> None:
    assert inside(np.array([-1.0, 0.0, 1.0])).tolist() == [1.0, 0.5, 0.0]
    assert box(np.array(0.0), np.array(0.0), 0.3, 0.2) == pytest.approx(-0.2)
    assert box(np.array(0.6), np.array(0.6), 0.3, 0.2) == pytest.approx(0.5)
    picture = plain(BLACK)
    lay(picture, WHITE, np.full((SIDE, SIDE), 0.25))
    np.testing.assert_allclose(picture, 0.25)


def test_a_disk_covers_its_area() -> None:
    canvas = Canvas(WHITE)
    canvas.disk(0.3, 0.4, 0.2, BLACK)
    ink = 1 - canvas.light()[..., 0]
    assert float(ink.mean()) == pytest.approx(np.pi * 0.04, rel=0.01)
    rows, columns = np.nonzero(ink > 0.5)
    assert columns.mean() / SIDE == pytest.approx(0.3, abs=0.005)
    assert rows.mean() / SIDE == pytest.approx(0.4, abs=0.005)


def test_a_stroke_has_its_width() -> None:
    canvas = Canvas(WHITE)
    canvas.stroke(np.array([[-0.1, 0.5], [1.1, 0.5]]), 0.1, BLACK)
    assert float((1 - canvas.light()).mean()) == pytest.approx(0.1, rel=0.02)


def test_curves_pass_through_their_points() -> None:
    points = circle(0.5, 0.5, 0.3, corners=8)
    curve = smooth(points, count=10)
    np.testing.assert_allclose(curve[::10], points, atol=1e-6)
    assert np.hypot(*(curve - 0.5).T) == pytest.approx(0.3, rel=0.03)


def test_a_ribbon_is_as_wide_as_told() -> None:
    line = np.stack([np.linspace(0, 1, 5), np.zeros(5)], 1)
    outline = ribbon(line, np.full(5, 0.2))
    np.testing.assert_allclose(np.abs(outline[:, 1]), 0.1, atol=1e-7)


def test_finish_keeps_the_mean_and_hides_banding() -> None:
    picture = np.asarray(finish(plain(np.full(3, 0.2)), rng(), 0.01), dtype=float)
    assert picture.mean() == pytest.approx(255 * (1.055 * 0.2 ** (1 / 2.4) - 0.055), abs=0.5)
    assert picture.std() > 1.0
