"""How rare a number is: surprise on one scale for all features, from the training span alone.

Source: Hill (1975), A simple general approach to inference about the tail of a distribution,
equation 3.1, for what lies beyond the edge.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

TAIL = 0.05  # of the windows that the tail is fitted to
LEAST_SHAPE = 0.02  # of a tail: a bounded feature is not made infinitely rare

Values = Float[Tensor, "n_windows n_features"]


@dataclass(frozen=True)
class Surprise:
    """Minus the logarithm of the chance of so large a feature, one law per feature."""

    ordered: Values
    """Of the reference windows, rising."""
    edges: Float[Tensor, " n_features"]
    shapes: Float[Tensor, " n_features"]
    """Hill's estimate of one over the tail index."""

    @classmethod
    def fit(cls, reference: Values) -> "Surprise":
        """Fit to windows that are neither calibrated on nor scored.

        Args:
            reference: Features, none negative.
        """
        ordered = reference.double().sort(0).values
        n_tail = max(2, int(TAIL * len(ordered)))
        edges = ordered[-n_tail - 1].clamp(min=1.0)
        excesses = (ordered[-n_tail:] / edges).log().clamp(min=0)
        return cls(ordered, edges, excesses.mean(0).clamp(min=LEAST_SHAPE))

    def of(self, features: Values) -> Values:
        """Surprise of each feature; it rises with the feature, without end."""
        n_reference = len(self.ordered)
        below = torch.searchsorted(self.ordered.T.contiguous(), features.double().T.contiguous()).T
        body = -((n_reference - below + 1) / (n_reference + 1)).log()
        at_edge = torch.searchsorted(
            self.ordered.T.contiguous(), self.edges.unsqueeze(1), right=True
        ).squeeze(1)
        base = -((n_reference - at_edge + 1) / (n_reference + 1)).log()
        beyond = base + (features.double() / self.edges).clamp(min=1).log() / self.shapes
        return torch.where(features > self.edges, beyond, body.minimum(base))
