"""Five ways in which a window can be odd, one number each, and who drives it."""

from typing import Literal, get_args

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from fingan.anomalies.evidence import Evidence

FeatureName = Literal["move alone", "joint move", "volatility", "correlation", "stale price"]
FEATURES: tuple[FeatureName, ...] = get_args(FeatureName)
MEANING: dict[FeatureName, str] = {
    "move alone": "largest move of an asset that the others of the day do not explain, in"
    " conditional standard deviations",
    "joint move": "squared Mahalanobis distance of the day's moves per asset, mean of the window;"
    " about 1",
    "volatility": "largest mean size of an asset's moves over the window; one large day counts"
    " for little",
    "correlation": "largest ratio of an asset's unexplained to its whole squared moves",
    "stale price": "longest run of an unchanged price",
}

Windows = Int64[Tensor, " n_windows"]  # the last row of each
Features = Float[Tensor, "n_windows n_features"]


def window_features(evidence: Evidence, ends: Windows, window: int) -> Features:
    """The five numbers of each window, in the order of ``FEATURES``.

    Args:
        evidence: Of every day.
        ends: Last row of each window; each has ``window`` rows of evidence before its end.
        window: Rows in a window.
    """
    rows = _rows(ends, window)
    squares, unexplained = evidence.moves.square()[rows], evidence.alone.square()[rows]
    columns = {
        "move alone": unexplained.amax((1, 2)).sqrt(),
        "joint move": (evidence.joint.sum(1) / evidence.observed)[rows].mean(1),
        "volatility": evidence.moves.abs()[rows].mean(1).amax(1),
        "correlation": (unexplained.mean(1) / (1 + squares.mean(1))).amax(1),
        "stale price": evidence.stale[rows].amax((1, 2)).double(),
    }
    return torch.stack([columns[name] for name in FEATURES], dim=1)


def drivers(
    evidence: Evidence, end: int, window: int, feature: FeatureName
) -> Float[Tensor, "window n_assets"]:
    """How much each day and asset adds to a feature of one window; shares that sum to 1.

    What lowers a joint distance counts as nothing. Of a feature that is a largest value over the
    assets, the assets are weighed by their own values: the one that made it stands first.
    """
    rows = slice(end + 1 - window, end + 1)
    match feature:
        case "move alone":
            parts = evidence.alone[rows].square()
        case "joint move":
            parts = evidence.joint[rows].clamp(min=0)
        case "volatility":
            parts = evidence.moves[rows].abs()
        case "correlation":
            unexplained, whole = evidence.alone[rows].square(), evidence.moves[rows].square()
            parts = unexplained / (1 + whole.mean(0))
        case "stale price":
            parts = evidence.stale[rows].double()
    total = parts.sum()
    return parts / total if total > 0 else torch.full_like(parts, 1 / parts.numel())


def _rows(ends: Windows, window: int) -> Int64[Tensor, "n_windows window"]:
    return ends.unsqueeze(1) + torch.arange(1 - window, 1)
