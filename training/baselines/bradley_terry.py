"""Which of two pictures people prefer, by the library choix: one strength for every picture.

The strengths are those of a Bradley-Terry model fitted to the answers of other raters by iterative
spectral ranking (Maystre and Grossglauser 2015). It knows nothing of a picture that nobody compared,
and nothing of the person who answers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from prefs.errors import MissingPartError
from prefs.space import Floats

Rows = NDArray[np.intp]
PRIORS = (0.003, 0.01, 0.03, 0.1)  # regularization `alpha` of choix, relative to a comparison
ITERATIONS = 100


def strengths(pairs: Rows, answers: Rows, images: int, alpha: float) -> Floats:
    """(images,) strengths in logits from answers (R, P) to pairs (P, 2), NaN where nobody compared.

    Raises:
        MissingPartError: choix is not installed.
    """
    try:
        import choix
    except ImportError as problem:
        raise MissingPartError(
            "choix is not installed: install it with `pip install 'kallisti[compare]'`"
        ) from problem
    wins = np.zeros((images, images))
    for option in (0, 1):
        count = (answers == option).sum(0)
        np.add.at(wins, (pairs[:, option], pairs[:, 1 - option]), count)
    compared = (wins + wins.T).sum(1) > 0
    found = np.full(images, np.nan)
    part = wins[np.ix_(compared, compared)]
    found[compared] = choix.ilsr_pairwise_dense(part, alpha=alpha, max_iter=ITERATIONS, tol=1e-4)
    return found


def chances(strength: Floats, pairs: Rows) -> Floats:
    """(P, 2) probabilities of preferring either picture of pairs (P, 2), NaN where one has no strength."""
    lean = strength[pairs[:, 0]] - strength[pairs[:, 1]]
    first = 1 / (1 + np.exp(-lean))
    return np.stack([first, 1 - first], axis=1)


def chances_for(pairs: Rows, answers: Rows, images: int, targets: Rows) -> Floats:
    """(len(targets), 2) what the raters' answers (R, P) to all P pairs tell about some of the pairs.

    The regularization is chosen by leaving the first of the raters out.
    """
    given = answers[0, targets] >= 0

    def loss(alpha: float) -> float:
        p = chances(strengths(pairs, answers[1:], images, alpha), pairs[targets[given]])
        return float(-np.nanmean(np.log(p[np.arange(len(p)), answers[0, targets[given]]])))

    alpha = min(PRIORS, key=loss) if given.any() and len(answers) > 1 else PRIORS[-1]
    return chances(strengths(pairs, answers, images, alpha), pairs[targets])
