"""Many small likelihoods at once: damped Gauss-Newton steps, each problem with its own damping.

Source: Berndt, Hall, Hall & Hausman (1974), Estimation and inference in nonlinear structural
models, for the outer product of scores; Levenberg (1944) for the damping. Scores are forward
differences: the likelihoods of all moved points come from one pass over the days, and only their
sums are kept, so that memory does not grow with the history.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

Points = Float[Tensor, "n_tried n_problems n_free"]
LogLikelihood = Callable[[Points], Iterable[Float[Tensor, "some_days n_tried n_problems"]]]

MOVE, GAIN, BOUND = 1e-4, 0.1, 9.0


@dataclass(frozen=True)
class _Sums:
    """Of a log-likelihood over all days."""

    value: Float[Tensor, " n_problems"]
    gradient: Float[Tensor, "n_problems n_free"]
    information: Float[Tensor, "n_problems n_free n_free"]
    """Outer products of the days' scores."""


def most_likely(
    log_likelihood: LogLikelihood,
    start: Float[Tensor, " n_free"],
    spread: Float[Tensor, " n_free"],
    n_problems: int,
    *,
    begin: Float[Tensor, "n_problems n_free"] | None = None,
    most_steps: int = 30,
) -> Float[Tensor, "n_problems n_free"]:
    """Posterior modes of ``n_problems`` problems that have the same free numbers.

    Args:
        log_likelihood: Each day's, of each problem, at several points; a stretch of days after
            another. Where a problem's days
            depend on the numbers of the others, all are moved alike for a score: the step is then
            one of several that rise, and is taken only where it does.
        start: Centre of the Gaussian prior.
        spread: Prior deviations; 0 for a number that is not free. Short histories stay near the
            centre, long ones hardly feel it.
        n_problems: Assets, or whatever has the numbers.
        begin: Where the search begins; default the centre.
        most_steps: Of the search, unless it settles before.
    """
    is_free = spread > 0
    unit = spread[is_free]
    moves = MOVE * torch.eye(len(start), dtype=torch.float64)[is_free]
    tried_at = torch.cat([torch.zeros_like(moves[:1]), moves])

    def evaluate(point: Tensor) -> _Sums:
        return _sums(log_likelihood(point + tried_at[:, None]), n_problems, len(moves))

    def prior(point: Tensor) -> Tensor:
        return ((point - start)[:, is_free] / unit).square().sum(1) / -2

    point = start.repeat(n_problems, 1) if begin is None else begin
    current = evaluate(point)
    damping = torch.full((n_problems,), 1e-2, dtype=torch.float64)
    for _ in range(most_steps):
        gradient = current.gradient - (point - start)[:, is_free] / unit.square()
        information = current.information + torch.diag(unit**-2)
        diagonal = information.diagonal(dim1=1, dim2=2)
        damped = information + torch.diag_embed(damping[:, None] * diagonal)
        step = torch.linalg.solve(damped, gradient.unsqueeze(-1)).squeeze(-1)
        candidate = point.clone()
        candidate[:, is_free] += step.clamp(-1, 1)
        candidate = candidate.clamp(-BOUND, BOUND)
        tried = evaluate(candidate)
        gain = tried.value - current.value + prior(candidate) - prior(point)
        better = gain > 0
        point = torch.where(better[:, None], candidate, point)
        current = tried if bool(better.all()) else evaluate(point)
        damping = torch.where(better, damping / 4, damping * 6).clamp(1e-6, 1e4)
        if bool(better.any()) and gain.max() < GAIN:
            break
    return point


def _sums(stretches: Iterable[Tensor], n_problems: int, n_free: int) -> _Sums:
    value = torch.zeros(n_problems, dtype=torch.float64)
    gradient = torch.zeros(n_problems, n_free, dtype=torch.float64)
    information = torch.zeros(n_problems, n_free, n_free, dtype=torch.float64)
    for days in stretches:
        scores = ((days[:, 1:] - days[:, :1]) / MOVE).permute(2, 0, 1)
        value += days[:, 0].sum(0)
        gradient += scores.sum(1)
        information += scores.mT @ scores
    return _Sums(value, gradient, information)
