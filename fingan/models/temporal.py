"""A causal convolution network from noise straight to scaled returns, without volatility filter.

Volatility clustering must come from the network's own memory of its noise, 63 steps with the
dilations given, and heavy tails from the map behind it: values of about unit variance to each
asset's own margins, fitted beforehand, where Quant GANs has the inverse Lambert-W transform.

It knows no market state: every path is one of an ordinary day of the training span. Where it
differs from Quant GANs: one dilated layer a block instead of two, leaky instead of parametric
rectifiers, no dependence over time before training, a path starts from an empty memory instead of
noise drawn before it, the critic sees returns with their tails, and the tails are the margins'.

Source: Wiese et al. (2020), Quant GANs: deep generation of financial time series, sections 3 and
6, for the network.
"""

import torch
from torch import Tensor, nn

from fingan.models.generators import Innovations, MarketGenerator, Noise
from fingan.models.margins import MarginMap, Margins
from fingan.models.states import Today
from fingan.models.tcn import CausalBlock, CausalNetwork, Memory

WIDTH, DILATIONS = 80, (1, 2, 4, 8, 16, 32)
COMMON = 2  # noise channels beside the assets' own: three in all for one asset
MAX_SCORE = 4.0  # no value of the network goes further into the margins' tails
N_TRIED = 4096  # steps by which the first scale is set


class TemporalGenerator(MarketGenerator):
    """Noise to scaled returns through a causal network and the assets' own margins."""

    centre: Tensor

    def __init__(self, margins: Margins) -> None:
        super().__init__()
        n_assets = len(margins.table.values)
        self.n_noise = n_assets + COMMON
        self.margins = MarginMap(margins)
        self.register_buffer("centre", torch.zeros(n_assets))
        self.entry = nn.Linear(self.n_noise, WIDTH)
        self.network = CausalNetwork(WIDTH, DILATIONS)
        self.exit = nn.Linear(WIDTH, n_assets)
        self._standardise()

    def forward(
        self, noise: Noise, today: Today, memory: list[Memory] | None = None
    ) -> tuple[Innovations, Today, list[Memory]]:
        """Scaled returns of a stretch, and the network's memory."""
        hidden, memory = self.network(self.entry(noise), memory)
        scores = self.exit(hidden).clamp(-MAX_SCORE, MAX_SCORE)
        return self.margins(scores) - self.centre, today, memory

    @torch.no_grad()
    def recentre(self, noise: Noise, today: Today) -> None:
        """Give every asset's return the mean 0 over this noise."""
        self.centre.zero_()
        returns, _, _ = self(noise, today)
        self.centre.copy_(returns.mean((0, 1)))

    @torch.no_grad()
    def _standardise(self) -> None:
        """Let values start independent over time, with the mean and variance the margins expect."""
        for block in self.network.blocks:
            assert isinstance(block, CausalBlock)
            block.past.weight.zero_()
        values = self.exit(self.network(self.entry(torch.randn(1, N_TRIED, self.n_noise)))[0])
        self.exit.weight /= values.std((0, 1)).unsqueeze(1)
        self.exit.bias.sub_(values.mean((0, 1))).div_(values.std((0, 1)))
