"""The plain MLP GAN: one vector of noise becomes one whole window of returns of all assets.

The layers are those of the first GANs for prices, 100 normals through 128, 128, 64 and 32 units;
there the last layer gave the returns of single days, so that a path of several days had no
dependence over time. Here it gives ``WINDOW`` days jointly. A longer path is windows drawn one
after another, independent of each other.

It knows no market state: every path is one of an ordinary day of the training span, whatever the
volatility today. Its tails are those of a Lipschitz map of Gaussian noise: all moments exist.

Source: Goodfellow et al. (2014), Generative adversarial nets, for fully connected networks; sizes
as in tutorials of GANs on stock returns; Wiese et al. (2020), Quant GANs, for the moments.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fingan.models.generators import Innovations, MarketGenerator, Noise
from fingan.models.states import Today
from fingan.models.tcn import Memory

N_NOISE, LAYERS = 100, (128, 128, 64, 32)
WINDOW = 64  # steps drawn at once
SLOPE = 0.2
N_TRIED = 4096  # windows by which the first scale is set


class MlpGenerator(MarketGenerator):
    """One vector of noise to one window; the memory is what is left of it."""

    centre: Tensor

    def __init__(self, n_assets: int) -> None:
        super().__init__()
        self.n_noise, self.n_assets = N_NOISE, n_assets
        layers: list[nn.Module] = []
        for before, after in zip((N_NOISE, *LAYERS), LAYERS, strict=False):
            layers += [nn.Linear(before, after), nn.LeakyReLU(SLOPE)]
        self.hidden = nn.Sequential(*layers)
        self.exit = nn.Linear(LAYERS[-1], WINDOW * n_assets)
        self.register_buffer("centre", torch.zeros(WINDOW, n_assets))
        self._standardise()

    def forward(
        self, noise: Noise, today: Today, memory: list[Memory] | None = None
    ) -> tuple[Innovations, Today, list[Memory]]:
        """Scaled returns of a stretch; only the noise of a window's first step has a say."""
        left = noise.new_empty(0, noise.shape[1], self.n_assets) if memory is None else memory[0]
        drawn = self.windows(noise[len(left) :: WINDOW])
        path = torch.cat([left, drawn.permute(0, 2, 1, 3).flatten(0, 1)])
        return path[: len(noise)], today, [path[len(noise) :]]

    def windows(
        self, noise: Float[Tensor, "n_windows batch n_noise"]
    ) -> Float[Tensor, "n_windows batch window n_assets"]:
        """One window for each vector of noise."""
        returns: Tensor = self.exit(self.hidden(noise)).unflatten(-1, (WINDOW, self.n_assets))
        return returns - self.centre

    @torch.no_grad()
    def recentre(self, noise: Noise, today: Today) -> None:
        """Give every day of the window the mean 0 over the noise of the first step."""
        self.centre.zero_()
        window, _, _ = self(noise[:1].expand(WINDOW, -1, -1), today)
        self.centre.copy_(window.mean(1))

    @torch.no_grad()
    def _standardise(self) -> None:
        """Let returns start with the mean and the variance of scaled ones."""
        returns = self.exit(self.hidden(torch.randn(N_TRIED, N_NOISE)))
        self.exit.weight /= returns.std(0).unsqueeze(1)
        self.exit.bias.sub_(returns.mean(0)).div_(returns.std(0))
