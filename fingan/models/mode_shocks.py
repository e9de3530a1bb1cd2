"""Modes whose shocks have a law of their own: the market falls harder than it rises, as one.

Normal scores joined by normal modes make portfolios symmetric, whatever the margins of their
assets: a fall of everything is then as likely as a rise. The shocks of the moving modes therefore
keep the law that they were observed to have. Scores are then no longer normal, and each asset's
map starts from the law that its scores do have, so that its margin stays what it was.

Source: Hyvarinen & Oja (2000), Independent component analysis, section 4, for non-normal sources of
a linear mixture; Oh & Patton (2017), Modelling dependence in high dimensions with factor copulas,
section 2, for a skewed common factor; here of dynamic modes.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fingan.models.margins import N_CELLS, REACH, Margins, fit_margins
from fingan.models.quantile_tables import QuantileTable
from fingan.volatility.modes import CorrelationModes, Scores

MAX_STILLNESS = 0.1  # of a mode's assets, above which its shocks stay normal
N_DRAWS = 100_000
SEEN, N_KNOTS = 3.2, 65  # normal deviations within which draws are enough, and their quantiles
EDGE = 2.4  # from here to there the slope is taken that goes on beyond


def shock_laws(
    modes: CorrelationModes, scores: Scores, stillness: Float[Tensor, " n_assets"]
) -> Margins:
    """What a normal number becomes as each moving mode's shock, variance 1.

    A mode made of assets that often stand still has no smooth law to learn: it stays normal.

    Args:
        modes: The correlation.
        scores: Of the training span.
        stillness: Share of each asset's days on which its price did not change.
    """
    found = fit_margins(modes.shocks(scores), is_unit=True)
    sizes = modes.root[:, : len(modes.alpha)].square()
    is_still = (stillness.double() @ sizes / sizes.sum(0)) > MAX_STILLNESS
    grid = torch.linspace(-REACH, REACH, N_CELLS + 1)
    return Margins(QuantileTable(REACH, grid.where(is_still.unsqueeze(1), found.table.values)))


def score_laws(modes: CorrelationModes, shocks: Margins, scores: Scores) -> Margins:
    """What a normal number becomes as each asset's score, where modes have shocks of their own.

    Args:
        modes: The correlation.
        shocks: Of the moving modes.
        scores: Of the training span, from which the modes' variances are taken.
    """
    grid = np.linspace(-REACH, REACH, N_CELLS + 1)
    if len(modes.alpha) == 0:
        return Margins(
            QuantileTable(REACH, torch.from_numpy(grid).float().expand(len(modes.root), -1))
        )
    random = torch.Generator().manual_seed(0)
    lent = modes.root[:, : len(modes.alpha)]
    past = modes.variances(scores)
    variances = past[torch.randint(len(past), (N_DRAWS,), generator=random)]
    normals = torch.randn(N_DRAWS, len(modes.alpha) + 1, generator=random)
    moves = shocks.table(normals[:, 1:]).double() * variances.sqrt()
    rest = normals[:, 0].double()  # all still modes of an asset together are normal
    curves = []
    for own in lent:
        own_variance = 1 - own.square().sum().clamp(max=1)
        drawn = moves @ own + own_variance.sqrt() * rest
        drawn /= (1 + (variances - 1) @ own.square()).sqrt()
        curves.append(_curve(drawn.numpy(), grid))
    return Margins(QuantileTable(REACH, torch.tensor(np.stack(curves)).float()))


def _curve(
    drawn: Float[np.ndarray, " n_draws"], grid: Float[np.ndarray, " n_points"]
) -> Float[np.ndarray, " n_points"]:
    """Quantile of the draws at each normal number; straight on where draws are few."""
    from scipy.interpolate import PchipInterpolator
    from scipy.special import ndtr

    knots = np.linspace(-SEEN, SEEN, N_KNOTS)
    body = PchipInterpolator(knots, np.quantile(drawn, ndtr(knots)))
    inside = np.clip(grid, -SEEN, SEEN)
    ends, edges = body(np.copysign(SEEN, grid)), body(np.copysign(EDGE, grid))
    slopes = np.abs(ends - edges) / (SEEN - EDGE)
    curve: Float[np.ndarray, " n_points"] = body(inside) + slopes * (grid - inside)
    return curve
