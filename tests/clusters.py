"""A real Ray cluster on this machine, for tests: nodes of one core each, which can be killed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def cluster(nodes: int) -> Iterator[Any]:
    """A cluster of so many nodes, `address` among its attributes; it ends with the block."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    pytest.importorskip("ray", reason="ray is not installed: pip install 'kallisti[ray]'")
    from ray.cluster_utils import Cluster

    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        for _ in range(nodes - 1):
            found.add_node(num_cpus=1)
        yield found
    finally:
        found.shutdown()


def kill(found: Any, node: Any) -> None:
    """Takes a node away without a word, in the middle of whatever it does."""
    found.remove_node(node, allow_graceful=False)
