"""A person's taste as a Gaussian process over pictures, by the library BoTorch: its model, its questions.

PairwiseGP (Chu and Ghahramani 2005) is fitted anew after every answer, hyperparameters included, and
asks the pair of which it would learn most, by its Bayesian active learning by disagreement (Houlsby et
al. 2011). It starts without anything known of other people, with a pair drawn at random: the library
asks nothing of a model without data.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prefs.errors import MissingPartError
from prefs.space import Floats
from training.surveys import MISSING

if TYPE_CHECKING:
    import torch

Rows = NDArray[np.intp]
MOST_COORDINATES = 16
SAMPLES = 256  # draws of the acquisition


@dataclass(frozen=True)
class Asked:
    """An interview by the Gaussian process.

    asked: (T,) candidates, -1 where there are no more. predicted: (M, 2) probabilities of the targets'
    answers by number of questions. seconds: mean of a question, the fit before it included.
    """

    asked: Rows
    predicted: dict[int, Floats]
    seconds: float


def interview(
    taste: NDArray[np.floating[Any]],
    candidates: Rows,
    answers: Rows,
    targets: Rows,
    ks: Collection[int],
    seed: int = 0,
    told: Callable[[int], None] | None = None,
) -> Asked:
    """Asks one person max(ks) pairs and predicts the targets after each number of questions in ks.

    taste: (N, t) of the pictures, of which the first 16 coordinates are used. candidates (C, 2) and
    targets (M, 2): pairs of rows of it. answers: (C,) 0 or 1, -1 missing; only what the person answered
    is asked. told(questions done) hears of progress.

    Raises:
        MissingPartError: BoTorch is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of torch.jit, which it is imported with
            import botorch.models.pairwise_gp  # noqa: F401
        import torch
    except ImportError as problem:
        raise MissingPartError(
            "BoTorch is not installed: install it with `pip install 'kallisti[compare]'`"
        ) from problem
    pictures = torch.as_tensor(_unit(taste[:, :MOST_COORDINATES]), dtype=torch.float64)
    shown = pictures[torch.as_tensor(candidates)]
    left = answers >= 0
    steps = min(max(ks), len(candidates))
    asked = np.full(steps, MISSING, dtype=np.intp)
    predicted: dict[int, Floats] = {}
    spent, count, rng = 0.0, int(left.sum()), np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its numerics; a fit that fails raises
        torch.manual_seed(seed)
        for step in range(steps + 1):
            start = time.perf_counter()
            known = asked[:step][asked[:step] >= 0]
            model = _fitted(pictures, candidates[known], answers[known])
            if step < min(steps, count):
                gains = _gains(model, shown) if step else rng.random(len(left))
                asked[step] = int(np.where(left, gains, -np.inf).argmax())
                left[asked[step]] = False
                spent += time.perf_counter() - start
            if step in ks:
                predicted[step] = _chances(model, pictures[torch.as_tensor(targets)])
            if told:
                told(step)
    return Asked(asked, predicted, spent / max(min(steps, count), 1))


def _unit(values: NDArray[np.floating[Any]]) -> Floats:
    """The columns brought to 0..1, for which BoTorch's priors are made; a constant one stays 0."""
    low, high = values.min(0), values.max(0)
    return np.asarray((values - low) / np.maximum(high - low, 1e-12), dtype=np.float64)


def _fitted(pictures: torch.Tensor, pairs: Rows, answers: Rows) -> Any:
    """The model of the answers (T,) to pairs (T, 2); of the prior alone without any."""
    import torch
    from botorch.fit import fit_gpytorch_mll
    from botorch.models.pairwise_gp import PairwiseGP, PairwiseLaplaceMarginalLogLikelihood

    if not len(pairs):
        return PairwiseGP(None, None).eval()
    rows, inside = np.unique(pairs, return_inverse=True)
    inside = inside.reshape(pairs.shape)
    order = np.take_along_axis(inside, np.stack([answers, 1 - answers], axis=1), 1)
    model = PairwiseGP(pictures[torch.as_tensor(rows)], torch.as_tensor(order))
    fit_gpytorch_mll(PairwiseLaplaceMarginalLogLikelihood(model.likelihood, model))
    return model.eval()


def _gains(model: Any, shown: torch.Tensor) -> Floats:
    """(C,) expected information of the answers to pairs (C, 2, t)."""
    import torch
    from botorch.acquisition.preference import PairwiseBayesianActiveLearningByDisagreement

    acquisition = PairwiseBayesianActiveLearningByDisagreement(model, num_samples=SAMPLES)
    with torch.no_grad():
        return np.asarray(acquisition(shown).numpy())


def _chances(model: Any, shown: torch.Tensor) -> Floats:
    """(M, 2) probabilities of preferring either picture of pairs (M, 2, t), the posterior integrated out."""
    import torch

    with torch.no_grad():
        posterior = model.posterior(shown)
        mean, cov = posterior.mean.squeeze(-1), posterior.covariance_matrix
    lean = mean[:, 0] - mean[:, 1]
    spread = cov[:, 0, 0] + cov[:, 1, 1] - 2 * cov[:, 0, 1]
    first = torch.special.ndtr(lean / torch.sqrt(1 + spread.clamp_min(0)))
    return np.asarray(torch.stack([first, 1 - first], dim=1).numpy())
