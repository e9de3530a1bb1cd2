"""The filter-then-generate market generator: noise to innovations to returns.

Innovations take a direct route, Gaussian values correlated as the market's own and mapped to each
asset's own tails, which a causal network scales; the scale depends on the same noise, and so makes
skew, tail dependence, leverage and the volatility of volatility. A GJR-GARCH recursion whose
coefficients are trained with the network turns innovations into returns. At initialisation the
network is silent: the generator is a Gaussian-copula GJR model, and training moves away from it
only where the critic sees a difference. The network has no way to shift a mean: what one history
says of conditional means is luck.

Source: Wiese et al. (2020), Quant GANs, section 4 (volatility times innovation); Glosten,
Jagannathan & Runkle (1993) for the recursion; docs/method.md for the combination.
"""

import math

import torch
from jaxtyping import Float
from pydantic import PositiveInt
from torch import Tensor, nn

from fingan.config import Config
from fingan.models.tails import TailMap
from fingan.models.tcn import CausalNetwork, Memory
from fingan.volatility.filter import MAX_PERSISTENCE, VolatilityFilter
from fingan.volatility.recurrence import linear_recurrence

Noise = Float[Tensor, "horizon batch n_noise"]
State = Float[Tensor, "batch n_features"]
Innovations = Float[Tensor, "horizon batch n_assets"]
Variance = Float[Tensor, "batch n_assets"]

MAX_SCALE = 4.0  # the most by which the network stretches an innovation; no path can explode


class GeneratorConfig(Config):
    """The size of the generator."""

    width: PositiveInt = 24
    """Channels of the causal network."""

    dilations: tuple[PositiveInt, ...] = (1, 2, 4, 8)
    """Steps back of each layer; their sum is the memory beyond the volatility filter."""

    n_latent: PositiveInt = 4
    """Noise channels a step beside the assets' own: common shocks to volatility and shape."""


class InnovationGenerator(nn.Module):
    """Noise and market state to joint innovations of all assets, over any horizon."""

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
        self.register_buffer("cholesky", cholesky.float())
        self.register_buffer("centre", torch.zeros(n_assets))
        self.tails = TailMap(tails)
        self.entry = nn.Linear(self.n_noise, config.width)
        self.state_entry = nn.Linear(n_features, config.width, bias=False)
        self.network = CausalNetwork(config.width, config.dilations)
        self.exit = nn.Linear(config.width, n_assets)
        nn.init.zeros_(self.exit.weight)
        nn.init.constant_(self.exit.bias, -math.log(MAX_SCALE - 1))  # a scale of 1

    def forward(
        self, noise: Noise, state: State, memory: list[Memory] | None = None
    ) -> tuple[Innovations, list[Memory]]:
        """Innovations of a stretch of steps, and the memory to continue from."""
        direct = self.tails(noise[..., : self.n_assets] @ self.cholesky.T)
        hidden = self.entry(noise) + self.state_entry(state)
        hidden, memory = self.network(hidden, memory)
        share = self.exit(hidden).sigmoid_()
        return torch.addcmul(-self.centre, direct, share, value=MAX_SCALE), memory

    @torch.no_grad()
    def recentre(self, noise: Noise, state: State) -> None:
        """Set the constants that give every asset's innovation the mean 0 over this noise."""
        self.centre.zero_()
        innovations, _ = self(noise, state)
        self.centre.copy_(innovations.mean((0, 1)))


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
        news = torch.where(innovations < 0, fall, rise)
        multiplier = torch.addcmul(beta, news, innovations.square())
        variances = linear_recurrence(multiplier, omega.expand_as(multiplier), variance)
        return innovations * variances[:-1].sqrt(), variances[-1]


class MarketGenerator(nn.Module):
    """Noise, today's variances and market state to scaled returns of all assets."""

    def __init__(self, innovations: InnovationGenerator, volatility: VolatilityRecursion) -> None:
        super().__init__()
        self.innovations = innovations
        self.volatility = volatility

    def forward(
        self,
        noise: Noise,
        variance: Variance,
        state: State,
        memory: list[Memory] | None = None,
    ) -> tuple[Innovations, Variance, list[Memory]]:
        """Scaled returns of a stretch, then the variance and memory with which paths go on."""
        innovations, memory = self.innovations(noise, state, memory)
        returns, variance = self.volatility(innovations, variance)
        return returns, variance, memory
