"""Mean and spread of each asset, fitted on the training span only."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from fingan.data.returns import ReturnTable
from fingan.errors import PriceDataError

Returns = Float[Tensor, "*batch n_assets"]


@dataclass(frozen=True)
class ReturnScaler:
    """Per-asset affine map: scaled returns have mean 0 and standard deviation 1 in training.

    Args:
        assets: Names, one per entry.
        mean: Mean return of the training span.
        std: Standard deviation of the training span; positive.
    """

    assets: tuple[str, ...]
    mean: Float[Tensor, "n_assets"]
    std: Float[Tensor, "n_assets"]

    @classmethod
    def fit(cls, training: ReturnTable) -> "ReturnScaler":
        """Mean and standard deviation of the observed returns of the training span.

        Raises:
            PriceDataError: If an asset never moves, or has fewer than two returns, in that span.
        """
        observed = training.observed
        n_observed = observed.sum(dim=0)
        mean = training.values.nanmean(dim=0)
        deviations = torch.where(observed, training.values - mean, 0.0)
        std = (deviations.square().sum(dim=0) / (n_observed - 1).clamp(min=1)).sqrt()
        is_still = (n_observed < 2) | ~(std > 0)
        if is_still.any():
            name = training.assets[int(is_still.nonzero()[0])]
            raise PriceDataError(
                f"{name!r} must have at least two different returns in the training span,"
                " leave it out or start earlier"
            )
        return cls(training.assets, mean, std)

    def transform(self, returns: Returns) -> Returns:
        """Scaled returns; NaN stays NaN."""
        return (returns - self.mean.to(returns)) / self.std.to(returns)

    def inverse(self, scaled: Returns) -> Returns:
        """Returns whose ``transform`` is ``scaled``."""
        return scaled * self.std.to(scaled) + self.mean.to(scaled)
