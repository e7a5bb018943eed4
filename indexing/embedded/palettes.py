"""Named palettes: a ground to paint on and inks that agree with it and with each other.

Inks are ordered from the one that stands nearest to the ground to the one that stands out most;
the last is the accent. `dark` says that light is painted on darkness rather than ink on paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from indexing.embedded.arrays import Floats
from indexing.embedded.color import from_hex, from_oklab, oklab


@dataclass(frozen=True)
class Palette:
    """Colors in linear light: ground (3,) and inks (n, 3)."""

    name: str
    mood: str
    dark: bool
    ground: Floats
    inks: Floats

    @property
    def deep(self) -> Floats:
        """The darkest color of all, (3,)."""
        return self._extreme(-1.0)

    @property
    def pale(self) -> Floats:
        """The lightest color of all, (3,)."""
        return self._extreme(1.0)

    @property
    def accent(self) -> Floats:
        """The ink that stands out most, (3,)."""
        return np.asarray(self.inks[-1])

    def by_lightness(self) -> Floats:
        """Ground and inks from dark to light, (n + 1, 3)."""
        colors = np.vstack([self.ground[None], self.inks])
        return np.asarray(colors[np.argsort(oklab(colors)[:, 0], kind="stable")])

    def _extreme(self, sign: float) -> Floats:
        colors = np.vstack([self.ground[None], self.inks])
        return np.asarray(colors[int(np.argmax(sign * oklab(colors)[:, 0]))])


def toward(color: Floats, other: Floats, share: float) -> Floats:
    """The color `share` of the way to the other one, mixed in OKLab, (3,)."""
    return from_oklab(oklab(color) * (1 - share) + oklab(other) * share)


def _palette(name: str, mood: str, ground: str, inks: str, dark: bool = False) -> Palette:
    return Palette(name, mood, dark, from_hex(ground), np.stack([from_hex(ink) for ink in inks.split()]))


_ALL = (
    _palette("porcelain", "blue and white", "f4f1ea", "c9d8e6 8fb3d3 4d82b8 24538f 12305f"),
    _palette("terracotta", "clay and olive", "f1e4d0", "dcb98f b8a06a 7d7f4f c8693f 8f3d24"),
    _palette("pastel", "blush and mint", "fbf3ee", "f7cfc9 c8e3d4 d5cdee f9e3ae a9cfe8 e79aa6"),
    _palette("primary", "red, yellow and blue", "f3ecdc", "e9c13b 2d6aa6 1e1d1f d9412f"),
    _palette("blossom", "pink and moss", "f8efe9", "f2c6c9 e39aa7 9aa583 5f6b52 b84a62"),
    _palette("sumi", "black ink and vermilion", "f2eee6", "c9c4ba 8d8880 55524e 24231f c4402a"),
    _palette("meadow", "green and poppy", "eef0dc", "c9d79a 8fb35f 4d7f49 2a5440 f0c94a e2603f"),
    _palette("riviera", "sand, coral and turquoise", "f6ead6", "f2c59b 7fc4bd 2f8f9d 1f4e6b f07a5c"),
    _palette("fog", "grey and taupe", "e4e3df", "c9cbc9 a9b0b2 8b8f97 6b6a74 a08a7c 4a5059"),
    _palette("sorbet", "bright fruit", "fff8ef", "ffd35c ff9a4d 3ec6b8 7b5bd6 ff4f7b"),
    _palette("autumn", "amber and rust", "f5e6c8", "e9bf5e d98e35 b85c2c 7a3b2a 4c2a25 9c2f2a"),
    _palette("midnight", "navy and gold", "0f1a33", "24365c 3f5c86 7f9bb8 e9dfc4 e0b04c", dark=True),
    _palette("neon", "neon on black", "0b0a12", "3b1e6e 7a2ff0 11c5d9 b6f03c ff2e93", dark=True),
    _palette("ember", "fire on brown", "1a100e", "4a1d16 8c2f1b cf4f1f f08c2e ffd58a", dark=True),
    _palette("forest", "deep green and gold", "10211b", "1f3d2e 3d6447 7d9466 d9cfa0 d8a13a", dark=True),
    _palette("dusk", "plum and peach", "241a38", "45305e 7a4a80 b96a8c ee9c8a ffd3a3", dark=True),
    _palette("aurora", "ice and green light", "081a24", "12384a 1e6f78 3fbf9a a5f0c2 9a86e8", dark=True),
    _palette("abyss", "sea blue and foam", "06192b", "0c3350 14597d 2c8fa8 7cc8cf eef5ea", dark=True),
    _palette("wine", "burgundy and rose", "2a0f1a", "531a2c 8a2f45 c06a70 e8bfae d9a75b", dark=True),
    _palette("graphite", "silver on black", "111214", "2b2d30 55585c 8a8e92 c4c7c9 f3f2ee", dark=True),
)

PALETTES = {palette.name: palette for palette in _ALL}
