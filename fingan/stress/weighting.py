"""Weights of paths under a condition: a kernel about each value, an indicator for each bound.

Source: Nadaraya (1964), On estimating regression, equation 2, for the kernel; Csiszar (1975),
I-divergence geometry of probability distributions and minimization problems, section 3, for
weights that meet a mean and are otherwise as near as can be to those given.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from fingan.stress.conditions import Constraint, Figures

REACH = 4.0  # bandwidths beyond which a path has no weight
MAX_CORRECTION = 3.0  # bandwidths by which a kernel's centre may be moved
FEWEST = 20  # paths below which a mean is not corrected
ITERATIONS = 50

LogWeights = Float[Tensor, " n_paths"]


@dataclass(frozen=True)
class Kernel:
    """How near each path is to a condition."""

    constraints: tuple[Constraint, ...]
    bandwidths: Float[Tensor, " n_constraints"]
    """Of the constraints that are values, in simple returns."""

    @classmethod
    def of(
        cls, constraints: Sequence[Constraint], scale: Float[Tensor, " n_constraints"], share: float
    ) -> "Kernel":
        """Bandwidths as a share of each figure's standard deviation."""
        return cls(tuple(constraints), (share * scale).clamp(min=1e-12))

    def log_weights(self, figures: Figures) -> LogWeights:
        """Logarithm of the weight of each path; -inf where a bound is not kept."""
        low, high = self._bounds()
        is_value = low == high
        apart = (figures - torch.where(is_value, low, 0.0)) / self.bandwidths
        near = torch.where(apart.abs() <= REACH, -apart.square() / 2, -torch.inf)
        within = torch.where((figures >= low) & (figures <= high), 0.0, -torch.inf)
        return torch.where(is_value, near, within).sum(1)

    def centred(self, figures: Figures, log_weights: LogWeights) -> LogWeights:
        """The same with the kernels moved so that the weighted means are the values.

        Where the law is steep, more paths lie on one side of a value than on the other. To multiply
        a normal kernel by an exponential of the figure is to move its centre.
        """
        values = torch.tensor([one.is_value for one in self.constraints])
        if not values.any() or len(figures) < FEWEST:
            return log_weights
        low, _ = self._bounds()
        apart = ((figures - low) / self.bandwidths)[:, values]
        tilt = apart.new_zeros(apart.shape[1])
        for _ in range(ITERATIONS):
            weights = (log_weights + apart @ tilt).softmax(0)
            mean = weights @ apart
            rest = apart - mean
            ridge = 1e-6 * torch.eye(len(tilt), dtype=apart.dtype)
            step = torch.linalg.solve((rest * weights.unsqueeze(1)).T @ rest + ridge, mean)
            tilt = (tilt - step.clamp(-1, 1)).clamp(-MAX_CORRECTION, MAX_CORRECTION)
            if float(step.abs().max()) < 1e-9:
                break
        return log_weights + apart @ tilt

    def shortfall(
        self, figures: Figures, scale: Float[Tensor, " n_constraints"], width: float
    ) -> Float[Tensor, " n_paths"]:
        """Distance to the condition in standard deviations; a value is met within ``width``."""
        low, high = self._bounds()
        slack = torch.where(low == high, width, 0.0)
        outside = torch.maximum(low - figures, figures - high) / scale - slack
        return outside.amax(1)

    def _bounds(self) -> tuple[Tensor, Tensor]:
        low = torch.tensor([one.low for one in self.constraints], dtype=torch.float64)
        high = torch.tensor([one.high for one in self.constraints], dtype=torch.float64)
        return low, high


def sharpness(log_weights: LogWeights) -> float:
    """Effective number of paths of weights that need no sum of 1; 0 where none has any."""
    if not len(log_weights) or not bool(log_weights.max().isfinite()):
        return 0.0
    weights = (log_weights - log_weights.max()).exp()
    return float(weights.sum().square() / weights.square().sum())
