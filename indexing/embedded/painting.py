"""What a painter is asked for and what it hands back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias, TypeVar

from indexing.embedded.arrays import Floats, Rng
from indexing.embedded.palettes import Palette

Symmetry: TypeAlias = Literal["none", "mirror", "rotation", "repeat"]
Edges: TypeAlias = Literal["soft", "hard"]
COMPLEXITIES = ("sparse", "balanced", "dense")
T = TypeVar("T")


@dataclass(frozen=True)
class Brief:
    """One picture to paint: its own random numbers, its palette, how full it is and its place in the deck."""

    rng: Rng
    palette: Palette
    complexity: int
    deal: int

    def pick(self, *choices: T) -> T:
        """One of the choices, each dealt equally often within the family."""
        return choices[self.deal % len(choices)]

    def level(self, sparse: T, balanced: T, dense: T) -> T:
        """The value that belongs to the asked complexity."""
        return (sparse, balanced, dense)[self.complexity]


class Painting(NamedTuple):
    """A picture in linear light, (SIDE, SIDE, 3), and what can be said of it."""

    light: Floats
    alt: str
    symmetry: Symmetry
    edges: Edges
    grain: float = 0.01


class Family(NamedTuple):
    """A painter and the palettes that become it (all of them where empty)."""

    paint: Callable[[Brief], Painting]
    palettes: tuple[str, ...] = ()
