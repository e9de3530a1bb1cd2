"""One adversarial step: critic and generator move at once, from one pass through both.

By default the relativistic objective with R1 and R2 penalties, as simultaneous gradient descent:
both gradients are taken at the same weights. The generator's gradient is the gradient of the critic
by the synthetic paths, which the penalty needs anyway, so that the step costs one critic pass less
than the alternating one; with these penalties both are locally convergent. The other objectives go
the same way; where the critic moves more often than the generator, the generator waits.

Source: Huang et al. (2024), "The GAN is dead; long live the GAN!", sections 2.1-2.2; Mescheder,
Geiger & Nowozin (2018), Which training methods for GANs do actually converge?, section 4 and
appendix D for simultaneous updates. batch = windows on this worker.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor, nn, optim
from torch.nn.functional import pad

from fingan.config import Config
from fingan.models.critics import MarketCritic
from fingan.models.generators import MarketGenerator
from fingan.models.precision import widened
from fingan.models.states import Today
from fingan.training.energy import energy_pulls
from fingan.training.feature_matching import feature_pull
from fingan.training.objectives import (
    Objective,
    ObjectiveName,
    gradient_penalty,
    objective_of,
    penalties,
)

Paths = Float[Tensor, "horizon batch n_assets"]

EPSILON = 1e-5


class AdversarialConfig(Config):
    """The objective, its rates and penalties."""

    objective: ObjectiveName = "relativistic"
    """What critic and generator minimise. ``hinge`` normalises the critic's weights spectrally
    instead of penalising its gradient."""

    n_critic: PositiveInt | None = None
    """Steps of the critic for one of the generator; by default 5 for ``wasserstein-gp``, else 1."""

    energy: NonNegativeFloat = 10.0
    """Weight of the energy score in the generator's loss; 0 leaves the critic's word alone."""

    feature_matching: NonNegativeFloat = 0.0
    """Weight of the distance between the critic's mean features in the generator's loss."""

    learning_rate: PositiveFloat = 5e-4
    """Of both networks at the start; it falls to a fiftieth along a cosine."""

    gamma: PositiveFloat = 1.0
    """Weight of the penalties R1 and R2; larger is steadier and slower."""

    slope_penalty: PositiveFloat = 10.0
    """Weight of the gradient penalty of ``wasserstein-gp``."""

    precision: Literal["float32", "bfloat16", "float64"] = "float32"
    """Of training. ``bfloat16`` rounds the networks' products alone and is for GPUs; ``float64``
    is everything at twice the time, to compare runs beyond rounding. Weights are published in
    float32."""

    beta2: float = Field(default=0.99, gt=0, lt=1)
    """Decay of Adam's second moment; the first moment has none."""

    ema_decay: float = Field(default=0.998, gt=0, lt=1)
    """Decay of the average of the generator's weights that is evaluated and published."""

    @property
    def dtype(self) -> torch.dtype:
        """Of weights, optimizers and batches in training."""
        return torch.float64 if self.precision == "float64" else torch.float32

    def moves_generator(self, step: int) -> bool:
        """Whether the generator moves in a step, counted from 0."""
        usual = 5 if self.objective == "wasserstein-gp" else 1
        return (step + 1) % (self.n_critic or usual) == 0


@dataclass(frozen=True)
class Batch:
    """Windows of the market, each with the state from which its synthetic partner starts."""

    real: Paths
    """Market paths in units of their starting volatility; 0 where not observed."""
    observed: Float[Tensor, "n_steps batch n_assets"] | None
    """1 where the market path is observed, else 0; None when it is everywhere."""
    noise: Float[Tensor, "n_steps batch n_noise"]
    """For as many steps as synthetic paths shall have; what follows them is 0."""
    mixture: Float[Tensor, " batch"]
    """How far a path between the market's and its partner lies from the former, uniform."""
    today: Today
    portfolios: Float[Tensor, "n_assets n_portfolios"]
    twins: Float[Tensor, "n_steps batch n_noise"] | None
    """Noise of a second path from each state; None where no score asks for it."""


def synthetic_paths(generator: MarketGenerator, batch: Batch) -> Paths:
    """Partners of the market paths: same state, same days observed."""
    returns, _, _ = generator(batch.noise, batch.today)
    paths: Tensor = returns / batch.today.variance.sqrt()
    if batch.observed is not None:
        paths = paths * batch.observed
    n_absent = len(batch.real) - len(paths)
    return paths if n_absent == 0 else pad(paths, (0, 0, 0, 0, 0, n_absent))


