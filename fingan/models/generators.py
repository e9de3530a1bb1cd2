"""What every generator is, and the default of them: noise to innovations to returns.

Innovations take a direct route, Gaussian values correlated as the market's own and mapped to each
asset's own tails, which a causal network scales; the scale depends on the same noise, and so makes
skew, tail dependence, leverage and the volatility of volatility. A GJR-GARCH recursion whose
coefficients are trained with the network turns innovations into returns. At initialisation the
network is silent: the generator is a Gaussian-copula GJR model, and training moves away from it
only where the critic sees a difference. The network scales and never adds, so that conditional
means, of which one history says little, can arise only where scale and direction share noise.

Source: Wiese et al. (2020), Quant GANs, section 4 (volatility times innovation); Glosten,
Jagannathan & Runkle (1993) for the recursion; docs/method.md for the combination.
"""

from typing import Literal

import torch
from jaxtyping import Float
from pydantic import PositiveInt
from torch import Tensor, nn
from torch.nn import functional

from fingan.config import Config
from fingan.models.states import Today
from fingan.models.tails import MAX_H, tail_mean
from fingan.models.tcn import CausalNetwork, Memory
from fingan.volatility.filter import MAX_PERSISTENCE, VolatilityFilter
from fingan.volatility.recurrence import linear_recurrence

Noise = Float[Tensor, "horizon batch n_noise"]
State = Float[Tensor, "batch n_features"]
Innovations = Float[Tensor, "horizon batch n_assets"]
Variance = Float[Tensor, "batch n_assets"]

MAX_EXPONENT = 3.0  # an innovation is at most 20 times its Gaussian value: no path can explode


Family = Literal["filtered", "mlp", "tcn"]


class GeneratorConfig(Config):
    """The kind of generator, and the size of the default one."""

    family: Family = "filtered"
    """``filtered`` continues from today's volatility; ``mlp`` and ``tcn``, of the literature and
    in its sizes, know no today and no filter: they stand beside it for comparison."""

    width: PositiveInt = 24
    """Channels of the causal network."""

    dilations: tuple[PositiveInt, ...] = (1, 2, 4, 8)
    """Steps back of each layer; their sum is the memory beyond the volatility filter."""

    n_latent: PositiveInt = 4
    """Noise channels a step beside the assets' own: common shocks to volatility and shape."""


class InnovationGenerator(nn.Module):
    """Noise and market state to joint innovations of all assets, over any horizon.

        e = y exp(h y^2 / (2 s^2) + f(noise, state)) - E,    y = s L z

    L z is Gaussian with the market's correlation, s and h are the scale and the tail weight of an
    asset (h one number for falls and one for rises), f is the network, and E makes the mean 0.
    """

    cholesky: Tensor
    centre: Tensor

    def __init__(
        self,
        config: GeneratorConfig,
        cholesky: Float[Tensor, "n_assets n_assets"],
        tails: Float[Tensor, "3 n_assets"],
        n_features: int,
    ) -> None:
        super().__init__()
        n_assets = len(cholesky)
        self.n_assets, self.n_noise = n_assets, n_assets + config.n_latent
        self.register_buffer("cholesky", cholesky.float().contiguous())
        self.register_buffer("centre", torch.zeros(n_assets))
        scale, *h = tails.float()
        self.log_scale = nn.Parameter(scale.log())
        self.tail_weights = nn.Parameter(torch.stack(h))
        self.entry = nn.Linear(self.n_noise, config.width)
        self.state_entry = nn.Linear(n_features, config.width, bias=False)
        self.network = CausalNetwork(config.width, config.dilations)
        self.exit = nn.Linear(config.width, n_assets, bias=False)
        nn.init.zeros_(self.exit.weight)

    def forward(
        self, noise: Noise, state: State, memory: list[Memory] | None = None
    ) -> tuple[Innovations, list[Memory]]:
        """Innovations of a stretch of steps, and the memory to continue from."""
        hidden = self.entry(noise) + self.state_entry(state)
        hidden, memory = self.network(hidden, memory)

        scale, h = self.log_scale.exp(), self.tail_weights.clamp(0, MAX_H)
        route = noise.flatten(0, 1) @ self._route(scale)
        exponent = by_sign(route, *(h / (2 * scale.square()))).mul_(route)
        exponent = exponent.addmm_(hidden.flatten(0, 1), self.exit.weight.T)
        stretch = functional.hardtanh(exponent, -MAX_EXPONENT, MAX_EXPONENT).exp()
        innovations = torch.addcmul(-(self.centre + tail_mean(scale, *h)), route, stretch)
        return innovations.unflatten(0, noise.shape[:2]), memory

    @torch.no_grad()
    def recentre(self, noise: Noise, state: State) -> None:
        """Set the constants that give every asset's innovation the mean 0 over this noise."""
        self.centre.zero_()
        innovations, _ = self(noise, state)
        self.centre.copy_(innovations.mean((0, 1)))

    def _route(self, scale: Float[Tensor, " n_assets"]) -> Float[Tensor, "n_noise n_assets"]:
        """The direct route as one matrix: latent noise does not enter it."""
        return functional.pad(self.cholesky.T * scale, (0, 0, 0, self.n_noise - self.n_assets))


