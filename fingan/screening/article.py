"""The rule of the article that fingan began with, and why a screen does not use it.

It draws series from a generator and takes those whose mean return is above a threshold as
opportunities. A generator without any drift has such series too: as many as chance has it. What was
taken is named by its own noise, and what follows on the same path has the mean of all series.
"""

from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor

from fingan.risk.estimates import Estimate, Members, Weights, as_estimate, ratio
from fingan.risk.influences import mean

LogReturns = Float[Tensor, "n_paths steps n_assets"]


@dataclass(frozen=True)
class ArticleRule:
    """What picking samples by their mean selects; log-returns of a step."""

    threshold: float
    share: Estimate
    """Of the samples that are taken."""
    mean_of_all: Estimate
    mean_of_selected: Estimate
    """Over the steps by which they were taken."""
    mean_after: Estimate
    """Over as many steps that follow on the same paths: what a buyer would have got."""

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "threshold": self.threshold,
            "share": self.share.record(),
            "mean_of_all": self.mean_of_all.record(),
            "mean_of_selected": self.mean_of_selected.record(),
            "mean_after": self.mean_after.record(),
        }


def article_rule(
    log_returns: LogReturns, threshold: float, weights: Weights = None, members: Members = None
) -> ArticleRule:
    """Apply the rule to the first half of each path and look at the second.

    Args:
        log_returns: Of each asset of each path; each is one sample.
        threshold: Mean log-return of a step above which a sample is taken.
        weights: Probability of each path.
        members: The generator that drew each path.

    Raises:
        ValueError: If a path has an odd number of steps.
    """
    n_steps = log_returns.shape[1]
    if n_steps % 2:
        raise ValueError(f"paths must have two equal halves, got {n_steps} steps")
    before, after = log_returns.double().split(n_steps // 2, 1)
    means = before.mean(1)
    taken = (means > threshold).double()
    share = mean(taken.mean(1), weights)

    def selected(values: Float[Tensor, "n_paths n_assets"]) -> Estimate:
        total = mean((taken * values).mean(1), weights)
        return as_estimate(ratio(total, share), weights, members)

    return ArticleRule(
        threshold=threshold,
        share=as_estimate(share, weights, members),
        mean_of_all=as_estimate(mean(means.mean(1), weights), weights, members),
        mean_of_selected=selected(means),
        mean_after=selected(after.mean(1)),
    )