def adversarial_gradients(
    generator: MarketGenerator,
    critic: MarketCritic,
    batch: Batch,
    config: AdversarialConfig,
    moves_generator: bool = True,
) -> dict[str, Float[Tensor, ""]]:
    """Leave the gradients of one step in the networks; return the terms of the objective."""
    objective = objective_of(config.objective)
    mixed = _mixed(batch, config)
    with mixed, torch.set_grad_enabled(moves_generator):
        synthetic = synthetic_paths(generator, batch)
    paths = _compared(batch, synthetic.detach(), objective)
    n_parts = paths.shape[1] // batch.real.shape[1]
    with mixed:
        scores = widened(critic(paths, batch.today.state.repeat(n_parts, 1), batch.portfolios))
    real_scores, synthetic_scores, *_ = scores.chunk(n_parts)

    slopes = objective.penalised != "nowhere"
    (gradient,) = torch.autograd.grad(scores.sum(), paths, create_graph=slopes, retain_graph=True)
    parts = gradient.chunk(n_parts, dim=1)
    d_loss = objective.critic_loss(real_scores, synthetic_scores)
    penalty, terms = _penalty(gradient, objective, config)
    (d_loss if penalty is None else d_loss + penalty).backward()

    real_scores, synthetic_scores = real_scores.detach(), synthetic_scores.detach()
    g_loss = objective.generator_loss(real_scores, synthetic_scores)
    pull = parts[1].detach() * objective.pull(real_scores, synthetic_scores).unsqueeze(-1)
    if config.feature_matching > 0:
        distance, away = feature_pull(_features(critic, batch), batch.real, synthetic)
        pull, terms["feature_distance"] = pull + config.feature_matching * away, distance
    if moves_generator and batch.twins is not None:
        other = replace(batch, noise=batch.twins)
        terms["energy_score"], own = _score_twins(generator, other, synthetic, config)
        pull = pull + own
    if moves_generator:
        synthetic.backward(pull)
    return {"critic_loss": d_loss.detach(), "generator_loss": g_loss} | terms


def _score_twins(
    generator: MarketGenerator, batch: Batch, synthetic: Paths, config: AdversarialConfig
) -> tuple[Float[Tensor, ""], Paths]:
    """The energy score, after the twins' part of its gradient; the synthetic paths' part.

    Args:
        generator: Gets the twins' part.
        batch: With the twins' noise.
        synthetic: Paths of the first noise.
        config: Weight of the score.
    """
    with _mixed(batch, config):
        twins = synthetic_paths(generator, batch)
    score, own, other = energy_pulls(batch.real, synthetic, twins, batch.portfolios)
    twins.backward(config.energy * other)
    return score, config.energy * own


def _mixed(batch: Batch, config: AdversarialConfig) -> torch.autocast:
    """Passes in the precision asked for; gradients are taken outside, as torch wants it."""
    is_mixed = config.precision == "bfloat16"
    return torch.autocast(batch.real.device.type, torch.bfloat16, enabled=is_mixed)


def _compared(
    batch: Batch, synthetic: Paths, objective: Objective
) -> Float[Tensor, "horizon some n_assets"]:
    """What the critic scores: market paths, their partners, and where need be paths between."""
    paths = [batch.real, synthetic]
    if objective.penalised == "between":
        paths.append(batch.real.lerp(synthetic, batch.mixture.unsqueeze(-1)))
    return torch.cat(paths, dim=1).requires_grad_()


def _penalty(
    gradient: Float[Tensor, "horizon some n_assets"],
    objective: Objective,
    config: AdversarialConfig,
) -> tuple[Float[Tensor, ""] | None, dict[str, Float[Tensor, ""]]]:
    """What is added to the critic's loss, and its terms."""
    match objective.penalised:
        case "at the ends":
            r1, r2 = penalties(gradient)
            return config.gamma / 2 * (r1 + r2), {"r1": r1.detach(), "r2": r2.detach()}
        case "between":
            term = gradient_penalty(gradient.chunk(3, dim=1)[2])
            return config.slope_penalty * term, {"gradient_penalty": term.detach()}
        case "nowhere":
            return None, {}


def _features(critic: MarketCritic, batch: Batch) -> Callable[[Paths], Tensor]:
    return lambda paths: critic.features(paths, batch.today.state, batch.portfolios)


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
