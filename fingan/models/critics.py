"""Critics on what users look at: joint paths, aggregated returns, portfolios.

All three see returns in units of the volatility at the start of the path, through two smooth
channels, the sign (bounded) and the size (logarithmic), so that one extreme day moves a score but
does not own it. Their scores add up to one unbounded number per path.

Source: Arjovsky et al. (2017) for the word critic; Cont et al. (2022), Tail-GAN, section 3, for
scoring portfolios; Huang et al. (2024), R3GAN, for networks without normalisation layers.
"""

from typing import Any

import torch
from jaxtyping import Float
from pydantic import PositiveInt
from torch import Tensor, nn
from torch.nn.functional import leaky_relu
from torch.nn.utils.parametrizations import spectral_norm

from fingan.config import Config
from fingan.models.precision import widened

Paths = Float[Tensor, "horizon batch n_assets"]  # in units of the starting volatility
State = Float[Tensor, "batch n_features"]
Weights = Float[Tensor, "n_assets n_portfolios"]
Scores = Float[Tensor, " batch"]
Features = Float[Tensor, "batch n_last"]  # of the last hidden layer

SLOPE = 0.2
SOFT = 3.0  # standard deviations at which the sign channel bends


class CriticConfig(Config):
    """The size of the critics."""

    width: PositiveInt = 48
    """Hidden units of the joint and the portfolio critic."""

    directions: PositiveInt = 12
    """Learnt portfolios to which the joint critic reduces the assets of one day."""

    patch: PositiveInt = 8
    """Days that the joint critic reads at once."""

    n_patches: PositiveInt = 4
    """Patches that the joint critic reads, from the start of the path."""

    n_portfolios: PositiveInt = 6
    """Long-short portfolios a step, half of them random, half eigenportfolios."""

    aggregates: tuple[PositiveInt, ...] = (5, 20)
    """Horizons in steps over which returns are summed and compared jointly."""

    aggregate_width: PositiveInt = 32
    """Hidden units of the critics on aggregated returns."""


class _PullBack(torch.autograd.Function):
    """Gradient of ``sign_and_size``, itself differentiable once more."""

    @staticmethod
    def forward(
        ctx: Any, gradient: Tensor, values: Tensor, sign_slope: Tensor, size_slope: Tensor
    ) -> Tensor:
        ctx.save_for_backward(gradient, values, sign_slope, size_slope)
        sign, size = gradient.chunk(2, dim=-1)
        return (sign * sign_slope).addcmul_(size, size_slope)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor | None, None, None]:
        pulled, values, sign_slope, size_slope = ctx.saved_tensors
        (gradient,) = gradients
        through = torch.cat([gradient * sign_slope, gradient * size_slope], dim=-1)
        if not ctx.needs_input_grad[1]:
            return through, None, None, None
        sign, size = pulled.chunk(2, dim=-1)
        square = values.square()
        bent = sign * sign_slope * values * (-3 / (SOFT**2 + square))
        bent += size * (2 * (1 - square) / (1 + square).square())
        return through, bent * gradient, None, None


