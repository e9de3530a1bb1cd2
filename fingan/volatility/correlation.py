"""Normal scores of standardised innovations, and their correlation, shrunk so that it inverts."""

import torch
from jaxtyping import Float
from torch import Tensor


def shrunk_correlation(
    innovations: Float[Tensor, "n_days n_assets"],
) -> Float[Tensor, "n_assets n_assets"]:
    """Pairwise correlation of what is observed together, shrunk towards its mean off-diagonal.

    The intensity is Ledoit & Wolf's estimate for a constant-correlation target, with a floor that
    keeps every eigenvalue positive when assets are missing on different days.

    Args:
        innovations: Standardised returns, NaN where not observed.

    Source: Ledoit & Wolf (2004), Honey, I shrunk the sample covariance matrix, appendix B, with
        unit variances and without the term of the target's own error.
    """
    observed = ~innovations.isnan()
    filled = torch.where(observed, innovations, 0.0).double()
    together = observed.double().T @ observed.double()
    covariance = filled.T @ filled / together.clamp(min=1)
    scale = covariance.diagonal().clamp(min=1e-12).sqrt()
    sample = covariance / scale[:, None] / scale
    if len(sample) == 1:
        return torch.ones_like(sample)
    target = _constant_correlation(sample)
    unit = filled / scale
    squares = unit.square().T @ unit.square() / together.clamp(min=1)
    error = ((squares - sample.square()) / together.clamp(min=1)).fill_diagonal_(0).sum()
    distance = (sample - target).square().sum().clamp(min=1e-12)
    intensity = (error / distance).clamp(0, 1)
    shrunk = intensity * target + (1 - intensity) * sample
    smallest = torch.linalg.eigvalsh(shrunk)[0]
    lift = (1e-3 - smallest).clamp(min=0)
    lifted: Tensor = (shrunk + lift * torch.eye(len(shrunk), dtype=shrunk.dtype)) / (1 + lift)
    return lifted


def _constant_correlation(sample: Tensor) -> Tensor:
    n_assets = len(sample)
    mean = (sample.sum() - n_assets) / (n_assets * (n_assets - 1))
    return torch.full_like(sample, float(mean)).fill_diagonal_(1.0)


def normal_scores(
    innovations: Float[Tensor, "n_days n_assets"],
) -> Float[Tensor, "n_days n_assets"]:
    """Each asset's observed values replaced by the normal quantiles of their ranks."""
    observed = ~innovations.isnan()
    ordered = innovations.nan_to_num(nan=torch.inf).argsort(dim=0).argsort(dim=0).double()
    levels = (ordered + 0.5) / observed.sum(0)
    return torch.where(observed, torch.special.ndtri(levels.clamp(1e-9, 1 - 1e-9)), torch.nan)
