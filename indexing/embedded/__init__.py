"""The embedded gallery: pictures that Kallisti draws itself, so that it can ask at once."""

from indexing.embedded.gallery import VERSION, draw

__all__ = ["VERSION", "draw"]
