"""Makes `pictures` importable from the tests of this room and of its attacks."""
