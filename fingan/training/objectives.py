"""What critic and generator minimise, one record for each objective.

The default is the relativistic pairing: a market path and its synthetic partner are compared, so
that the critic's level means nothing. The others score each path for itself.

Source: Huang et al. (2024), "The GAN is dead; long live the GAN!", sections 2.1-2.2,
arXiv:2501.05441, and Jolicoeur-Martineau (2019), The relativistic discriminator, for the default;
Goodfellow et al. (2014), Generative adversarial nets, section 3, for the non-saturating minimax;
Gulrajani et al. (2017), Improved training of Wasserstein GANs, equation 3; Miyato et al. (2018),
Spectral normalization for generative adversarial networks, equations 16 and 17, for the hinge.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import relu, softplus

ObjectiveName = Literal["relativistic", "minimax", "wasserstein-gp", "hinge"]
Scores = Float[Tensor, " batch"]  # unbounded; higher is more like the market
Loss = Float[Tensor, ""]
Gradient = Float[Tensor, "horizon batch n_assets"]


@dataclass(frozen=True)
class Objective:
    """Losses of market and synthetic scores, and where the critic's gradient is penalised."""

    critic_loss: Callable[[Scores, Scores], Loss]
    generator_loss: Callable[[Scores, Scores], Loss]
    pull: Callable[[Scores, Scores], Scores]
    """Derivative of the generator's loss by the synthetic scores."""
    penalised: Literal["at the ends", "between", "nowhere"]
    """On market and synthetic paths (R1, R2), on mixtures of them, or not at all."""


def critic_loss(real_scores: Scores, synthetic_scores: Scores) -> Loss:
    """E softplus(D(synthetic) - D(real)): market paths shall score above their partners."""
    return softplus(synthetic_scores - real_scores).mean()


def generator_loss(real_scores: Scores, synthetic_scores: Scores) -> Loss:
    """E softplus(D(real) - D(synthetic)): synthetic paths shall score above their partners."""
    return softplus(real_scores - synthetic_scores).mean()


def pull(real_scores: Scores, synthetic_scores: Scores) -> Scores:
    """The closer a synthetic path is to winning its pair, the less it is pulled."""
    return -torch.sigmoid(real_scores - synthetic_scores) / len(real_scores)


def minimax_critic_loss(real_scores: Scores, synthetic_scores: Scores) -> Loss:
    """Minus E log s(D(real)) + E log(1 - s(D(synthetic))), s the logistic function."""
    return softplus(-real_scores).mean() + softplus(synthetic_scores).mean()


def non_saturating_loss(_: Scores, synthetic_scores: Scores) -> Loss:
    """Minus E log s(D(synthetic)): steep where the critic is sure, unlike log(1 - s)."""
    return softplus(-synthetic_scores).mean()


def non_saturating_pull(_: Scores, synthetic_scores: Scores) -> Scores:
    """Derivative of ``non_saturating_loss``."""
    return -torch.sigmoid(-synthetic_scores) / len(synthetic_scores)


def wasserstein_critic_loss(real_scores: Scores, synthetic_scores: Scores) -> Loss:
    """E D(synthetic) - E D(real): minus the distance, as far as the critic is 1-Lipschitz."""
    return (synthetic_scores - real_scores).mean()


def hinge_critic_loss(real_scores: Scores, synthetic_scores: Scores) -> Loss:
    """E max(0, 1 - D(real)) + E max(0, 1 + D(synthetic)): beyond the margin nothing is gained."""
    return relu(1 - real_scores).mean() + relu(1 + synthetic_scores).mean()


def score_loss(_: Scores, synthetic_scores: Scores) -> Loss:
    """Minus E D(synthetic)."""
    return -synthetic_scores.mean()


def score_pull(_: Scores, synthetic_scores: Scores) -> Scores:
    """Derivative of ``score_loss``."""
    return torch.full_like(synthetic_scores, -1 / len(synthetic_scores))


def objective_of(name: ObjectiveName) -> Objective:
    """The objective behind a word of the configuration."""
    match name:
        case "relativistic":
            return Objective(critic_loss, generator_loss, pull, "at the ends")
        case "minimax":
            return Objective(
                minimax_critic_loss, non_saturating_loss, non_saturating_pull, "at the ends"
            )
        case "wasserstein-gp":
            return Objective(wasserstein_critic_loss, score_loss, score_pull, "between")
        case "hinge":
            return Objective(hinge_critic_loss, score_loss, score_pull, "nowhere")


def penalties(
    gradient: Float[Tensor, "horizon both n_assets"],
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """E ||dD/dx||^2 on market paths (R1) and on synthetic ones (R2).

    Args:
        gradient: Of the scores by the paths: market paths first, then as many synthetic ones.

    Source: Mescheder, Geiger & Nowozin (2018), Which training methods for GANs do actually
        converge?, equations 9 and 10.
    """
    r1, r2 = gradient.square().sum(dim=(0, 2)).chunk(2)
    return r1.mean(), r2.mean()


def gradient_penalty(gradient: Gradient) -> Float[Tensor, ""]:
    """E (||dD/dx|| - 1)^2: on paths between market and synthetic ones the slope shall be 1.

    Source: Gulrajani et al. (2017), equation 3.
    """
    norm = (gradient.square().sum(dim=(0, 2)) + 1e-12).sqrt()  # with a derivative at 0
    return (norm - 1).square().mean()
