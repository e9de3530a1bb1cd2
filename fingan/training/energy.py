"""The energy score of what a generator says of a window: a pull beside the critic's.

    S = E |X - y| - E |X - X'| / 2,         X, X' synthetic paths from the state where y began

``|.|`` is the mean, over horizons, of the distance of single assets and portfolios (then S is their
CRPS) and of all assets together. The score is strictly proper: the market's own law has the lowest
expectation. Unlike a critic it need not be trained, and it compares what follows a state with what
followed it; so its gradient is steady where a critic's swings from window to window, while the
critic sees what the score does not: order within a path, clustering, single days.

Source: Gneiting & Raftery (2007), Strictly proper scoring rules, prediction, and estimation,
equations 21 and 22; Pacchiardi et al. (2024), Probabilistic forecasting with generative networks
via scoring rule minimization, section 3, for generators trained by it.
"""

import torch
from jaxtyping import Float
from torch import Tensor

Paths = Float[Tensor, "horizon batch n_assets"]

HORIZONS = (1, 5, 10, 20, 40)  # steps over which returns are summed
SMOOTH = 1e-6  # under the root of a distance, so that equal paths have a slope


def energy_pulls(
    real: Paths,
    synthetic: Paths,
    twins: Paths,
    portfolios: Float[Tensor, "n_assets n_portfolios"],
) -> tuple[Float[Tensor, ""], Paths, Paths]:
    """The score of two paths a window, and its gradients by them.

    Args:
        real: Market paths, in units of their starting volatility.
        synthetic: One partner of each, from the same state; the gradient stops here.
        twins: Another, from noise of its own.
        portfolios: Long-short ones of unit variance.
    """
    ours, theirs = synthetic.detach().requires_grad_(), twins.detach().requires_grad_()
    horizons = [steps for steps in HORIZONS if steps <= len(real)]
    outcome, first, second = (_sums(paths, horizons) for paths in (real, ours, theirs))
    gaps = first - outcome, second - outcome, first - second
    alone = [torch.cat([gap, gap @ portfolios], dim=-1).abs().mean() for gap in gaps]
    size = real.shape[2] ** 0.5
    joint = [(gap.square().sum(-1) + SMOOTH).sqrt().mean() / size for gap in gaps]
    score = sum((one + other - apart) / 2 for one, other, apart in (alone, joint))
    assert isinstance(score, Tensor)
    own, other = torch.autograd.grad(score, (ours, theirs))
    return score.detach(), own, other


def _sums(paths: Paths, horizons: list[int]) -> Float[Tensor, "n_horizons batch n_assets"]:
    """Returns summed from the start, in units of the horizon's root."""
    total = paths.cumsum(0)
    return torch.stack([total[steps - 1] / steps**0.5 for steps in horizons])
