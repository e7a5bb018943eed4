"""The losses of a model that reads.

A belief about each rater comes from the known answers through `vlm.posterior`, so that the losses are
differentiated through what is learned of a person, not only through what is predicted.

- Answers: -log P(a | q) of the others, averaged over tastes drawn from the belief (nats an answer).
- Identity: the raters of a step are hypotheses, each known by its other answers; -log of the true one's
  share given the transcript of known answers, over log R (a guess costs 1).
- Moments: predicted against empirical correlations of pairs of questions. The predicted covariance is the
  first term of an expansion in Hermite polynomials: with b the mean derivative of the expected score over
  z ~ N(0, I), cov(i, j) = b_i . b_j + ... (Stein 1981; Kendall 1941).
- Marginals: cross entropy of the shares of answers under the popularity that the text tells, in nats.

In the first three, the popularity of options may be set so that the population answers as people did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prefs.draws import normals
from prefs.model import AGREE, EXTREME
from prefs.space import STYLE_SD

if TYPE_CHECKING:
    from torch import Tensor

POPULATION = 64  # fixed draws that stand for the population, or twice the coordinates
FITTINGS = 8  # proportional fittings of the popularity to shares
LEAST = 1e-30  # probability, so that its log is finite
LEAST_WHOLE = 1e-6  # weighted square of correlations that is told apart from none


@dataclass(frozen=True)
class Belief:
    """Of R raters: mean (R, c) and precision (R, c, c)."""

    mean: Tensor
    precision: Tensor

    def draws(self, noise: Tensor) -> Tensor:
        """(S, R, c) tastes, from standard normal noise (S, R, c)."""
        import torch

        root = torch.linalg.cholesky(self.precision)
        apart = torch.linalg.solve_triangular(root.mT, noise[..., None], upper=True)[..., 0]
        found: Tensor = self.mean + apart
        return found


def chances(phi: Tensor, g: Tensor, tastes: Tensor, lapse: float) -> Tensor:
    """(..., R, Q, K) P(a | q, z) of every option, 0 on padding.

    phi (Q, K, c), g (Q, K), tastes (..., R, c).
    """
    import torch

    real = torch.isfinite(g)
    logits = torch.einsum("...rc,qkc->...rqk", tastes, phi) + torch.where(real, g, 0.0)
    p = torch.softmax(logits.masked_fill(~real, -1e30), dim=-1)
    found: Tensor = ((1 - lapse) * p + lapse / real.sum(-1, keepdim=True)) * real
    return found


def answer_loss(
    phi: Tensor, g: Tensor, belief: Belief, answers: Tensor, asked: Tensor, noise: Tensor, lapse: float
) -> Tensor:
    """Mean nats of the answers (R, Q) where `asked` (R, Q) is true, given what is believed.

    noise: (S, R, c) standard normal.
    """
    import torch

    given = answers.clamp(min=0)[None, ..., None].expand(len(noise), -1, -1, -1)
    said = torch.gather(chances(phi, g, belief.draws(noise), lapse), -1, given)[..., 0].mean(0)
    return -(torch.log(said.clamp(min=LEAST)) * asked).sum() / asked.sum().clamp(min=1)


def transcript_scores(
    phi: Tensor, g: Tensor, tastes: Tensor, answers: Tensor, told: Tensor, lapse: float
) -> Tensor:
    """(R, H) log probability of R transcripts under H hypotheses; told: (R, Q) answers that
    are in them."""
    import torch

    logs = torch.log(chances(phi, g, tastes, lapse).clamp(min=LEAST))
    said = torch.nn.functional.one_hot(answers.clamp(min=0), g.shape[1]).to(logs.dtype) * told[..., None]
    return said.flatten(1) @ logs.flatten(1).T


def identity_loss(scores: Tensor) -> Tensor:
    """Cross entropy of the true rater, who stands on the diagonal of scores (R, R), over log R."""
    import torch

    truth = torch.arange(len(scores), device=scores.device)
    return torch.nn.functional.cross_entropy(scores, truth) / float(np.log(max(len(scores), 2)))


def predicted_correlations(phi: Tensor, g: Tensor) -> Tensor:
    """(Q, Q) correlations of the scores of answers in the population, by phi (Q, K, c) and g (Q, K)."""
    slopes, sd = _slopes(phi, g)
    unit = slopes / sd[:, None]
    return unit @ unit.T


def moments_loss(predicted: Tensor, empirical: Tensor, together: Tensor, joint: int) -> Tensor:
    """Share of the (Q, Q) correlations that is not foretold: mean square of the differences over that of
    the correlations, weighted by what so many raters in common tell of a correlation.

    together: (Q, Q) raters in common; fewer than `joint` tell nothing, and neither does an undefined
    correlation (NaN) or a question with itself. 0 where no pair tells anything.
    """
    import torch

    tells = torch.isfinite(empirical) & (together >= joint)
    tells &= ~torch.eye(len(tells), dtype=torch.bool, device=tells.device)
    weight = torch.where(tells, 1.0 / (1.0 / together.clamp(min=1) + 0.01), 0.0)
    apart = predicted - torch.nan_to_num(empirical)
    whole = (weight * torch.nan_to_num(empirical).square()).sum()
    return (weight * apart.square()).sum() / whole.clamp(min=LEAST_WHOLE)


def calibrated(phi: Tensor, g: Tensor, shares: Tensor) -> Tensor:
    """(Q, K) popularity by which the population answers in these shares (Q, K); it carries no gradient.

    Iterative proportional fitting (Deming and Stephan 1940). g: (Q, K), -inf where there is no option.
    """
    import torch

    with torch.no_grad():
        logs = torch.log(shares.clamp(min=LEAST))
        white, draws = _population(phi)
        found = torch.where(torch.isfinite(g), logs, g)
        for _ in range(FITTINGS):
            p = chances(white, found, draws, 0.0).mean(0)
            found = torch.where(torch.isfinite(g), found + logs - torch.log(p.clamp(min=LEAST)), g)
        return found


def marginals_loss(phi: Tensor, g: Tensor, shares: Tensor) -> Tensor:
    """Nats an answer in these shares (Q, K) by the popularity g (Q, K); it does not teach tastes phi."""
    import torch

    white, draws = _population(phi.detach())
    p = chances(white, g, draws, 0.0).mean(0)
    return -(shares * torch.log(p.clamp(min=LEAST))).sum(-1).mean()


def styles(size: int) -> NDArray[np.float32]:
    """(c,) standard deviation of each coordinate of z in the population: agree, extreme, then tastes."""
    return np.array([STYLE_SD[AGREE], STYLE_SD[EXTREME], *[1.0] * (size - 2)], dtype=np.float32)


def _slopes(phi: Tensor, g: Tensor) -> tuple[Tensor, Tensor]:
    """(Q, c) mean derivative of each expected score by whitened z; (Q,) standard deviation of the score."""
    import torch

    white, draws = _population(phi)
    p = chances(white, g, draws, 0.0)  # (S, Q, K)
    real = torch.isfinite(g)
    steps = real.cumsum(1) - 1
    score = (2.0 * steps / (real.sum(1, keepdim=True) - 1).clamp(min=1) - 1.0) * real
    mean = (p * score).sum(-1, keepdim=True)
    slopes = torch.einsum("sqk,qkc->qc", p * (score - mean), white) / len(draws)
    share = p.mean(0)
    middle = (share * score).sum(-1, keepdim=True)
    spread = (share * (score - middle).square()).sum(-1)
    return slopes, spread.clamp(min=1e-6).sqrt().detach()


def _population(phi: Tensor) -> tuple[Tensor, Tensor]:
    """phi (Q, K, c) by coordinates of standard deviation 1 in the population, and (S, c) draws of it."""
    import torch

    size = phi.shape[2]
    count = max(POPULATION, 1 << (2 * size - 1).bit_length())
    draws = torch.from_numpy(normals(size, count).astype(np.float32)).to(phi)
    return phi * torch.from_numpy(styles(size)).to(phi), draws
