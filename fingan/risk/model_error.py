"""The error of a figure that more paths do not lower: generators trained alike do not agree.

Source: Lakshminarayanan, Pritzel & Blundell (2017), Simple and scalable predictive uncertainty
estimation using deep ensembles, section 2.4, for the spread of members as uncertainty; the standard
error of their mean is ours.
"""

import math

from jaxtyping import Float
from torch import Tensor


def model_error(estimates: Float[Tensor, "n_members *shape"]) -> Float[Tensor, "*shape"]:
    """Standard error of the mean over the generators of an ensemble.

    It holds the error of training alone; what all generators share - history, filter, recipe - is
    in no spread between them. The sampling error of each estimate is in it too.

    Args:
        estimates: One of each generator, from its own paths.

    Raises:
        ValueError: If there are fewer than two generators.
    """
    n_members = len(estimates)
    if n_members < 2:
        raise ValueError(f"estimates must come from at least 2 generators, got {n_members}")
    return estimates.std(0) / math.sqrt(n_members)
