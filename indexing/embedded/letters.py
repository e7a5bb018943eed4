"""Type specimens: letters as large shapes, in the typefaces that come with matplotlib."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from indexing.embedded.arrays import Floats
from indexing.embedded.canvas import Canvas
from indexing.embedded.painting import Brief, Painting, Symmetry
from indexing.embedded.palettes import toward

_FACES = {
    "a heavy sans": "DejaVuSans-Bold.ttf",
    "a heavy serif": "DejaVuSerif-Bold.ttf",
    "a book serif": "STIXGeneral.ttf",
    "a bold book serif": "STIXGeneralBol.ttf",
    "an italic": "STIXGeneralItalic.ttf",
    "a bold italic": "STIXGeneralBolIta.ttf",
    "a modern roman": "cmr10.ttf",
    "a bold modern roman": "cmb10.ttf",
    "a modern italic": "cmmi10.ttf",
    "a plain sans": "cmss10.ttf",
    "a typewriter face": "cmtt10.ttf",
    "a condensed mono": "DejaVuSansMono-Bold.ttf",
}
_LETTERS = "abcdefghijkmnopqrstuwyzABCDEFGHJKMNPQRSTUVWXYZ235678"
_WORDS = (
    "light",
    "north",
    "still",
    "bloom",
    "river",
    "stone",
    "early",
    "salt",
    "moon",
    "field",
    "amber",
    "quiet",
)


def paint(brief: Brief) -> Painting:
    """One letter cropped large, a specimen sheet, overprinted letters, a grid, or a repeated word."""
    canvas = Canvas(brief.palette.ground)
    kind = brief.pick(_large, _specimen, _overprint, _grid, _word)
    face = sorted(_FACES)[int(brief.rng.integers(len(_FACES)))]
    alt, symmetry = kind(brief, canvas, face)
    return Painting(canvas.light(), f"{alt} in {face}, {brief.palette.mood}", symmetry, "hard", 0.014)


@cache
def _outline(text: str, face: str) -> Any:
    """The matplotlib Path of a text, y down, its ink box centered and its larger side 1."""
    from pathlib import Path as File

    import matplotlib
    from matplotlib.font_manager import FontProperties
    from matplotlib.path import Path
    from matplotlib.textpath import TextPath

    file = File(matplotlib.get_data_path()) / "fonts" / "ttf" / _FACES[face]
    path = TextPath((0, 0), text, size=100, prop=FontProperties(fname=str(file)))
    low, high = path.vertices.min(0), path.vertices.max(0)
    points = (path.vertices - (low + high) / 2) / (high - low).max() * np.array([1, -1])
    return Path(points, path.codes)


def _set(
    canvas: Canvas,
    text: str,
    face: str,
    x: float,
    y: float,
    size: float,
    color: Floats,
    alpha: float = 1.0,
    turn: float = 0.0,
) -> None:
    """Sets a text centered on a place, its larger side `size` long."""
    from matplotlib.path import Path

    path = _outline(text, face)
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    canvas.fill(Path(path.vertices @ spin * size + np.array([x, y]), path.codes), color, alpha)


def _ink(brief: Brief) -> Floats:
    inks = brief.palette.inks
    return np.asarray(inks[int(brief.rng.integers(len(inks) - 3, len(inks)))])


def _large(brief: Brief, canvas: Canvas, face: str) -> tuple[str, Symmetry]:
    rng, palette = brief.rng, brief.palette
    letter = str(rng.choice(list(_LETTERS + "&&&&?§")))
    if rng.random() < 0.5:
        canvas.fill(
            np.array([[0, 0], [1, 0], [1, 1], [0, 1]]), palette.inks[int(rng.integers(len(palette.inks)))]
        )
        color = palette.ground
    else:
        color = _ink(brief)
    size = float(rng.choice([0.72, 1.25, 1.7]))
    spare = 0.0 if size < 1 else 0.22
    x, y = (0.5 + float(v) for v in rng.uniform(-spare, spare, 2))
    shadow = brief.level(0, 1, 6)
    for at in range(shadow, 0, -1):
        tone = palette.inks[at % len(palette.inks)]
        _set(canvas, letter, face, x + 0.022 * at, y + 0.022 * at, size, tone)
    _set(canvas, letter, face, x, y, size, color)
    return f"A large {_spoken(letter)}" + ("" if size < 1 else ", cropped,"), "none"


def _spoken(letter: str) -> str:
    return {"&": "ampersand", "?": "question mark", "§": "section sign"}.get(
        letter, f"letter {letter}" if letter.isalpha() else f"figure {letter}"
    )


def _specimen(brief: Brief, canvas: Canvas, face: str) -> tuple[str, Symmetry]:
    rng, palette = brief.rng, brief.palette
    ink = palette.pale if palette.dark else palette.deep
    pair = str(rng.choice(["Aa", "Gg", "Rr", "Qq", "Bb", "Ee", "Kk"]))
    _set(canvas, pair, face, 0.5, 0.36, 0.6, _ink(brief))
    canvas.stroke(np.array([[0.1, 0.66], [0.9, 0.66]]), 0.004, ink, cap="butt")
    rows = ("abcdefghijklm", "nopqrstuvwxyz", "0123456789")
    for at, row in enumerate(rows[: brief.level(1, 2, 3)]):
        _set(canvas, row, face, 0.5, 0.74 + 0.085 * at, 0.66, ink)
    return f"A type specimen with a large {pair}", "none"


def _overprint(brief: Brief, canvas: Canvas, face: str) -> tuple[str, Symmetry]:
    rng, palette = brief.rng, brief.palette
    count = brief.level(2, 4, 9)
    letters = rng.choice(list(_LETTERS), count, replace=False)
    for at, letter in enumerate(letters):
        spare = 0.1 if count < 5 else 0.3
        x, y = (0.5 + float(v) for v in rng.uniform(-spare, spare, 2))
        size = float(rng.uniform(0.5, 0.85))
        _set(
            canvas,
            str(letter),
            face,
            x,
            y,
            size,
            palette.inks[1:][at % (len(palette.inks) - 1)],
            0.82,
            float(rng.normal(0, 0.25)),
        )
    return "Letters printed over each other", "none"


def _grid(brief: Brief, canvas: Canvas, face: str) -> tuple[str, Symmetry]:
    rng, palette = brief.rng, brief.palette
    side = brief.level(3, 5, 8)
    cell = 0.92 / side
    same = rng.random() < 0.5
    letters = rng.choice(list(_LETTERS), side * side)
    tiles = rng.random() < 0.6
    for at in range(side * side):
        x, y = 0.04 + (at % side + 0.5) * cell, 0.04 + (at // side + 0.5) * cell
        order = rng.permutation(len(palette.inks))
        if tiles:
            half = cell * 0.48
            canvas.fill(
                np.array(
                    [[x - half, y - half], [x + half, y - half], [x + half, y + half], [x - half, y + half]]
                ),
                palette.inks[order[0]],
            )
        turn = float(rng.choice([0, np.pi / 2, np.pi, -np.pi / 2])) if same else 0.0
        _set(
            canvas,
            str(letters[0 if same else at]),
            face,
            x,
            y,
            cell * 0.66,
            palette.ground if tiles else palette.inks[order[-1]],
            turn=turn,
        )
    return "One letter turned in a grid" if same else "A grid of letters", "repeat"


def _word(brief: Brief, canvas: Canvas, face: str) -> tuple[str, Symmetry]:
    rng, palette = brief.rng, brief.palette
    word = str(rng.choice(_WORDS))
    count = brief.level(2, 5, 9)
    for at in range(count):
        share = (at + 0.5) / count
        color = (
            palette.inks[at % len(palette.inks)]
            if brief.deal % 2
            else toward(palette.inks[0], palette.accent, share)
        )
        _set(canvas, word, face, 0.5, 0.08 + 0.84 * share, 0.86, color, 0.95)
    return f"The word {word}, {count} times", "repeat"
