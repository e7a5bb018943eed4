"""Tastes of many raters from their answers, differentiable in the vectors of the questions.

    log p(u | answers) = sum_q log((1 - eps) softmax(phi_q u + g_q)[a_q] + eps / K_q) - u' P u / 2 + const

Its mode is found by damped Fisher scoring from the population's mean, as `prefs.batch` does in numpy: the
curvature is that of a multinomial logit weighed by how likely each option was looked at, which stays
positive definite though the lapse makes the posterior not log-concave. Where a step does not raise the
log posterior it is halved. The last steps carry gradients; because Fisher scoring contracts quickly, two
of them give the gradient of the mode to a few percent, and all of them exactly that of the iteration.

Source: McFadden (1974); Fisher scoring: Osborne (1992); gradients through the last steps of a fixed-point
iteration: Christianson (1994).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefs.batch import LAPSE, LEAST_LAPSE
from prefs.errors import ModelError, QuestionError
from prefs.model import AGREE, EXTREME
from prefs.space import STYLE_SD

if TYPE_CHECKING:
    from torch import Tensor

STEPS = 6
THROUGH = 2
HALVINGS = 6
ABSENT = -1e9  # logit of an option that is not there; -inf would make gradients of nothing


def prior_precision(size: int, like: Tensor) -> Tensor:
    """(2 + d,) precision of the population in agree, extreme and d tastes, as a tensor like another one."""
    import torch

    found = torch.ones(size, dtype=like.dtype, device=like.device)
    found[0], found[1] = STYLE_SD[AGREE] ** -2, STYLE_SD[EXTREME] ** -2
    return found


def posterior(
    phi: Tensor,
    g: Tensor,
    answers: Tensor,
    steps: int = STEPS,
    lapse: float = LAPSE,
    through: int = THROUGH,
) -> tuple[Tensor, Tensor]:
    """Mean (R, 2 + d) and precision (R, 2 + d, 2 + d) of R raters' tastes.

    phi: (Q, K, 2 + d) and g: (Q, K), -inf where there is no option. answers: (R, Q) whole numbers, -1
    where there is none. steps: of Fisher scoring; gradients flow through the last `through` of them.

    Raises:
        QuestionError: answers of another shape. ModelError: a lapse that is no share, or no step.
    """
    import torch

    if answers.ndim != 2 or answers.shape[1] != len(phi) or phi.shape[:2] != g.shape:
        raise QuestionError(
            f"answers of shape {tuple(answers.shape)} to questions of shape {tuple(phi.shape)}"
        )
    if not 0.0 <= lapse < 1.0 or steps < 1:
        raise ModelError(f"lapse {lapse} and {steps} steps: allowed are 0 to 1, and 1 or more")
    with torch.autocast(phi.device.type, enabled=False):
        exact = phi if phi.dtype == torch.float64 else phi.float()
        told = _Told(exact, g.to(exact.dtype), answers, max(lapse, LEAST_LAPSE))
        u = torch.zeros(len(answers), phi.shape[2], dtype=told.phi.dtype, device=phi.device)
        for step in range(steps):
            carried = step >= steps - through
            with torch.set_grad_enabled(carried and torch.is_grad_enabled()):
                gradient, precision = told.slope(u)
                u = u + told.damped(u, _solved(precision, gradient))
        return u, told.slope(u)[1]


class _Told:
    """What R raters said, and the log posterior of their tastes."""

    def __init__(self, phi: Tensor, g: Tensor, answers: Tensor, lapse: float) -> None:
        import torch

        self.phi, self.prior = phi, prior_precision(phi.shape[2], phi)
        X = phi.flatten(0, 1)
        self.squares = (X[:, :, None] * X[:, None]).flatten(1)
        there = torch.isfinite(g)
        self.g = g.masked_fill(~there, ABSENT)
        self.given = answers >= 0
        self.chosen = answers.clamp(min=0).long()[..., None]
        self.looked = 1.0 - lapse
        self.floor = (lapse / there.sum(1)).to(phi.dtype)

    def chances(self, u: Tensor) -> Tensor:
        """(R, Q, K) softmax of the logits."""
        import torch

        logits = (u @ self.phi.flatten(0, 1).T).view(len(u), *self.g.shape)
        return torch.softmax(logits + self.g, dim=-1)

    def value(self, u: Tensor) -> Tensor:
        """(R,) log posterior up to a constant."""
        chosen = self.looked * self.chances(u).gather(2, self.chosen)[..., 0] + self.floor
        return (chosen.log() * self.given).sum(1) - 0.5 * (self.prior * u * u).sum(1)

    def slope(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """(R, D) gradient of the log posterior and (R, D, D) its Fisher precision."""
        import torch

        p = self.chances(u)
        mean = torch.einsum("rqk,qkd->rqd", p, self.phi)
        share = self.looked * p
        chosen = share.gather(2, self.chosen)[..., 0]
        weight = chosen / (chosen + self.floor) * self.given
        own = self.phi[torch.arange(len(self.phi), device=u.device), self.chosen[..., 0]]
        gradient = (weight[..., None] * (own - mean)).sum(1) - self.prior * u
        fisher = share * share / (share + self.floor[:, None]) * self.given[..., None]
        # Fisher information of the options' logits: sum_a w_a (x_a - mean)(x_a - mean)', x_a = phi_a
        size = self.phi.shape[2]
        first = (fisher.flatten(1) @ self.squares).view(-1, size, size)
        cross = torch.einsum("rqk,qkd->rqd", fisher, self.phi)
        total = fisher.sum(2)
        second = torch.einsum("rqd,rqe->rde", cross, mean)
        third = torch.einsum("rqd,rqe->rde", total[..., None] * mean, mean)
        return gradient, first - second - second.mT + third + torch.diag(self.prior)

    def damped(self, u: Tensor, step: Tensor) -> Tensor:
        """The step, halved for those raters whose log posterior it would not raise."""
        import torch

        with torch.no_grad():
            before = self.value(u)
            factor = torch.ones_like(before)
            for _ in range(HALVINGS):
                worse = self.value(u + factor[:, None] * step) < before - 1e-5
                if not worse.any():
                    break
                factor = torch.where(worse, factor / 2, factor)
        return factor[:, None] * step


def _solved(precision: Tensor, gradient: Tensor) -> Tensor:
    import torch

    factor = torch.linalg.cholesky(precision)
    return torch.cholesky_solve(gradient[..., None], factor)[..., 0]
