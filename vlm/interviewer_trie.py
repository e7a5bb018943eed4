"""Choosing a question of a bank by a language model: the most probable sequence in a trie of tokens.

Every question that may be asked is a sequence of tokens that ends with the end token. At a node of the
trie the model's probabilities are those of the tokens that lead on, so the chances of all questions sum
to 1, and where only one token leads on it costs nothing. The search expands the most probable prefix first
(Dijkstra 1959), so that the first whole question it meets is the most probable of all; after `most`
expansions it follows the most probable token from the best prefix on, and says that it did.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ids = tuple[int, ...]
Next = Callable[[Ids, NDArray[np.intp]], NDArray[np.floating]]


@dataclass(frozen=True)
class Found:
    """A question by its row, its log probability among all that may be asked; exact: none has more."""

    row: int
    log_p: float
    exact: bool


class Trie:
    """Token sequences by their beginnings; equal sequences keep their rows in order.

    sequences: tokens of each question, the end token last, so that none is the beginning of another.
    """

    def __init__(self, sequences: Sequence[Sequence[int]]) -> None:
        self._nodes: list[dict[int, int]] = [{}]
        self._rows: dict[int, list[int]] = {}
        for row, sequence in enumerate(sequences):
            node = 0
            for token in sequence:
                node = self._nodes[node].setdefault(token, len(self._nodes))
                if node == len(self._nodes):
                    self._nodes.append({})
            self._rows.setdefault(node, []).append(row)

    def best(self, allowed: NDArray[np.bool_], log_p: Next, most: int) -> Found | None:
        """The most probable question among the allowed rows (N,), None where none is.

        log_p(prefix, tokens): log probabilities (n,) of the next tokens (n,) after a prefix, up to a
        constant. most: expansions after which the search follows the most probable token only.
        """
        live = self._live(allowed)
        if 0 not in live:
            return None
        waiting: list[tuple[float, int, int, Ids]] = [(0.0, 0, 0, ())]
        expanded, pushed = 0, 0
        while True:
            cost, _, node, prefix = heapq.heappop(waiting)
            node, prefix = self._forced(node, prefix, live)
            if node in self._rows:
                row = next(row for row in self._rows[node] if allowed[row])
                return Found(row, -cost, expanded <= most)
            tokens = np.array([token for token, child in self._nodes[node].items() if child in live])
            scores = np.asarray(log_p(prefix, tokens), dtype=np.float64)
            scores = scores - np.logaddexp.reduce(scores)
            expanded += 1
            if expanded > most:
                best = int(scores.argmax())
                waiting, scores, tokens = [], scores[[best]], tokens[[best]]
            for token, score in zip(tokens.tolist(), scores.tolist(), strict=True):
                pushed += 1
                child = self._nodes[node][token]
                heapq.heappush(waiting, (cost - score, pushed, child, (*prefix, token)))

    def _live(self, allowed: NDArray[np.bool_]) -> set[int]:
        """The nodes that lead to an allowed question."""
        live = {node for node, rows in self._rows.items() if any(allowed[row] for row in rows)}
        for node in range(len(self._nodes) - 1, -1, -1):  # children stand after their parents
            if any(child in live for child in self._nodes[node].values()):
                live.add(node)
        return live

    def _forced(self, node: int, prefix: Ids, live: set[int]) -> tuple[int, Ids]:
        """Goes on while only one token leads on."""
        while True:
            ahead = [(token, child) for token, child in self._nodes[node].items() if child in live]
            if len(ahead) != 1:
                return node, prefix
            prefix, node = (*prefix, ahead[0][0]), ahead[0][1]
