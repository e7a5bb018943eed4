"""Color: known values of OKLab, and ramps that start and end where they are told to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.embedded.color import from_hex, from_oklab, oklab, ramp, shade, to_linear, to_srgb

shares = st.floats(0, 1, allow_nan=False, width=32)


def test_oklab_of_known_colors() -> None:
    # White, and red as in the published table of the color space.
    np.testing.assert_allclose(oklab(np.ones(3)), [1, 0, 0], atol=2e-3)
    np.testing.assert_allclose(oklab(np.array([1.0, 0, 0])), [0.628, 0.225, 0.126], atol=2e-3)


@given(st.tuples(shares, shares, shares))
def test_conversions_return(color: tuple[float, float, float]) -> None:
    light = np.array(color)
    np.testing.assert_allclose(to_linear(to_srgb(light)), light, atol=1e-4)
    np.testing.assert_allclose(from_oklab(oklab(light)), light, atol=2e-3)


def test_ramp_meets_its_stops() -> None:
    stops = np.stack([from_hex("102030"), from_hex("a04060"), from_hex("f0e0c0")])
    np.testing.assert_allclose(ramp(stops, np.array([0.0, 0.5, 1.0])), stops, atol=3e-3)
    np.testing.assert_allclose(ramp(stops, np.array([-1.0, 2.0])), stops[[0, 2]], atol=3e-3)


@pytest.mark.parametrize("move", [-0.2, 0.2])
def test_shade_moves_lightness_alone(move: float) -> None:
    before = oklab(from_hex("8f7a6b"))
    after = oklab(shade(from_hex("8f7a6b"), move))
    np.testing.assert_allclose(after - before, [move, 0, 0], atol=5e-3)
