"""Fits the choice model to the answers of many people by their marginal likelihood.

Each question q with options a has, for a rater with taste u ~ N(0, I),

    logit(q, a) = score(a) w_q . u + v_qa . u + style . (score(a), score(a)^2 - mean) + g_qa .

With v = 0 this is the partial-credit model (Masters 1982) in several dimensions; free v make it
nominal (Bock 1972). A Gaussian prior on v of spread `nominal` spans everything between.

Tastes are integrated out, not estimated: a Markov chain per rater (Langevin proposals, accepted by
Metropolis and Hastings) draws from the exact posterior while the questions take stochastic gradient
steps on the complete likelihood, with averaged iterates. Source: Cai (2010), Metropolis-Hastings
Robbins-Monro. The state is small (one taste per rater) and every step is a pure function of the state
and its number, so that a fit that was interrupted goes on to the same result. Blocks of raters are worked
on by all cores and added up in order, so that the number of cores changes no bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prefs.engines import cores, single_threaded
from prefs.errors import ModelError
from prefs.files import write_bytes
from prefs.model import AGREE, EXTREME, scores
from prefs.space import STYLE_SD, Floats
from training.likelihood import NEVER, Array, Block, Slope, blocks, by_taste, by_vectors, slope
from training.surveys import Survey

LAPSE = 0.02
STYLES = 2  # agree and extreme stand before the taste coordinates
RATE, MOMENTS = 0.05, (0.9, 0.99)  # Adam
SHAPED = 25  # steps after which the proposals are shaped anew
ACCEPTED = 0.57  # share of Langevin proposals to accept (Roberts and Rosenthal 1998)
PSEUDO = 0.5  # answers that the prior adds to each option
FEW = 20  # raters that the assumed population counts as, beside the real ones
Progress = Callable[[int, int], None]
Each = Callable[[Callable[[int], tuple[Array, Array]], Iterable[int]], Iterator[tuple[Array, Array]]]


@dataclass(frozen=True)
class Settings:
    """size: taste coordinates d. nominal: prior spread of v, 0 for partial credit. keen: of w."""

    size: int = 6
    nominal: float = 0.2
    keen: float = 1.0
    steps: int = 300
    lapse: float = LAPSE
    seed: int = 0


@dataclass
class State:
    """Everything that a fit is at step `step`; arrays of float32.

    w (Q, d), v (K, Q, d), g (K, Q), style (2,): parameters; first, second: Adam's moments of these;
    sums: of the averaged iterates. tastes (R, c), pace (R,): chains and log step sizes. shapes
    (blocks, c, c): what the proposals of a block are shaped by. people (1 + c, c): sums of the mean and
    of the second moments of the chains over the averaged iterates.
    """

    step: int
    parameters: dict[str, Array]
    first: dict[str, Array]
    second: dict[str, Array]
    sums: dict[str, Array]
    tastes: Array
    pace: Array
    shapes: Array
    people: Array

    def tensors(self) -> dict[str, Array]:
        """Every array by name."""
        found = {"tastes": self.tastes, "pace": self.pace, "shapes": self.shapes, "people": self.people}
        for kind in ("parameters", "first", "second", "sums"):
            found |= {f"{kind}.{name}": value for name, value in getattr(self, kind).items()}
        return found


@dataclass(frozen=True)
class Vectors:
    """Fitted questions: phi (Q, K, 2 + d) by (agree, extreme, taste), g (Q, K), -inf on padding."""

    phi: Floats
    g: Floats


class Fit:
    """A fit in progress: call `run`, then `vectors`."""

    def __init__(self, survey: Survey, settings: Settings) -> None:
        self.settings = settings
        self.blocks = list(blocks(survey))
        self.raters = len(survey.raters)
        counts = survey.counts
        options, questions = int(counts.max()), len(counts)
        self.options = [int(counts[block.columns].max()) for block in self.blocks]
        self.real = (np.arange(options)[:, None] < counts).astype(np.float32)
        self.score = np.zeros((options, questions), dtype=np.float32)
        self.bend = np.zeros_like(self.score)
        rating = np.array([question.kind == "rating" for question in survey.questions])
        for count in np.unique(counts):
            linear, bend = scores(int(count))
            self.score[:count, counts == count] = linear[:, None]
            self.bend[:count, (counts == count) & rating] = bend[:, None]
        self.lean = self.score * rating
        self.state = self._start(survey)

    def _start(self, survey: Survey) -> State:
        """Popularity from the marginals, slopes and tastes from principal components of the scores."""
        size, c = self.settings.size, STYLES + self.settings.size
        options, questions = self.real.shape
        said = np.zeros((options, questions), dtype=np.float32)
        np.add.at(said, (survey.answers, survey.columns), 1)
        share = (said + PSEUDO * self.real) / (said + PSEUDO * self.real).sum(0)
        g = np.log(share, out=np.zeros_like(share), where=self.real > 0)
        mean = (share * self.score).sum(0)
        sd = np.sqrt((share * np.square(self.score - mean)).sum(0))
        loadings, tastes = self._components(mean, sd, said.sum(0))
        common = np.minimum(np.square(loadings).sum(1, keepdims=True), 0.7)
        w = loadings / (sd[:, None] * (1 - common))
        parameters = {
            "w": w.astype(np.float32),
            "v": np.zeros((options, questions, size), dtype=np.float32),
            "g": g - (g * self.real).sum(0) / self.real.sum(0) * self.real,
            "style": np.array([STYLE_SD[AGREE], STYLE_SD[EXTREME]], dtype=np.float32),
        }
        first, second, sums = (
            {name: np.zeros_like(value) for name, value in parameters.items()} for _ in range(3)
        )
        chains = np.zeros((self.raters, c), dtype=np.float32)
        chains[:, STYLES:] = tastes
        pace = np.zeros(self.raters, dtype=np.float32)
        shapes = np.zeros((len(self.blocks), c, c), dtype=np.float32)
        people = np.zeros((1 + c, c), dtype=np.float32)
        return State(0, parameters, first, second, sums, chains, pace, shapes, people)

    def _components(self, mean: Array, sd: Array, asked: Array) -> tuple[Floats, Floats]:
        """Loadings (Q, d) and component scores (R, d) of the standardized scores, missing = 0."""
        questions = self.score.shape[1]
        second = np.zeros((questions, questions))
        for block in self.blocks:
            z = self._standard(block, mean, sd)
            second[np.ix_(block.columns, block.columns)] += z.T @ z
        root = np.sqrt(np.maximum(asked, 1))
        values, axes = np.linalg.eigh(second / np.outer(root, root))
        size = min(self.settings.size, questions)
        loadings = np.zeros((questions, self.settings.size))
        loadings[:, :size] = axes[:, ::-1][:, :size] * np.sqrt(np.maximum(values[::-1][:size], 0))
        loadings *= np.where(np.abs(loadings).max(0) == loadings.max(0), 1, -1)
        tastes = np.zeros((self.raters, self.settings.size))
        for block in self.blocks:
            part = loadings[block.columns]
            gram = part.T @ part + np.eye(self.settings.size)
            tastes[block.raters] = np.linalg.solve(gram, part.T @ self._standard(block, mean, sd).T).T
        return loadings, tastes

    def _standard(self, block: Block, mean: Array, sd: Array) -> Array:
        given = block.answers >= 0
        found = self.score[np.maximum(block.answers, 0), block.columns] - mean[block.columns]
        return np.asarray(np.where(given, found / np.maximum(sd[block.columns], 1e-3), 0))

    def run(self, progress: Progress | None = None, until: int | None = None) -> None:
        """Steps on to the end, or to step `until`; progress(done, total) is told of each."""
        total = self.settings.steps
        with single_threaded(), ThreadPoolExecutor(cores()) as pool:
            for step in range(self.state.step, total if until is None else min(until, total)):
                self._step(step, pool.map)
                if progress:
                    progress(step + 1, total)

    def save(self, path: Path) -> None:
        """Writes the state, from which `resume` goes on to the same result."""
        from safetensors.numpy import save

        tensors = {name: np.ascontiguousarray(value) for name, value in self.state.tensors().items()}
        about = {"step": str(self.state.step), "settings": repr(self.settings)}
        write_bytes(path, save(tensors, metadata=about))

    def resume(self, path: Path) -> None:
        """Takes over a saved state of the same survey and settings.

        Raises:
            ModelError: damaged, or of another survey or settings.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="numpy") as file:
                about, found = file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError) as problem:
            raise ModelError(f"{path} cannot be read ({problem}): begin the fit anew") from problem
        own = self.state.tensors()
        same = {name: value.shape for name, value in own.items()}
        if about.get("settings") != repr(self.settings) or {n: v.shape for n, v in found.items()} != same:
            raise ModelError(f"{path} is a fit of another survey or settings: begin the fit anew")
        for name, value in own.items():
            value[...] = found[name]
        self.state.step = int(about["step"])

    def _step(self, step: int, each: Each) -> None:
        """One step: the chains move and the slopes are gathered block by block, in the blocks' order."""
        state, phi, g = self.state, self._phi(self.state.parameters), self._g(self.state.parameters)
        slopes = {name: np.zeros_like(value) for name, value in state.parameters.items()}

        def of_block(number: int) -> tuple[Array, Array]:
            block, most = self.blocks[number], self.options[number]
            tastes = state.tastes[block.raters]
            part_phi, part_g = phi[:most, block.columns], g[:most, block.columns]
            found = slope(tastes, part_phi, part_g, block.answers, self.settings.lapse)
            by_phi, by_g = by_vectors(found, tastes)
            rng = np.random.default_rng([self.settings.seed, step, number])
            self._move(number, tastes, found, part_phi, part_g, rng)
            return by_phi, by_g

        for block, found in zip(self.blocks, each(of_block, range(len(self.blocks))), strict=True):
            self._gather(slopes, block.columns, *found)
        self._ascend(slopes, step)
        if step >= self._averaged:
            state.people[0] += state.tastes.mean(0)
            state.people[1:] += state.tastes.T @ state.tastes / len(state.tastes)
        state.step = step + 1

    def _move(
        self, number: int, tastes: Array, here: Slope, phi: Array, g: Array, rng: np.random.Generator
    ) -> None:
        """One Langevin proposal for every rater of a block, shaped by the block's mean posterior."""
        block, c = self.blocks[number], tastes.shape[1]
        pull = by_taste(here, phi)
        if self.state.step % SHAPED == 0:  # E[slope slope'] is the Fisher information of the answers
            information = np.eye(c) + pull.T @ pull / len(pull)
            self.state.shapes[number] = np.linalg.cholesky(np.linalg.inv(information)).astype(np.float32)
        root = self.state.shapes[number]
        pace = np.exp(self.state.pace[block.raters])[:, None]
        noise = rng.standard_normal(tastes.shape, dtype=np.float32)
        push = 0.5 * pace * ((pull - tastes) @ root) + noise
        moved = np.asarray(tastes + pace * push @ root.T, dtype=np.float32)
        there = slope(moved, phi, g, block.answers, self.settings.lapse)
        back = push + 0.5 * pace * ((by_taste(there, phi) - moved) @ root)
        gain = there.value - here.value
        gain += 0.5 * (np.square(tastes) - np.square(moved) + np.square(noise) - np.square(back)).sum(1)
        chance = np.exp(np.minimum(gain, 0))
        accepted = rng.random(len(chance), dtype=np.float32) < chance
        self.state.tastes[block.raters][accepted] = moved[accepted]
        self.state.pace[block.raters] += (chance - ACCEPTED) * max(0.02, 0.3 / (1 + 0.1 * self.state.step))

    def _gather(self, slopes: dict[str, Array], columns: NDArray[np.intp], phi: Array, g: Array) -> None:
        """Adds the derivatives by a block's vectors to those by the parameters."""
        most, taste = len(g), phi[..., STYLES:]
        slopes["w"][columns] += (self.score[:most, columns, None] * taste).sum(0)
        slopes["v"][:most, columns] += taste * self.real[:most, columns, None]
        slopes["g"][:most, columns] += g * self.real[:most, columns]
        slopes["style"] += [
            (self.lean[:most, columns] * phi[..., 0]).sum(),
            (self.bend[:most, columns] * phi[..., 1]).sum(),
        ]

    def _ascend(self, slopes: dict[str, Array], step: int) -> None:
        """One step of Adam up the log posterior of the parameters, slower towards the end."""
        state, settings = self.state, self.settings
        weights = np.exp(self._g(state.parameters))
        slopes["w"] -= state.parameters["w"] / settings.keen**2
        slopes["g"] += PSEUDO * (self.real - self.real.sum(0) * weights / weights.sum(0))
        if settings.nominal > 0:
            slopes["v"] -= state.parameters["v"] / settings.nominal**2
        else:
            slopes["v"][:] = 0
        rate = RATE * min(1.0, 2.1 - 2 * step / settings.steps)
        for name, slope_ in slopes.items():
            for moments, power, decay in ((state.first, 1, MOMENTS[0]), (state.second, 2, MOMENTS[1])):
                moments[name] *= decay
                moments[name] += (1 - decay) * slope_**power
            first = state.first[name] / (1 - MOMENTS[0] ** (step + 1))
            second = state.second[name] / (1 - MOMENTS[1] ** (step + 1))
            state.parameters[name] += rate * first / (np.sqrt(second) + 1e-6)
            if step >= self._averaged:
                state.sums[name] += state.parameters[name]

    @property
    def _averaged(self) -> int:
        """The step from which iterates are averaged."""
        return self.settings.steps * 2 // 3

    def _phi(self, parameters: dict[str, Array]) -> Array:
        """(K, Q, c) vectors in a space where every coordinate of the population is N(0, 1)."""
        lean, bend = parameters["style"][0] * self.lean, parameters["style"][1] * self.bend
        taste = self.score[..., None] * parameters["w"] + parameters["v"]
        return np.concatenate([lean[..., None], bend[..., None], taste], axis=2)

    def _g(self, parameters: dict[str, Array]) -> Array:
        return np.where(self.real > 0, parameters["g"], NEVER)

    def _population(self, count: int) -> tuple[Floats, Floats]:
        """Mean (c,) of the raters' tastes, and a root (c, c) of their covariance.

        Style and taste are taken as independent, as they are in a taste space; few raters are held
        to N(0, I).
        """
        sums = self.state.people.astype(np.float64) / count
        share = self.raters / (self.raters + FEW)
        mean = share * sums[0]
        cov = share * (sums[1:] - np.outer(sums[0], sums[0])) + (1 - share) * np.eye(len(mean))
        root = np.diag(np.sqrt(np.diag(cov)))
        root[STYLES:, STYLES:] = np.linalg.cholesky(cov[STYLES:, STYLES:])
        return mean, root

    def vectors(self) -> Vectors:
        """The fitted questions, their taste coordinates in order of what they explain.

        Raises:
            ModelError: the fit has not come to its end, or holds values that are not finite.
        """
        count = self.state.step - self._averaged
        if self.state.step < self.settings.steps:
            raise ModelError(f"fit is at step {self.state.step} of {self.settings.steps}: run it to the end")
        means = {name: value / np.float32(count) for name, value in self.state.sums.items()}
        phi = self._phi(means).astype(np.float64).transpose(1, 0, 2)
        g = np.where(self.real > 0, means["g"], -np.inf).astype(np.float64).T
        real = np.isfinite(g)[..., None]
        mean, root = self._population(count)
        g += phi @ mean
        phi = phi @ root
        phi[..., :STYLES] /= (STYLE_SD[AGREE], STYLE_SD[EXTREME])
        phi[..., STYLES:] -= (phi[..., STYLES:] * real).sum(1, keepdims=True) / real.sum(1, keepdims=True)
        phi *= real
        if not np.isfinite(phi).all():
            raise ModelError("the fit diverged: values are not finite")
        flat = phi[..., STYLES:].reshape(-1, self.settings.size)
        axes = np.linalg.eigh(flat.T @ flat)[1][:, ::-1]
        axes = axes * np.where((phi[:, -1, STYLES:].sum(0) @ axes) < 0, -1, 1)
        phi[..., STYLES:] = phi[..., STYLES:] @ axes
        return Vectors(phi, g)
