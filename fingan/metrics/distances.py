"""Distances between the laws of market and synthetic returns over several days.

Source: Wiese, Knobloch, Korn & Kretschmer (2020), Quant GANs: deep generation of financial time
series.
"""

import torch
from jaxtyping import Float
from torch import Tensor

Sample = Float[Tensor, " n"]
Synthetic = Float[Tensor, " m"]


def aggregated(
    returns: Float[Tensor, "*paths n_days"], steps: int
) -> Float[Tensor, "*paths n_windows"]:
    """Log-returns over ``steps`` days: overlapping sums, one for each day they can end on.

    Args:
        returns: Log-returns in order of time.
        steps: Days in each sum.

    Raises:
        ValueError: If there are fewer days than ``steps``.
    """
    n_days = returns.shape[-1]
    if not 0 < steps <= n_days:
        raise ValueError(f"steps must lie between 1 and the {n_days} days given, got {steps}")
    total = torch.nn.functional.pad(returns.cumsum(-1), (1, 0))
    return total[..., steps:] - total[..., :-steps]


def earth_mover_distance(real: Sample, synthetic: Synthetic) -> float:
    """Wasserstein-1 distance of two samples of any sizes, in the unit of the samples.

    Args:
        real: Returns of the market over some number of days.
        synthetic: Returns of the generator over as many; order does not matter in either.

    Source: Wiese et al. (2020), EMD(t); Ramdas, Garcia & Cuturi (2017), On Wasserstein two-sample
        testing, the area between the two distribution functions.
    """
    values, order = torch.cat([real, synthetic]).sort()
    is_real = order < len(real)
    share = is_real.cumsum(0).to(values) / len(real)
    synthetic_share = (~is_real).cumsum(0).to(values) / len(synthetic)
    return float((share - synthetic_share).abs()[:-1] @ values.diff())


def scaled_earth_mover_distance(real: Sample, synthetic: Synthetic) -> float:
    """Wasserstein-1 distance in standard deviations of the market's returns; NaN without any.

    Args:
        real: Returns of the market over some number of days.
        synthetic: Returns of the generator over as many.
    """
    spread = float(real.std())
    return earth_mover_distance(real, synthetic) / spread if spread > 0 else float("nan")


def dy_metric(real: Sample, synthetic: Synthetic, n_bins: int = 120) -> float:
    """Sum over bins of |log P(real in bin) - log P(synthetic in bin)|.

    The bins hold equal shares of the market's returns, each the values above one order statistic
    up to another; equal values share a bin, so no bin lacks market returns. A bin without
    synthetic returns counts as half a return: the logarithm stays finite and the sum still grows
    with the number of such bins.

    Args:
        real: Returns of the market over t days.
        synthetic: Returns of the generator over t days.
        n_bins: About a twentieth of the days of history; 120 for the paper's span.

    Raises:
        ValueError: If there are more bins than market returns.

    Source: Drăgulescu & Yakovenko (2002), Probability distribution of returns in the Heston model
        with stochastic volatility; Wiese et al. (2020), DY(t), with T/20 bins.
    """
    n_days = len(real)
    if not 0 < n_bins <= n_days:
        raise ValueError(f"n_bins must lie between 1 and the {n_days} returns given, got {n_bins}")
    last = torch.arange(1, n_bins, device=real.device) * n_days // n_bins - 1
    edges = real.sort().values[last].unique()
    edges = edges[edges < real.max()]
    n_real = torch.bucketize(real, edges).bincount(minlength=len(edges) + 1)
    n_synthetic = torch.bucketize(synthetic, edges).bincount(minlength=len(edges) + 1)
    real_share = n_real.double() / n_days
    synthetic_share = n_synthetic.double().clamp(min=0.5) / len(synthetic)
    return float((real_share.log() - synthetic_share.log()).abs().sum())
