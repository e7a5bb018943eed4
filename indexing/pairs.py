"""The most informative pairs of pictures out of up to tens of millions.

For a belief N(mean, cov) about a taste z, the answer to "which of i and j is prettier?" depends on the
utility difference x ~ N(m, v), where m = appeal_i - appeal_j + (t_i - t_j) . mean and
v = (t_i - t_j)^T cov (t_i - t_j). Its information about z is a function of (m, v) alone, which grows with
v and falls with |m|: good pairs differ much where we know little and are near a draw (Canal et al. 2019).

m and v are functions of differences of the augmented vectors (t, appeal), so the best pairs lie near the
convex hull of these. What is extreme in some direction is found once for a gallery (the *core*); a search
looks at the core only, takes what is extreme under the belief, and compares all pairs of that.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]

WHOLE = 4096  # galleries up to this size are searched whole
CORE = 16384  # at most so many pictures of a larger one are searched
SHORTLIST = 512
USES = 3  # a picture is in at most so many proposals
JITTER = 0.03  # share of the gain by which proposals of equal worth are shuffled
DIRECTIONS, PARTS = 32, 8
SEEDS, PARTNERS = 12, 4
LONGEST = 64  # of the shortlist are there for their length alone
CORE_WAYS, CORE_LONGEST = 128, 4096
_PI_8, _LOG2, _C2 = np.array([np.pi / 8, np.log(2), np.pi * np.log(2) / 2], np.float32)
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(64)


def gain(m: NDArray[np.floating], v: NDArray[np.floating]) -> NDArray[np.float64]:
    """Information in nats of a choice with utility difference N(m, v) about the taste, by quadrature."""
    x = np.asarray(m, float)[..., None] + np.sqrt(np.asarray(v, float))[..., None] * _NODES
    weight = _WEIGHTS / _WEIGHTS.sum()
    p = 1 / (1 + np.exp(-x))
    noise = (np.logaddexp(0, x) - p * x) @ weight
    mean = np.clip(p @ weight, 1e-12, 1 - 1e-12)
    entropy = -mean * np.log(mean) - (1 - mean) * np.log1p(-mean)
    return np.asarray(np.maximum(entropy - noise, 0.0))


def quick_gain(m: Floats, v: Floats) -> Floats:
    """`gain` in closed form, within 0.07 nats. Source: Houlsby et al. (2011), with a logit for a probit."""
    logit = np.abs(m) / np.sqrt(1 + _PI_8 * v)
    e = np.exp(-logit)
    entropy = np.log1p(e) + logit * e / (1 + e)
    spread = _PI_8 * v + _C2
    noise = _LOG2 * np.sqrt(_C2 / spread) * np.exp(-_PI_8 / 2 * np.square(m) / spread)
    return np.asarray(entropy - noise, np.float32)


@dataclass(frozen=True)
class PairSearch:
    """Pictures to choose pairs from: taste (N, t) float32 and appeal (N,) in logits."""

    taste: Floats
    appeal: Floats
    core: Rows = field(init=False, repr=False)
    _augmented: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        core = _core(self.taste, self.appeal)
        augmented = np.concatenate([self.taste[core], self.appeal[core, None]], axis=1)
        object.__setattr__(self, "core", core)
        object.__setattr__(self, "_augmented", np.ascontiguousarray(augmented, np.float32))

    def propose(
        self,
        mean: NDArray[np.float64],
        cov: NDArray[np.float64],
        count: int,
        rng: np.random.Generator,
        exclude: NDArray[np.bool_] | None = None,
    ) -> Rows:
        """Up to `count` informative pairs (count, 2) as rows of the gallery, best first.

        mean (t,), cov (t, t): belief about the taste. exclude: (N,) pictures not to be used. A picture
        is in at most USES pairs; fewer pairs come back where there are too few pictures.
        """
        rows, gains, pairs = self._shortlist(mean, cov, exclude)
        order = _largest(gains * (1 - JITTER * rng.random(len(gains), np.float32)), 8 * USES * count)
        used = [0] * len(rows)
        chosen: dict[tuple[int, int], None] = {}
        for one, other in pairs[order].tolist():
            place = (min(one, other), max(one, other))
            if one != other and used[one] < USES and used[other] < USES and place not in chosen:
                used[one] += 1
                used[other] += 1
                chosen[place] = None
                if len(chosen) == count:
                    break
        return rows[np.array(list(chosen), np.intp).reshape(-1, 2)]

    def best(
        self, mean: NDArray[np.float64], cov: NDArray[np.float64], exclude: NDArray[np.bool_] | None = None
    ) -> tuple[Rows, float]:
        """The most informative pair (2,) and its gain in nats; the pair is empty below two pictures."""
        rows, gains, pairs = self._shortlist(mean, cov, exclude)
        if not len(pairs):
            return np.zeros(0, np.intp), 0.0
        found = rows[pairs[_largest(gains, 64)]]
        difference = (self.taste[found[:, 0]] - self.taste[found[:, 1]]).astype(float)
        m = difference @ mean + self.appeal[found[:, 0]] - self.appeal[found[:, 1]]
        exact = gain(m, np.einsum("nd,de,ne->n", difference, cov, difference))
        return found[exact.argmax()], float(exact.max())

    def _shortlist(
        self, mean: NDArray[np.float64], cov: NDArray[np.float64], exclude: NDArray[np.bool_] | None
    ) -> tuple[Rows, Floats, Rows]:
        """Shortlisted pictures (S,), and gain (P,) and places (P, 2) in it of all their pairs."""
        values, vectors = np.linalg.eigh(cov)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        size = len(mean)
        to_view = np.zeros((size + 1, size + 1), np.float32)  # (t, appeal) to (whitened taste, utility)
        to_view[:size, :size], to_view[:size, size], to_view[size, size] = root, mean, 1.0
        view = self._augmented @ to_view
        core = self.core
        if exclude is not None:
            kept = ~exclude[core]
            core, view = core[kept], view[kept]
        short = np.arange(len(core)) if len(core) <= SHORTLIST else _extreme(view)
        one, other = (short[side] for side in np.triu_indices(len(short), 1))
        gains = _gains(view[short], view[short])[np.triu_indices(len(short), 1)]
        if len(short) < len(core):  # the best partners in the whole core of the pictures that do best so far
            ends = np.unique(np.stack([one, other], 1)[_largest(gains, SEEDS)])
            partner = _gains(view[ends], view)
            top = np.argpartition(partner, -PARTNERS, axis=1)[:, -PARTNERS:]
            one = np.concatenate([one, np.repeat(ends, PARTNERS)])
            other = np.concatenate([other, top.ravel()])
            gains = np.concatenate([gains, np.take_along_axis(partner, top, 1).ravel()])
        return core, gains, np.stack([one, other], 1)


def _gains(view: Floats, others: Floats) -> Floats:
    """quick_gain of all pairs (A, B) of rows of (whitened taste, utility)."""
    white, utility = view[:, :-1], view[:, -1]
    length, lengths = np.square(white).sum(1), np.square(others[:, :-1]).sum(1)
    v = length[:, None] + lengths - 2 * (white @ others[:, :-1].T)
    return quick_gain(utility[:, None] - others[:, -1], np.maximum(v, 0))


def propose(
    taste: Floats,
    appeal: Floats,
    mean: NDArray[np.float64],
    cov: NDArray[np.float64],
    count: int,
    rng: np.random.Generator,
    exclude: NDArray[np.bool_] | None = None,
) -> Rows:
    """`PairSearch(taste, appeal).propose(...)`; keep the search to ask it again."""
    return PairSearch(taste, appeal).propose(mean, cov, count, rng, exclude)


def best_pair(
    taste: Floats, appeal: Floats, mean: NDArray[np.float64], cov: NDArray[np.float64]
) -> tuple[Rows, float]:
    """`PairSearch(taste, appeal).best(mean, cov)`."""
    return PairSearch(taste, appeal).best(mean, cov)


def _core(taste: Floats, appeal: Floats) -> Rows:
    """Rows of pictures that are long, or extreme in a direction of (taste, appeal): at most CORE, sorted."""
    count, size = taste.shape
    if count <= WHOLE:
        return np.arange(count)
    rng = np.random.default_rng(0)
    spread = np.append(np.ones(size), 1 / max(float(appeal.std()), 1e-6))
    ways = (spread * rng.normal(size=(CORE_WAYS, size + 1))).astype(np.float32)
    found = np.zeros(count, bool)
    longest = min(CORE_LONGEST, CORE // 4)
    found[np.argpartition(np.square(taste).sum(1), count - longest)[-longest:]] = True
    top = (CORE - longest) // (2 * CORE_WAYS)
    for way in ways:
        order = np.argpartition(taste @ way[:-1] + appeal * way[-1], (top, count - top))
        found[order[:top]] = found[order[-top:]] = True
    return np.flatnonzero(found)


def _extreme(view: Floats) -> Rows:
    """Places in view (S, t + 1) that are long, or extreme in a direction within a part of the rows."""
    spread = np.maximum(view.std(0), 1e-6)
    ways = np.random.default_rng(1).normal(size=(view.shape[1], DIRECTIONS)).astype(np.float32)
    ways[-1] *= np.sqrt(np.square(spread[:-1]).mean()) / spread[-1]
    part = len(view) // PARTS
    scores = (ways.T @ view[: part * PARTS].T).reshape(DIRECTIONS, PARTS, part)
    start = np.arange(PARTS) * part
    longest = _largest(np.square(view[:, :-1]).sum(1), LONGEST)
    return np.unique(np.concatenate([*(scores.argmax(2) + start), *(scores.argmin(2) + start), longest]))


def _largest(values: Floats, count: int) -> Rows:
    """Places of the `count` largest values, largest first."""
    if len(values) > count:
        top = np.argpartition(values, len(values) - count)[-count:]
    else:
        top = np.arange(len(values))
    return top[np.argsort(-values[top], kind="stable")]
