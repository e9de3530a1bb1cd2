"""Expected returns from one history: weighted by precision, shrunk towards a common ratio.

Calm days say more of a mean than wild ones, so that each day counts by the inverse of its
conditional variance. What is left is still mostly noise, and is shared: an asset's expectation is
drawn to the average of all assets by as much as its error exceeds what tells assets apart.

Source: James & Stein (1961), Estimation with quadratic loss; Jorion (1986), Bayes-Stein estimation
for portfolio analysis, for shrinking expected returns towards a common value.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from fingan.volatility.correlation import shrunk_correlation


def expected_returns(
    returns: Float[Tensor, "n_days n_assets"], variances: Float[Tensor, "n_days n_assets"]
) -> Float[Tensor, " n_assets"]:
    """Shrunk, precision-weighted means.

    Args:
        returns: Scaled to about unit variance; NaN where not observed.
        variances: Conditional variance of each.
    """
    observed = ~returns.isnan()
    precision = torch.where(observed, 1 / variances, 0.0)
    total = precision.sum(0)
    means = (precision * returns.nan_to_num()).sum(0) / total
    if len(means) == 1:
        return means
    errors = 1 / total
    correlation = shrunk_correlation(returns / variances.sqrt())
    n_assets = len(means)
    alike = (correlation.sum() - n_assets) / (n_assets * (n_assets - 1))
    apart = means.var() - errors.mean() * (1 - alike)  # beyond what chance does
    kept = (apart / means.var().clamp(min=1e-12)).clamp(0, 1)
    return means.mean() + kept * (means - means.mean())
