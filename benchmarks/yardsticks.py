"""Networks of the published sizes of two well-known rivals, to measure their speed.

They learn nothing here: one step is one update of the critic and one of the generator on a batch
of windows, with the losses of their papers; windows are random, which costs the same.

Source: Wiese et al. (2020), Quant GANs, section 6 and appendix B: temporal convolutions of 80
channels, one block of kernel 1, six of kernel 2 with dilations 1 to 32; Lin et al. (2020), Using
GANs for sharing networked time series data (DoppelGANger), appendix B, in the sizes of
gretel-synthetics: LSTM of 100 units, attribute network 3 x 100, critics 5 x 200, weight 10 of the
penalty on interpolated paths, each path scaled by its own middle and half range.
"""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn, optim
from torch.nn.functional import pad, softplus

Paths = Float[Tensor, "batch horizon n_assets"]
Channels = Float[Tensor, "batch channels horizon"]

WIDTH, DILATIONS, N_NOISE = 80, (1, 2, 4, 8, 16, 32), 3
UNITS, NOISE, ATTRIBUTE_LAYERS, CRITIC_UNITS, CRITIC_LAYERS = 100, 10, 3, 200, 5
PENALTY = 10.0


class TemporalBlock(nn.Module):
    """Two causal convolutions with PReLU; gives the block's output and its skip."""

    def __init__(self, n_inputs: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.reach = (kernel - 1) * dilation
        self.first = nn.Conv1d(n_inputs, WIDTH, kernel, dilation=dilation)
        self.second = nn.Conv1d(WIDTH, WIDTH, kernel, dilation=dilation)
        self.bends = nn.ModuleList([nn.PReLU(), nn.PReLU()])
        self.shortcut = nn.Conv1d(n_inputs, WIDTH, 1) if n_inputs != WIDTH else nn.Identity()
        self.skip = nn.Conv1d(WIDTH, WIDTH, 1)

    def forward(self, values: Channels) -> tuple[Channels, Channels]:
        """Channels for the next block, and those that skip to the end."""
        hidden = self.bends[0](self.first(pad(values, (self.reach, 0))))
        hidden = self.bends[1](self.second(pad(hidden, (self.reach, 0))))
        return hidden + self.shortcut(values), self.skip(hidden)


class TemporalNetwork(nn.Module):
    """The temporal convolution network of Quant GANs, for generator and critic alike."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([TemporalBlock(n_inputs, 1, 1)])
        self.blocks.extend(TemporalBlock(WIDTH, 2, dilation) for dilation in DILATIONS)
        self.exit = nn.Conv1d(WIDTH, n_outputs, 1)

    def forward(self, values: Channels) -> Channels:
        """Every block's skip, added up."""
        total: Tensor | float = 0.0
        for block in self.blocks:
            values, skip = block(values)
            total = total + skip
        return self.exit(total)


class QuantGan:
    """Quant GANs at their published size, without spectral or batch normalisation."""

    def __init__(self, n_assets: int) -> None:
        self.generator = TemporalNetwork(N_NOISE, n_assets)
        self.critic = TemporalNetwork(n_assets, 1)
        self.optimizers = (_adam(self.generator.parameters()), _adam(self.critic.parameters()))

    def draw(self, n_paths: int, horizon: int) -> Paths:
        """Generated paths."""
        paths: Tensor = self.generator(torch.randn(n_paths, N_NOISE, horizon)).transpose(1, 2)
        return paths

    def step(self, real: Paths) -> None:
        """One update of the critic and one of the generator: cross-entropy, no penalty."""
        for_generator, for_critic = self.optimizers
        with torch.no_grad():
            synthetic = self.draw(len(real), real.shape[1])
        loss = softplus(-self._score(real)).mean() + softplus(self._score(synthetic)).mean()
        _update(for_critic, loss)
        _update(for_generator, softplus(-self._score(self.draw(len(real), real.shape[1]))).mean())

    def _score(self, paths: Paths) -> Tensor:
        return self.critic(paths.transpose(1, 2))[..., -1]


class DoppelGanger:
    """A generator and critics of DoppelGANger's kind, in gretel's default sizes.

    Args:
        n_assets: Assets.
        horizon: Steps of a path, for the critic.
        sample_len: Steps that one cell of the LSTM emits.
    """

    def __init__(self, n_assets: int, horizon: int, sample_len: int) -> None:
        self.n_assets, self.sample_len = n_assets, sample_len
        n_attributes = 2 * n_assets  # middle and half range of each asset's path
        self.attributes = _perceptron(NOISE, UNITS, ATTRIBUTE_LAYERS, n_attributes, norm=True)
        self.memory = nn.LSTM(n_attributes + NOISE, UNITS, batch_first=True)
        self.exit = nn.Linear(UNITS, sample_len * n_assets)
        n_values = horizon * n_assets + n_attributes
        self.critic = _perceptron(n_values, CRITIC_UNITS, CRITIC_LAYERS, 1)
        self.attribute_critic = _perceptron(n_attributes, CRITIC_UNITS, CRITIC_LAYERS, 1)
        generators = [self.attributes, self.memory, self.exit]
        critics = [self.critic, self.attribute_critic]
        self.optimizers = (
            _adam(p for module in generators for p in module.parameters()),
            _adam(p for module in critics for p in module.parameters()),
        )

    def draw(self, n_paths: int, horizon: int) -> Paths:
        """Generated paths, each brought back to its own range."""
        attributes, values = self._draw(n_paths, horizon)
        middle, half = attributes.unsqueeze(1).chunk(2, dim=-1)
        return torch.addcmul(middle, values, half)

    def step(self, real: Paths) -> None:
        """One update of the critics and one of the generator: Wasserstein loss with penalty."""
        for_generator, for_critics = self.optimizers
        size = real.shape[:2]
        low, high = real.amin(1), real.amax(1)
        scaled = (real - low.unsqueeze(1)) / (high - low).unsqueeze(1)
        market = torch.cat([low + high, high - low], dim=1) / 2, scaled
        with torch.no_grad():
            synthetic = self._draw(*size)
        losses = [
            critic(fake).mean() - critic(true).mean() + PENALTY * _penalty(critic, true, fake)
            for critic, true, fake in self._judged(market, synthetic)
        ]
        _update(for_critics, torch.stack(losses).sum())
        fresh = self._draw(*size)
        scores = [critic(fake).mean() for critic, _, fake in self._judged(market, fresh)]
        _update(for_generator, -torch.stack(scores).sum())

    def _draw(self, n_paths: int, horizon: int) -> tuple[Tensor, Paths]:
        """Attributes, and paths scaled to 0..1."""
        n_cells = -(-horizon // self.sample_len)
        attributes = self.attributes(torch.randn(n_paths, NOISE)).sigmoid()
        known = attributes.detach().unsqueeze(1).expand(-1, n_cells, -1)
        entry = torch.cat([known, torch.randn(n_paths, n_cells, NOISE)], dim=2)
        values = self.exit(self.memory(entry)[0]).sigmoid()
        return attributes, values.reshape(n_paths, -1, self.n_assets)[:, :horizon]

    def _judged(
        self, real: tuple[Tensor, Paths], synthetic: tuple[Tensor, Paths]
    ) -> list[tuple[nn.Module, Tensor, Tensor]]:
        whole = [torch.cat([pair[0], pair[1].flatten(1)], dim=1) for pair in (real, synthetic)]
        return [
            (self.critic, whole[0], whole[1]),
            (self.attribute_critic, real[0], synthetic[0]),
        ]


def _penalty(critic: nn.Module, real: Tensor, synthetic: Tensor) -> Tensor:
    share = torch.rand(len(real), 1)
    between = torch.lerp(real, synthetic, share).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (gradient.norm(dim=1) - 1).square().mean()


def _perceptron(
    n_inputs: int, units: int, n_layers: int, n_outputs: int, *, norm: bool = False
) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in [n_inputs, *[units] * (n_layers - 1)]:
        layers += [nn.Linear(width, units), nn.ReLU(), *([nn.BatchNorm1d(units)] * norm)]
    return nn.Sequential(*layers, nn.Linear(units, n_outputs))


def _adam(parameters: Iterable[nn.Parameter]) -> optim.Adam:
    return optim.Adam(parameters, lr=1e-3, betas=(0.5, 0.999), fused=True)


def _update(optimizer: optim.Adam, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
