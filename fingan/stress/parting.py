"""How many ways there are to lose: paths parted where hardly any lies between them.

Two paths are alike where the same positions made the loss, in the same shares, as suddenly. The
paths are cut into many small clusters; two that are nearest to being one are joined until, between
any two that are left, the density falls to a valley: one broad cloud stays one mode, however it is
stretched. When in the horizon a loss falls is described and does not part modes.

Source: Hennig (2010), Methods for merging Gaussian mixture components, the ridgeline ratio method,
for joining by the density between clusters; here of k-means clusters along the line between their
centres, with the error of the density.
"""

import math
import warnings

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from fingan.risk.estimates import effective_size

Features = Float[Tensor, "n_paths n_features"]
Probabilities = Float[Tensor, " n_paths"]
Labels = Int64[Tensor, " n_paths"]  # of each path, from 0

N_CUT = 8  # small clusters to begin with
VALLEY = 0.7  # of the lower peak, below which the density between two modes must surely lie
SURELY = 1.645  # standard errors
LEAST_SHARE, LEAST_ESS = 0.05, 30  # of a mode
N_GRID = 129
ROUGHNESS = 1 / (2 * math.sqrt(math.pi))  # integral of the squared normal kernel


def features_of(
    parts: Float[Tensor, "n_paths n_held"], course: Float[Tensor, "n_paths horizon"]
) -> Features:
    """What makes two losing paths alike, all in shares of the path's loss.

    Args:
        parts: What each held position adds to the loss.
        course: Loss of the portfolio since the start, after each step.
    """
    loss = course[:, -1:]
    return torch.cat([parts / loss, suddenness(course).unsqueeze(1)], 1)


def suddenness(course: Float[Tensor, "n_paths horizon"]) -> Float[Tensor, " n_paths"]:
    """Share of the loss that the worst step alone makes, 1 at most."""
    before = torch.cat([torch.zeros_like(course[:, :1]), course[:, :-1]], 1)
    return ((course - before).amax(1) / course[:, -1]).clamp(max=1.0)


def modes_of(features: Features, weights: Probabilities, max_modes: int) -> Labels:
    """Paths by mode, the most probable mode first.

    Args:
        features: Of paths that reach a loss.
        weights: Their probabilities, sum 1.
        max_modes: Those that are nearest to each other are joined beyond.
    """
    labels = _without_small(features, weights, _cut(features, weights, N_CUT))
    while (n_left := _n_modes(labels)) > 1:
        valleys = _valleys(features, weights, labels)
        if n_left <= max_modes and float(valleys.max()) < VALLEY:
            break
        labels = _joined(labels, valleys)
    return _by_share(labels, weights)


def parts_of_cloud(features: Features, weights: Probabilities, n_parts: int) -> Labels:
    """One cloud cut into so many parts, fewer where they would be small; most probable first."""
    labels = _without_small(features, weights, _cut(features, weights, n_parts))
    return _by_share(labels, weights)


def separation(features: Features, weights: Probabilities, labels: Labels) -> list[float | None]:
    """Density between each mode and the mode nearest to it, as a share of the lower peak.

    An upper bound at 95 %; 1 and more where there is no valley. None where there is one mode.
    """
    if _n_modes(labels) == 1:
        return [None]
    return _valleys(features, weights, labels).amax(1).tolist()


def _by_share(labels: Labels, weights: Probabilities) -> Labels:
    """Numbered by their share, the greatest first."""
    shares = torch.bincount(labels, weights)
    ranks = shares.argsort(descending=True).argsort()
    return ranks[labels]


def _cut(features: Features, weights: Probabilities, n_parts: int) -> Labels:
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    clusters = KMeans(min(n_parts, len(features)), n_init=5, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different paths than clusters
        found = clusters.fit_predict(features.numpy(), sample_weight=weights.numpy())
    return _renumbered(torch.from_numpy(found).long())


def _without_small(features: Features, weights: Probabilities, labels: Labels) -> Labels:
    """Clusters too small for figures of their own joined to the nearest."""
    while _n_modes(labels) > 1:
        shares = torch.bincount(labels, weights)
        effective = shares.square() / torch.bincount(labels, weights.square())
        small = (shares < LEAST_SHARE * weights.sum()) | (effective < LEAST_ESS)
        if not small.any():
            break
        valleys = _valleys(features, weights, labels)
        labels = _joined(labels, torch.where(small.unsqueeze(1) | small, valleys, -torch.inf))
    return labels


def _joined(labels: Labels, valleys: Float[Tensor, "n_modes n_modes"]) -> Labels:
    """With the two joined between which the valley is the shallowest."""
    one, other = divmod(int(valleys.argmax()), len(valleys))
    return _renumbered(torch.where(labels == one, other, labels))


def _renumbered(labels: Labels) -> Labels:
    found: Labels = labels.unique(return_inverse=True)[1]
    return found


def _n_modes(labels: Labels) -> int:
    return int(labels.max()) + 1


def _valleys(
    features: Features, weights: Probabilities, labels: Labels
) -> Float[Tensor, "n_modes n_modes"]:
    """Between each two; -inf on the diagonal."""
    n_modes = _n_modes(labels)
    centres = torch.stack(
        [_mean(features[labels == mode], weights[labels == mode]) for mode in range(n_modes)]
    )
    found = torch.full((n_modes, n_modes), -torch.inf, dtype=torch.float64)
    for one in range(n_modes):
        for other in range(one):
            own = (labels == one) | (labels == other)
            line = centres[other] - centres[one]
            length = line.square().sum().clamp(min=1e-24)
            along = (features[own] - centres[one]) @ line / length
            valley = _valley(along, weights[own], labels[own] == one)
            found[one, other] = found[other, one] = valley
    return found


def _mean(features: Features, weights: Probabilities) -> Float[Tensor, " n_features"]:
    return weights @ features / weights.sum()


def _valley(
    along: Float[Tensor, " n_paths"], weights: Probabilities, is_first: Bool[Tensor, " n_paths"]
) -> float:
    """Lowest density between two centres, at 0 and 1, over the lower peak: an upper bound.

    Source: Silverman (1986), Density estimation, equation 3.28, for the kernel's width, here of
        the spread within the clusters, and section 3.3.1 for the variance of the density.
    """
    shares = weights / weights.sum()
    within = float(shares[is_first] @ along[is_first].square())
    within += float(shares[~is_first] @ (along[~is_first] - 1).square())
    effective = effective_size(shares)
    width = 1.06 * math.sqrt(max(within, 1e-12)) * effective**-0.2
    grid = torch.linspace(-0.5, 1.5, N_GRID, dtype=torch.float64)
    density = _density(grid, along, shares, width)
    error = (density * ROUGHNESS / (effective * width)).sqrt()
    sure = (density - SURELY * error).clamp(min=1e-12)
    peak = torch.minimum(sure.cummax(0).values, sure.flip(0).cummax(0).values.flip(0))
    between = (grid >= 0) & (grid <= 1)
    return float(((density + SURELY * error) / peak)[between].min())


def _density(
    grid: Float[Tensor, " n_grid"],
    along: Float[Tensor, " n_paths"],
    shares: Probabilities,
    width: float,
) -> Float[Tensor, " n_grid"]:
    found = torch.zeros_like(grid)
    for points, share in zip(along.split(4096), shares.split(4096), strict=True):
        apart = (grid.unsqueeze(1) - points) / width
        found += (-apart.square() / 2).exp() @ share
    return found / (width * math.sqrt(2 * math.pi))
