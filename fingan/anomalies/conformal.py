"""Conformal p-values of scores, and the control of false discoveries among them."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

Scores = Float[Tensor, " n_windows"]


def conformal_p_values(scores: Scores, calibration: Float[Tensor, " n_calibration"]) -> Scores:
    """Chance that a window like those of the calibration scores as high.

    Args:
        scores: Of the windows judged; higher is odder.
        calibration: Scores of held-out windows, none of them judged or used to build the score.

    Source: Bates, Candès, Lei, Romano & Sesia (2023), Testing for outliers with conformal
        p-values, equation 2.
    """
    ordered = calibration.sort().values
    as_high = len(ordered) - torch.searchsorted(ordered, scores.contiguous())
    return (1 + as_high).double() / (len(ordered) + 1)


def false_discovery_rates(p_values: Scores) -> Scores:
    """The smallest false-discovery rate at which each window would be flagged.

    Source: Benjamini & Hochberg (1995), Controlling the false discovery rate, as scipy has it.
        Valid for conformal p-values of independent windows: Bates et al. (2023), theorem 2.
    """
    from scipy.stats import false_discovery_control

    return torch.from_numpy(false_discovery_control(p_values.numpy(), method="bh"))


class Uniformity(NamedTuple):
    """Whether the p-values of all judged windows look as those of ordinary windows would."""

    share: float
    """Of p-values at most ``level``."""
    level: float
    lower: float
    upper: float
    """95 % interval of the share."""


def uniformity(p_values: Scores, level: float = 0.1) -> Uniformity:
    """Share of small p-values with its interval; ``level`` where nothing has changed.

    Source: Wilson (1927), Probable inference, for the interval.
    """
    from scipy.stats import binomtest

    small = int((p_values <= level).sum())
    found = binomtest(small, len(p_values)).proportion_ci(method="wilson")
    return Uniformity(small / len(p_values), level, float(found.low), float(found.high))
