"""The embedded gallery: pictures that Kallisti draws itself, so that it can ask at once."""

from indexing.embedded.gallery import FAMILIES, VERSION, draw, draw_one

__all__ = ["FAMILIES", "VERSION", "draw", "draw_one"]
