"""What every generator is, and the default of them: noise to innovations to returns.

Innovations take a direct route: scores with the market's correlation, whose leading modes have
variances that move and shocks of their own law, mapped to each asset's law. A causal network
stretches them; the stretch depends on the same noise, and so makes skew, tail dependence, and
volatility of volatility. The filter's recursions turn innovations into returns. At initialisation
the network is silent: the generator is the filter run forward, a parametric model, and training
moves away from it only where the critic sees a difference. The network stretches and never adds, so
that conditional means, of which one history says little, can arise only where stretch and direction
share noise.

Source: Wiese et al. (2020), Quant GANs, section 4 (volatility times innovation);
``fingan.volatility.component`` and ``fingan.volatility.modes`` for the recursions; docs/method.md
for the combination.
"""

from abc import ABC, abstractmethod
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import PositiveInt
from torch import Tensor, nn
from torch.nn import functional

from fingan.config import Config
from fingan.models.margins import MarginMap
from fingan.models.market_filter import MarketFilter
from fingan.models.precision import full_precision, widened
from fingan.models.states import Today
from fingan.models.tcn import CausalNetwork, Memory
from fingan.volatility import component, modes
from fingan.volatility.component import ComponentFilter, variance_of
from fingan.volatility.recurrence import linear_recurrence

Noise = Float[Tensor, "horizon batch n_noise"]
State = Float[Tensor, "batch n_features"]
Innovations = Float[Tensor, "horizon batch n_assets"]
Modes = Float[Tensor, "batch n_modes"]

MAX_EXPONENT = 2.0  # an innovation is at most 7.4 times its parametric value: no path can explode

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


class ShockRoute(nn.Module):
    """Noise to innovations of the parametric model: correlated, each asset's own law."""

    root: Tensor
    shares: Tensor
    alpha: Tensor
    beta: Tensor

    def __init__(self, law: MarketFilter) -> None:
        super().__init__()
        root, n_modes = law.modes.root, len(law.modes.alpha)
        for name, tensor in (
            ("root", root.T),
            ("shares", root[:, :n_modes].square().T),
            ("alpha", law.modes.alpha),
            ("beta", law.modes.beta),
        ):
            self.register_buffer(name, tensor.float().contiguous(), persistent=False)
        self.margins, self.shocks = MarginMap(law.margins), MarginMap(law.shocks)

    @torch.no_grad()
    def forward(self, noise: Noise, variances: Modes) -> tuple[Innovations, Modes]:
        """Innovations of a stretch of steps, and the modes' variances after it.

        Nothing here is trained, and the noise needs no gradient.
        """
        n_assets, n_modes = len(self.root), len(self.alpha)
        normals = noise[..., :n_assets].flatten(0, 1)
        scores = normals[:, n_modes:] @ self.root[n_modes:]
        if n_modes > 0:
            moves = self.shocks(noise[..., :n_modes])
            news = moves.clamp(-modes.MAX_NEWS, modes.MAX_NEWS)
            gains = torch.addcmul(self.beta, news * self.alpha, news)
            rest = (1 - self.alpha - self.beta).expand_as(gains)
            path = linear_recurrence(gains, rest, variances).clamp(modes.SMALLEST, modes.LARGEST)
            variances, now = path[-1], path[:-1].flatten(0, 1)
            scores.addmm_(moves.flatten(0, 1) * now.sqrt(), self.root[:n_modes])
            scores.mul_(torch.addmm(scores.new_ones(()), now - 1, self.shares).rsqrt_())
        innovations: Tensor = self.margins(scores)
        return innovations.unflatten(0, noise.shape[:2]), variances


