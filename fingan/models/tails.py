"""Marginal laws of innovations: a Gaussian value to one with the asset's own centre and tails.

    T(z) = scale * z * exp(h z^2 / 2) - mean,   h = ``fall`` for z < 0, ``rise`` for z > 0

Each tail is regularly varying with index 1 / h: heavy by construction, and fitted on training
data; the mean is taken off in closed form, so that no asset drifts. It starts every asset at its
own marginal law, so that the network is left the joint law and the dynamics.

Source: Tukey (1977), Exploratory data analysis, the h transform; Headrick, Kowalchuk & Sheng
(2008), Parametric probability densities and distribution functions for Tukey g-and-h
transformations, for the two-sided form; fitted by quantiles as Hoaglin (1985), Summarizing shape
numerically: the g-and-h distributions.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

MAX_H = 0.25  # a tail index of at least 4
LEVELS = (0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.25)  # tail probabilities matched


def tail_mean(
    scale: Float[Tensor, " n_assets"],
    fall: Float[Tensor, " n_assets"],
    rise: Float[Tensor, " n_assets"],
) -> Float[Tensor, " n_assets"]:
    """E[scale * z * exp(h z^2 / 2)] for a standard Gaussian z, in closed form."""
    return scale * (1 / (1 - rise) - 1 / (1 - fall)) / math.sqrt(2 * math.pi)


def fit_tails(innovations: Float[Tensor, "n_days n_assets"]) -> Float[Tensor, "3 n_assets"]:
    """(scale, h of falls, h of rises) per asset by matching quantiles around the median.

    Args:
        innovations: Standardised returns, NaN where not observed.
    """
    levels = torch.tensor(LEVELS, dtype=torch.float64)
    normal = torch.special.ndtri(1 - levels)
    values = innovations.double()
    location = values.nanquantile(0.5, dim=0)
    falls = location - values.nanquantile(levels, dim=0)
    rises = values.nanquantile(1 - levels, dim=0) - location
    logs = (torch.stack([falls, rises]).clamp(min=1e-6) / normal[:, None]).log()
    regressor = normal.square() / 2
    centred = regressor - regressor.mean()
    h = (logs * centred[:, None]).sum(1) / centred.square().sum()
    h = h.clamp(0, MAX_H)
    intercept = (logs - h.unsqueeze(1) * regressor[:, None]).mean((0, 1))
    return torch.stack([intercept.exp(), *h])


def normal_scores(
    innovations: Float[Tensor, "n_days n_assets"],
) -> Float[Tensor, "n_days n_assets"]:
    """Each asset's observed values replaced by the normal quantiles of their ranks."""
    observed = ~innovations.isnan()
    ordered = innovations.nan_to_num(nan=torch.inf).argsort(dim=0).argsort(dim=0).double()
    levels = (ordered + 0.5) / observed.sum(0)
    return torch.where(observed, torch.special.ndtri(levels.clamp(1e-9, 1 - 1e-9)), torch.nan)