class _SignAndSize(torch.autograd.Function):
    """See ``sign_and_size``."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, learnt: bool) -> Tensor:
        n = values.shape[-1]
        channels = values.new_empty((*values.shape[:-1], 2 * n))
        square = values.square()
        bend = torch.rsqrt(1 + square / SOFT**2)
        torch.mul(values, bend, out=channels[..., :n])
        torch.log1p(square, out=channels[..., n:])
        if ctx.needs_input_grad[0]:
            ctx.learnt = learnt
            ctx.save_for_backward(values, bend * bend * bend, 2 * values / (1 + square))
        return channels

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        values, *slopes = ctx.saved_tensors
        values = values if ctx.learnt else values.detach()
        pulled: Tensor = _PullBack.apply(gradients[0], values, *slopes)  # type: ignore[no-untyped-call]
        return pulled, None


def sign_and_size(
    values: Float[Tensor, "*shape n"], *, learnt: bool = False
) -> Float[Tensor, "*shape m"]:
    """Two smooth channels a value: its bounded sign, and the log of its size.

    Args:
        values: Returns of assets or portfolios, in units of their volatility.
        learnt: Whether the values depend on the critic's parameters. A gradient penalty
            differentiates the critic's gradient by them, and never by the paths: where no
            parameter stands before the channels, their slopes are constants to it, the penalty is
            exact all the same, and costs a third.
    """
    channels: Tensor = _SignAndSize.apply(widened(values), learnt)  # type: ignore[no-untyped-call]
    return channels


class JointCritic(nn.Module):
    """Joint paths: learnt portfolios of all assets, read in patches of days."""

    def __init__(self, config: CriticConfig, n_assets: int, n_features: int) -> None:
        super().__init__()
        self.patch, self.n_patches = config.patch, config.n_patches
        n_directions = min(config.directions, n_assets)
        self.direction = nn.Linear(n_assets, n_directions, bias=False)
        self.stretch = nn.Linear(2 * config.patch * n_directions, config.width)
        self.whole = nn.Linear(config.n_patches * config.width + n_features, config.width)
        self.score = nn.Linear(config.width, 1, bias=False)

    def forward(self, paths: Paths, state: State) -> Scores:
        """Score the first ``patch * n_patches`` days of each path."""
        return self.score(self.features(paths, state)).squeeze(-1)

    def features(self, paths: Paths, state: State) -> Features:
        """What the score is made of."""
        days = self.direction(paths[: self.patch * self.n_patches])
        patches = days.unflatten(0, (self.n_patches, self.patch)).permute(2, 0, 1, 3).flatten(2)
        stretch = leaky_relu(self.stretch(sign_and_size(patches, learnt=True)), SLOPE)
        return leaky_relu(self.whole(torch.cat([stretch.flatten(1), state], dim=1)), SLOPE)


class PortfolioCritic(nn.Module):
    """Paths of single portfolios, all judged by one network: marginals, clustering, leverage."""

    def __init__(self, config: CriticConfig, n_features: int, horizon: int) -> None:
        super().__init__()
        self.path = nn.Linear(2 * horizon, config.width)
        self.state = nn.Linear(n_features, config.width, bias=False)
        self.middle = nn.Linear(config.width, config.width // 2)
        self.score = nn.Linear(config.width // 2, 1, bias=False)

    def forward(self, paths: Paths, state: State, weights: Weights) -> Scores:
        """Score each path by the mean over its portfolios."""
        return self.score(self._of_each(paths, state, weights)).squeeze(-1).mean(1)

    def features(self, paths: Paths, state: State, weights: Weights) -> Features:
        """What the score is made of, the mean over portfolios."""
        return self._of_each(paths, state, weights).mean(1)

    def _of_each(
        self, paths: Paths, state: State, weights: Weights
    ) -> Float[Tensor, "batch n_portfolios n_last"]:
        portfolios = (paths @ weights).permute(1, 2, 0)
        hidden = self.path(sign_and_size(portfolios)) + self.state(state).unsqueeze(1)
        return leaky_relu(self.middle(leaky_relu(hidden, SLOPE)), SLOPE)


class AggregateCritic(nn.Module):
    """Joint returns summed over several days, one stretch after another."""

    def __init__(self, config: CriticConfig, n_assets: int, n_features: int, n_steps: int) -> None:
        super().__init__()
        self.n_steps = n_steps
        width = config.aggregate_width
        self.joint = nn.Linear(2 * n_assets, width)
        self.state = nn.Linear(n_features, width, bias=False)
        self.middle = nn.Linear(width, width // 2)
        self.score = nn.Linear(width // 2, 1, bias=False)

    def forward(self, paths: Paths, state: State) -> Scores:
        """Score each path by the mean over its stretches."""
        return self.score(self._of_each(paths, state)).squeeze(-1).mean(0)

    def features(self, paths: Paths, state: State) -> Features:
        """What the score is made of, the mean over stretches."""
        return self._of_each(paths, state).mean(0)

    def _of_each(self, paths: Paths, state: State) -> Float[Tensor, "n_stretches batch n_last"]:
        n_stretches = len(paths) // self.n_steps
        stretches = paths[: n_stretches * self.n_steps].unflatten(0, (n_stretches, self.n_steps))
        sums = stretches.sum(1) / self.n_steps**0.5
        hidden = leaky_relu(self.joint(sign_and_size(sums)) + self.state(state), SLOPE)
        return leaky_relu(self.middle(hidden), SLOPE)


class MarketCritic(nn.Module):
    """The sum of the critics on paths, portfolios and aggregated returns."""

    def __init__(self, config: CriticConfig, n_assets: int, n_features: int, horizon: int) -> None:
        super().__init__()
        self.joint = JointCritic(config, n_assets, n_features)
        self.portfolio = PortfolioCritic(config, n_features, horizon)
        self.aggregates = nn.ModuleList(
            AggregateCritic(config, n_assets, n_features, n_steps)
            for n_steps in config.aggregates
            if n_steps <= horizon
        )

    def forward(self, paths: Paths, state: State, weights: Weights) -> Scores:
        """Score paths; higher is more like the market."""
        scores: Tensor = self.joint(paths, state) + self.portfolio(paths, state, weights)
        for aggregate in self.aggregates:
            scores = scores + aggregate(paths, state)
        return scores

    def features(self, paths: Paths, state: State, weights: Weights) -> Features:
        """What the scores of all critics are made of, side by side."""
        found = [self.joint.features(paths, state), self.portfolio.features(paths, state, weights)]
        for aggregate in self.aggregates:
            assert isinstance(aggregate, AggregateCritic)
            found.append(aggregate.features(paths, state))
        return torch.cat(found, dim=1)

    def normalise_spectrally(self) -> None:
        """Hold the largest singular value of every layer's weights at 1.

        Source: Miyato et al. (2018), Spectral normalization for generative adversarial networks,
            section 2.1: one power iteration a pass.
        """
        for layer in [module for module in self.modules() if isinstance(module, nn.Linear)]:
            spectral_norm(layer)
