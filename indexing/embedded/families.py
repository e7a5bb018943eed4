"""The families of the drawn gallery, and one picture of it; importing this imports every painter."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from PIL import Image

from indexing.embedded import (
    agates,
    attractors,
    botanical,
    color_fields,
    compositions,
    cutouts,
    flow,
    landscapes,
    letters,
    marbling,
    nebulae,
    op_art,
    stars,
    still_lifes,
    textiles,
    tilings,
    watercolors,
)
from indexing.embedded.color import oklab, to_linear
from indexing.embedded.painting import COMPLEXITIES, Brief, Family
from indexing.embedded.palettes import PALETTES
from indexing.embedded.surface import finish
from prefs.errors import GalleryError

EACH = 40
FAMILIES: dict[str, Family] = {
    "flow": Family(flow.paint),
    "landscapes": Family(landscapes.paint),
    "color_fields": Family(color_fields.paint),
    "attractors": Family(attractors.paint),
    "botanical": Family(botanical.paint),
    "compositions": Family(compositions.paint),
    "marbling": Family(marbling.paint),
    "agates": Family(agates.paint),
    "nebulae": Family(nebulae.paint, nebulae.PALETTES),
    "tilings": Family(tilings.paint),
    "stars": Family(stars.paint),
    "letters": Family(letters.paint),
    "still_lifes": Family(still_lifes.paint),
    "cutouts": Family(cutouts.paint),
    "op_art": Family(op_art.paint),
    "watercolors": Family(watercolors.paint),
    "textiles": Family(textiles.paint),
}


def draw_one(family: str, index: int) -> tuple[Image.Image, dict[str, Any]]:
    """Draws one picture of the gallery.

    Args:
        family: a name in FAMILIES.
        index: 0 to EACH - 1; the same index is the same picture everywhere.

    Returns:
        a 512 x 512 RGB picture and its attributes: family, index, palette, warmth (OKLab b and a
        toward orange, about -0.1 to 0.1), lightness (mean OKLab L, 0 to 1), chroma, complexity,
        symmetry, edges and alt.

    Raises:
        GalleryError: no such family or index.
    """
    if family not in FAMILIES or not 0 <= index < EACH:
        raise GalleryError(
            f"no picture {family!r} {index}: families are {', '.join(FAMILIES)}, index 0 to {EACH - 1}"
        )
    brief = _brief(family, index)
    painting = FAMILIES[family].paint(brief)
    picture = finish(painting.light, brief.rng, painting.grain)
    small = np.asarray(picture.resize((64, 64), Image.Resampling.BOX), dtype=np.float32) / 255
    light, green_red, blue_yellow = oklab(to_linear(small)).reshape(-1, 3).T
    attributes = {
        "family": family,
        "index": index,
        "palette": brief.palette.name,
        "warmth": round(float((blue_yellow + 0.5 * green_red).mean()), 4),
        "lightness": round(float(light.mean()), 4),
        "chroma": round(float(np.hypot(green_red, blue_yellow).mean()), 4),
        "complexity": COMPLEXITIES[brief.complexity],
        "symmetry": painting.symmetry,
        "edges": painting.edges,
        "alt": painting.alt,
    }
    return picture, attributes


def _brief(family: str, index: int) -> Brief:
    """Deals palette, complexity and variant so that a family shows each about equally often."""
    key = zlib.crc32(family.encode())
    names = FAMILIES[family].palettes or tuple(PALETTES)
    order = np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))
    deal, turn = order.permutation(EACH), order.permutation(len(names))
    return Brief(
        rng=np.random.Generator(np.random.PCG64(np.random.SeedSequence([key, index]))),
        palette=PALETTES[names[turn[index % len(names)]]],
        complexity=(index + index // len(names)) % len(COMPLEXITIES),
        deal=int(deal[index]),
    )
