"""Feature matching: the generator meets the mean of what the critic's last layer sees.

    weight ||E f(synthetic) - E f(real)||^2,   f the critic's features

A target that stays put while the critic's scores swing; it is added to the generator's loss.

Source: Salimans et al. (2016), Improved techniques for training GANs, section 3.1.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from fingan.training.distributed import mean_over_workers

Paths = Float[Tensor, "horizon batch n_assets"]
Features = Float[Tensor, "batch n_features"]


def feature_pull(
    features: Callable[[Paths], Features], real: Paths, synthetic: Paths
) -> tuple[Float[Tensor, ""], Paths]:
    """The squared distance between mean features, and its gradient by the synthetic paths.

    Args:
        features: Of the critic.
        real: Market paths of this worker.
        synthetic: As many synthetic ones; the gradient stops here.

    Returns:
        The distance over all workers; the gradient, to be averaged over the workers.
    """
    synthetic = synthetic.detach().requires_grad_()
    found = features(synthetic).mean(0)
    with torch.no_grad():
        gap = mean_over_workers(found - features(real).mean(0), real.shape[1])
    (gradient,) = torch.autograd.grad(found, synthetic, 2 * gap)
    return gap.square().sum(), gradient