def by_sign(
    values: Float[Tensor, "*shape n_assets"],
    below: Float[Tensor, " n_assets"],
    above: Float[Tensor, " n_assets"],
) -> Float[Tensor, "*shape n_assets"]:
    """``below * values`` where negative, ``above * values`` where positive.

    Written without ``torch.where``, which is ten times slower on a CPU than what stands here.
    """
    return torch.addcmul(below * values, above - below, values.relu())


class VolatilityRecursion(nn.Module):
    """The GJR-GARCH recursion run forward on generated innovations, trained with the network.

    The coefficients are kept as logits, so that none is negative and persistence stays below 1.
    """

    def __init__(self, fitted: VolatilityFilter) -> None:
        super().__init__()
        persistence = fitted.persistence.clamp(1e-4, MAX_PERSISTENCE - 1e-5)
        rise, fall = fitted.alpha / 2, (fitted.alpha + fitted.gamma) / 2
        shares = torch.stack([rise, fall, fitted.beta]).clamp(min=1e-5).log()
        self.log_omega = nn.Parameter(fitted.omega.clamp(min=1e-12).log().float())
        self.persistence_logit = nn.Parameter(torch.logit(persistence / MAX_PERSISTENCE).float())
        self.share_logits = nn.Parameter(shares.float())

    def coefficients(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(omega, alpha, alpha + gamma, beta), each per asset."""
        persistence = MAX_PERSISTENCE * self.persistence_logit.sigmoid()
        rise, fall, beta = persistence * self.share_logits.softmax(0)
        return self.log_omega.exp(), 2 * rise, 2 * fall, beta

    def forward(self, innovations: Innovations, variance: Variance) -> tuple[Innovations, Variance]:
        """Returns of a stretch of steps, and the variance of the step after it."""
        omega, rise, fall, beta = self.coefficients()
        multiplier = torch.addcmul(beta, by_sign(innovations, fall, rise), innovations)
        variances = linear_recurrence(multiplier, omega.expand_as(multiplier), variance)
        return innovations * variances[:-1].sqrt(), variances[-1]


class MarketGenerator(nn.Module):
    """Noise, and where paths begin, to scaled returns of all assets: a member of any family."""

    n_noise: int
    """Normals per path and step."""

    def forward(
        self, noise: Noise, today: Today, memory: list[Memory] | None = None
    ) -> tuple[Innovations, Today, list[Memory]]:
        """Scaled returns of a stretch, then where paths go on, and their memory.

        Stretches equal one pass, and returns up to a step know no noise after it.
        """
        raise NotImplementedError

    def recentre(self, noise: Noise, today: Today) -> None:
        """Take off the mean that training left in what the noise becomes, over this noise."""
        raise NotImplementedError


class FilteredGenerator(MarketGenerator):
    """Innovations, and the recursion that turns them into returns."""

    def __init__(self, innovations: InnovationGenerator, volatility: VolatilityRecursion) -> None:
        super().__init__()
        self.innovations = innovations
        self.volatility = volatility
        self.n_noise = innovations.n_noise

    def forward(
        self, noise: Noise, today: Today, memory: list[Memory] | None = None
    ) -> tuple[Innovations, Today, list[Memory]]:
        """Scaled returns of a stretch, then where paths go on, and their memory.

        The state stays what it was at the first step: the memory knows the rest.
        """
        innovations, memory = self.innovations(noise, today.state, memory)
        returns, variance = self.volatility(innovations, today.variance)
        return returns, today._replace(variance=variance), memory

    def recentre(self, noise: Noise, today: Today) -> None:
        """Take the mean off every asset's innovation over this noise."""
        self.innovations.recentre(noise, today.state)
