"""The relativistic pairing objective with zero-centred gradient penalties.

Source: Huang et al. (2024), "The GAN is dead; long live the GAN!", sections 2.1-2.2,
arXiv:2501.05441; Jolicoeur-Martineau (2019), The relativistic discriminator; Mescheder, Geiger &
Nowozin (2018), Which training methods for GANs do actually converge?, for R1 and R2.
"""

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

Scores = Float[Tensor, " batch"]  # unbounded; higher is more like the market


def critic_loss(real_scores: Scores, synthetic_scores: Scores) -> Float[Tensor, ""]:
    """E softplus(D(synthetic) - D(real)): market paths shall score above their partners."""
    return softplus(synthetic_scores - real_scores).mean()


def generator_loss(real_scores: Scores, synthetic_scores: Scores) -> Float[Tensor, ""]:
    """E softplus(D(real) - D(synthetic)): synthetic paths shall score above their partners."""
    return softplus(real_scores - synthetic_scores).mean()


def penalties(
    gradient: Float[Tensor, "horizon both n_assets"],
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """E ||dD/dx||^2 on market paths (R1) and on synthetic ones (R2).

    Args:
        gradient: Of the scores by the paths: market paths first, then as many synthetic ones.
    """
    r1, r2 = gradient.square().sum(dim=(0, 2)).chunk(2)
    return r1.mean(), r2.mean()
