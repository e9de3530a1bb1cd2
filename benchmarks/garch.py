"""GARCH(1,1) with Gaussian innovations, the classical row of the Quant GANs table.

Source: Bollerslev (1986), Generalized autoregressive conditional heteroskedasticity.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from fingan.volatility.recurrence import linear_recurrence

N_STEPS = 4_000  # of a path

History = Float[Tensor, " n_days"]
Paths = Float[Tensor, "n_paths n_steps"]
Simulate = Callable[[int, int], Paths]
"""Number of paths and seed to paths."""


def garch_normal(returns: History) -> Simulate:
    """The process, fitted by maximum likelihood and continued from the last day."""
    from arch import arch_model

    percent = 100 * returns
    fitted = arch_model(percent.numpy(), mean="Constant", vol="GARCH", dist="normal").fit(
        disp="off"
    )
    mu, omega, alpha, beta = fitted.params[["mu", "omega", "alpha[1]", "beta[1]"]]
    last = fitted.conditional_volatility[-1] ** 2
    tomorrow = omega + alpha * (float(percent[-1]) - mu) ** 2 + beta * last

    def draw(n_paths: int, seed: int) -> Paths:
        random = torch.Generator().manual_seed(seed)
        noise = torch.randn(N_STEPS, n_paths, generator=random, dtype=torch.float64)
        gain = beta + alpha * noise.square()
        start = torch.full((n_paths,), tomorrow, dtype=torch.float64)
        offset = torch.full_like(gain, omega)
        variances = linear_recurrence(gain, offset, start)
        return (mu + variances[:-1].sqrt() * noise).T / 100

    return draw