class InnovationGenerator(nn.Module):
    """Noise and market state to joint innovations of all assets, over any horizon.

        e = T(y) exp(f(noise, state)) - E

    y are correlated normal scores and T each asset's law (``ShockRoute``), f is the network, and E
    takes off the mean that the stretch brings in; 0 for a silent network.
    """

    centre: Tensor

    def __init__(self, config: GeneratorConfig, law: MarketFilter, n_features: int) -> None:
        super().__init__()
        n_assets = law.n_assets
        self.n_noise = n_assets + config.n_latent
        self.route = ShockRoute(law)
        self.register_buffer("centre", torch.zeros(n_assets))
        self.entry = nn.Linear(self.n_noise, config.width)
        self.state_entry = nn.Linear(n_features, config.width, bias=False)
        self.network = CausalNetwork(config.width, config.dilations)
        self.exit = nn.Linear(config.width, n_assets)
        nn.init.zeros_(self.exit.weight)
        nn.init.zeros_(self.exit.bias)

    def forward(
        self, noise: Noise, today: Today, memory: list[Memory] | None = None
    ) -> tuple[Innovations, Modes, list[Memory]]:
        """Innovations of a stretch of steps, then modes and memory to continue from."""
        with full_precision(noise):
            shocks, variances = self.route(noise, today.modes)
        hidden = self.entry(noise) + self.state_entry(today.state)
        hidden, memory = self.network(hidden, memory)
        exponent = widened(self.exit(hidden))
        stretch = functional.hardtanh(exponent, -MAX_EXPONENT, MAX_EXPONENT).exp()
        return torch.addcmul(-self.centre, shocks, stretch), variances, memory

    @torch.no_grad()
    def recentre(self, noise: Noise, today: Today) -> None:
        """Set the constants that take off the mean which the stretch brings in, over this noise.

        The shocks' own mean is 0 by their law: what this noise makes of it is left out, so that
        a silent network has no constants.
        """
        self.centre.zero_()
        innovations, _, _ = self(noise, today)
        with full_precision(noise):
            shocks, _ = self.route(noise, today.modes)
        self.centre.copy_((innovations - shocks).mean((0, 1)))


class VolatilityRecursion(nn.Module):
    """The filter's recursions run forward on generated innovations."""

    omega: Tensor
    alpha: Tensor
    beta: Tensor
    decay: Tensor
    own: Tensor
    peers: Tensor
    weights: Tensor
    sharing: Tensor

    def __init__(self, law: ComponentFilter) -> None:
        super().__init__()
        sharing = law.shared * law.likeness + torch.diag(1 - law.shared)  # squares to news
        tensors = {"sharing": sharing, **vars(law)}
        for name in ("omega", "alpha", "beta", "decay", "own", "peers", "weights", "sharing"):
            tensor = tensors[name].float().contiguous()
            self.register_buffer(name, tensor, persistent=False)

    def forward(self, innovations: Innovations, today: Today) -> tuple[Innovations, Today]:
        """Returns of a stretch of steps, and where the step after it begins."""
        news = innovations.clamp(-component.MAX_NEWS, component.MAX_NEWS)
        has_peers = len(self.omega) > 1
        squares = news.square() @ self.sharing if has_peers else news.square()
        gains = torch.addcmul(self.beta, self.alpha, squares)
        slow = linear_recurrence(gains, self.omega.expand_as(gains), today.slow)
        slow = slow.clamp(max=component.MAX_SLOW)
        pushes = self.own * news.unsqueeze(2)
        if has_peers:
            pushes = torch.addcmul(pushes, self.peers, (news @ self.weights).unsqueeze(2))
        leverage = linear_recurrence(self.decay.expand_as(pushes), pushes, today.leverage)
        variance = variance_of(slow, leverage)
        after = today._replace(variance=variance[-1], slow=slow[-1], leverage=leverage[-1])
        return innovations * variance[:-1].sqrt(), after


class MarketGenerator(nn.Module, ABC):
    """Noise, and where paths begin, to scaled returns of all assets: a member of any family."""

    n_noise: int
    """Normals per path and step."""

    @abstractmethod
    def forward(
        self, noise: Noise, today: Today, memory: list[Memory] | None = None
    ) -> tuple[Innovations, Today, list[Memory]]:
        """Scaled returns of a stretch, then where paths go on, and their memory.

        Returns up to a step know no noise after it; stretches equal one pass, but where volatility
        meets its bound.
        """

    @abstractmethod
    def recentre(self, noise: Noise, today: Today) -> None:
        """Take off the mean that training left in what the noise becomes, over this noise."""


class FilteredGenerator(MarketGenerator):
    """Innovations, and the recursion that turns them into returns."""

    def __init__(self, config: GeneratorConfig, law: MarketFilter, n_features: int) -> None:
        super().__init__()
        self.innovations = InnovationGenerator(config, law, n_features)
        self.volatility = VolatilityRecursion(law.volatility)
        self.n_noise = self.innovations.n_noise

    def forward(
        self, noise: Noise, today: Today, memory: list[Memory] | None = None
    ) -> tuple[Innovations, Today, list[Memory]]:
        """Scaled returns of a stretch, then where paths go on, and their memory.

        The state stays what it was at the first step: the memory knows the rest.
        """
        innovations, variances, memory = self.innovations(noise, today, memory)
        with full_precision(noise):
            returns, after = self.volatility(innovations, today)
        return returns, after._replace(modes=variances), memory

    def recentre(self, noise: Noise, today: Today) -> None:
        """Take the mean off every asset's innovation over this noise."""
        self.innovations.recentre(noise, today)
