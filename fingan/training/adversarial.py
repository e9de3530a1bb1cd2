"""One adversarial step: critic and generator move at once, from one pass through both.

The relativistic objective with R1 and R2 penalties, as simultaneous gradient descent: both
gradients are taken at the same weights. The generator's gradient is the gradient of the critic by
the synthetic paths, which the penalty needs anyway, so that the step costs one critic pass less
than the alternating one; with these penalties both are locally convergent.

Source: Huang et al. (2024), "The GAN is dead; long live the GAN!", sections 2.1-2.2; Mescheder,
Geiger & Nowozin (2018), Which training methods for GANs do actually converge?, section 4 and
appendix D for simultaneous updates. batch = windows on this worker.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from pydantic import Field, PositiveFloat
from torch import Tensor, nn, optim

from fingan.config import Config
from fingan.models.critics import MarketCritic
from fingan.models.generators import MarketGenerator
from fingan.models.states import Today
from fingan.training.objectives import critic_loss, generator_loss, penalties

Paths = Float[Tensor, "horizon batch n_assets"]

EPSILON = 1e-5


class AdversarialConfig(Config):
    """Rates and penalties."""

    learning_rate: PositiveFloat = 2e-4
    """Of both networks at the start; it falls to a fiftieth along a cosine."""

    gamma: PositiveFloat = 1.0
    """Weight of the penalties R1 and R2; larger is steadier and slower."""

    beta2: float = Field(default=0.99, gt=0, lt=1)
    """Decay of Adam's second moment; the first moment has none."""

    ema_decay: float = Field(default=0.998, gt=0, lt=1)
    """Decay of the average of the generator's weights that is evaluated and published."""


@dataclass(frozen=True)
class Batch:
    """Windows of the market, each with the state from which its synthetic partner starts."""

    real: Paths
    """Market paths in units of their starting volatility; 0 where not observed."""
    observed: Paths | None
    """1 where the market path is observed, else 0; None when it is everywhere."""
    noise: Float[Tensor, "horizon batch n_noise"]
    today: Today
    portfolios: Float[Tensor, "n_assets n_portfolios"]


def synthetic_paths(generator: MarketGenerator, batch: Batch) -> Paths:
    """Partners of the market paths: same state, same days observed."""
    returns, _, _ = generator(batch.noise, batch.today)
    paths: Tensor = returns / batch.today.variance.sqrt()
    return paths if batch.observed is None else paths * batch.observed


def adversarial_gradients(
    generator: MarketGenerator, critic: MarketCritic, batch: Batch, gamma: float
) -> dict[str, Float[Tensor, ""]]:
    """Leave the gradients of one step in both networks; return the terms of the objective."""
    synthetic = synthetic_paths(generator, batch)
    paths = torch.cat([batch.real, synthetic.detach()], dim=1).requires_grad_()
    scores = critic(paths, batch.today.state.repeat(2, 1), batch.portfolios)
    real_scores, synthetic_scores = scores.chunk(2)

    (gradient,) = torch.autograd.grad(scores.sum(), paths, create_graph=True)
    r1, r2 = penalties(gradient)
    d_loss = critic_loss(real_scores, synthetic_scores)
    g_loss = generator_loss(real_scores.detach(), synthetic_scores.detach())

    (d_loss + gamma / 2 * (r1 + r2)).backward()
    pull = -torch.sigmoid(real_scores - synthetic_scores) / len(real_scores)
    synthetic.backward((gradient.chunk(2, dim=1)[1] * pull.unsqueeze(-1)).detach())
    return {
        "critic_loss": d_loss.detach(),
        "generator_loss": g_loss.detach(),
        "r1": r1.detach(),
        "r2": r2.detach(),
    }


def make_optimizer(module: nn.Module, config: AdversarialConfig) -> optim.Adam:
    """Adam without first moment, as R3GAN; fused, since a loop over tensors costs a third.

    ``EPSILON`` stands above the rounding of a gradient: without first moment Adam would turn the
    sign of a rounding error into a whole step, and two workers would not learn as one.
    """
    betas, rate = (0.0, config.beta2), config.learning_rate
    return optim.Adam(module.parameters(), lr=rate, betas=betas, eps=EPSILON, fused=True)


def set_learning_rate(optimizers: Iterable[optim.Adam], rate: float) -> None:
    """Give all optimizers the rate of this step."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate


def cosine_rate(start: float, step: int, steps: int) -> float:
    """From ``start`` to a fiftieth of it along half a cosine."""
    return start * max(0.02, (1 + math.cos(math.pi * step / steps)) / 2)


@torch.no_grad()
def update_average(average: nn.Module, module: nn.Module, decay: float, step: int) -> None:
    """Move the exponential average of the weights; a short memory while training is young."""
    share = 1 - min(decay, (1 + step) / (10 + step))
    torch._foreach_lerp_(list(average.parameters()), list(module.parameters()), share)
