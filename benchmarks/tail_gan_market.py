"""The synthetic market of the Tail-GAN benchmark: correlated assets of five known kinds.

A path is 100 increments of each price, after 100 more that are thrown away. Noise is Gaussian and
correlated over assets, and drives independent steps, an autoregression, or a GARCH recursion whose
noise each asset divides by its own chi, which gives t innovations.

Source: Cont, Cucuringu, Xu & Zhang (2025), Tail-GAN: Learning to simulate tail risk scenarios,
section 5 and the program published with it, from which two things come that the paper does not
say. Each path is rescaled to the standard deviation of its asset exactly. And the noise carries
that small deviation into the GARCH recursion, whose news then count for nothing beside its
constant: the two GARCH assets have t increments, but volatility that hardly moves.
``is_clustered`` gives the recursion noise of unit variance, so that volatility clusters, and
rescales by the law, not path by path.

Where we differ: correlations come from a random triangular factor of positive entries, while
theirs are absolute values of a random correlation matrix, which need not be one; and with 20
assets, whose kinds were not published, each kind comes four times.
"""

import math
from dataclasses import dataclass

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from fingan.volatility.recurrence import linear_recurrence

N_STEPS = 100
STEPS_A_YEAR = 250 * N_STEPS
Increments = Float[Tensor, "n_paths n_steps n_assets"]
PerAsset = Float[Tensor, " n_assets"]


@dataclass(frozen=True)
class Kind:
    """How an asset moves: autoregression of its increments, degrees of freedom of GARCH noise."""

    name: str
    coefficient: float = 0.0
    degrees: int | None = None


KINDS = (
    Kind("Gauss"),
    Kind("AR(+.5)", coefficient=0.5),
    Kind("AR(-.12)", coefficient=-0.12),
    Kind("GARCH-t5", degrees=5),
    Kind("GARCH-t10", degrees=10),
)


@dataclass(frozen=True)
class SyntheticMarket:
    """A law of price increments; every figure of it is a function of one seed."""

    kinds: tuple[Kind, ...]
    factor: Float[Tensor, "n_assets n_assets"]
    """Cholesky factor of the noise's correlation."""
    deviations: PerAsset
    """Standard deviation of an increment."""
    alpha: PerAsset
    beta: PerAsset
    omega: PerAsset
    is_clustered: bool = False

    @classmethod
    def drawn(cls, n_assets: int, *, seed: int, is_clustered: bool = False) -> "SyntheticMarket":
        """Parameters in the published ranges: yearly volatility of 30 to 50 %.

        Raises:
            ValueError: If the kinds do not divide the assets evenly.
        """
        if n_assets % len(KINDS):
            raise ValueError(f"n_assets must be a multiple of {len(KINDS)}, got {n_assets}")
        random = torch.Generator().manual_seed(seed)

        def uniform(low: float, high: float, *shape: int) -> Tensor:
            drawn = torch.rand(shape or (n_assets,), generator=random, dtype=torch.float64)
            return low + (high - low) * drawn

        entries = uniform(0.1, 0.9, n_assets, n_assets).tril(-1) + torch.eye(n_assets)
        return cls(
            kinds=tuple(kind for kind in KINDS for _ in range(n_assets // len(KINDS))),
            factor=entries / entries.square().sum(1, keepdim=True).sqrt(),
            deviations=uniform(0.3, 0.5) / math.sqrt(STEPS_A_YEAR),
            alpha=uniform(0.08, 0.12),
            beta=uniform(0.825, 0.875),
            omega=uniform(0.03, 0.07),
            is_clustered=is_clustered,
        )

    @property
    def assets(self) -> tuple[str, ...]:
        """Names, with a number where a kind comes more than once."""
        repeats = len(self.kinds) // len(KINDS)
        numbers = [""] if repeats == 1 else [f" {i + 1}" for i in range(repeats)]
        return tuple(f"{kind.name}{number}" for kind in KINDS for number in numbers)

    def increments(
        self, n_paths: int, *, seed: int, n_steps: int = N_STEPS, is_rescaled: bool = True
    ) -> Increments:
        """Independent paths of price increments, float32.

        Args:
            n_paths: Paths.
            seed: Of all noise.
            n_steps: Length of a path.
            is_rescaled: Whether each path gets its asset's deviation exactly, as published; else
                it has that deviation by the law, as it always has where volatility clusters.
        """
        random = torch.Generator().manual_seed(seed)
        shape = (N_STEPS + n_steps, n_paths, len(self.kinds))
        noise = torch.randn(shape, generator=random) @ self.factor.float().T
        noise *= self._noise_variances().sqrt().float()
        moves = torch.empty_like(noise)
        for asset, kind in enumerate(self.kinds):
            if kind.degrees is None:
                moves[..., asset] = _autoregression(noise[..., asset], kind.coefficient)
            else:
                chi = _chi(kind.degrees, noise[..., asset].shape, random)
                moves[..., asset] = self._garch(asset, noise[..., asset] / chi)
        paths = moves[N_STEPS:].transpose(0, 1)
        by_path = is_rescaled and not self.is_clustered
        spread = paths.std(1, keepdim=True, correction=0) if by_path else self._variances().sqrt()
        return paths * (self.deviations / spread).float()

    def history(self, n_paths: int, *, seed: int) -> pd.DataFrame:
        """A table of prices to learn from: paths end to end, or one long one where they cluster."""
        if self.is_clustered:
            moves = self.increments(1, seed=seed, n_steps=n_paths * N_STEPS)
        else:
            moves = self.increments(n_paths, seed=seed)
        moves = moves.flatten(0, 1).double()
        levels = 1 + torch.cat([torch.zeros_like(moves[:1]), moves.cumsum(0)])
        minutes = pd.date_range("2000-01-03", periods=len(levels), freq="min", name="date")
        table = pd.DataFrame(levels.numpy(), index=minutes, columns=pd.Index(self.assets))
        table.attrs = {"kind": "level", "source": "synthetic"}
        return table

    def _garch(self, asset: int, noise: Float[Tensor, "n_all n_paths"]) -> Tensor:
        alpha, beta = float(self.alpha[asset]), float(self.beta[asset])
        multiplier = beta + alpha * noise.square()
        constant = self.omega[asset].float().expand_as(multiplier)
        start = self._long_run_variances()[asset].float().expand(noise.shape[1])
        return linear_recurrence(multiplier, constant, start)[:-1].sqrt() * noise

    def _noise_variances(self) -> PerAsset:
        """Of the Gaussian noise: tiny as published, or such that t noise has unit variance."""
        if not self.is_clustered:
            return self.deviations.square()
        return 1 / _chi_factors(self.kinds)

    def _long_run_variances(self) -> PerAsset:
        """Of the GARCH recursion."""
        news = self.alpha * self._noise_variances() * _chi_factors(self.kinds)
        return self.omega / (1 - self.beta - news)

    def _variances(self) -> PerAsset:
        """Of raw increments, by the law."""
        noise = self._noise_variances() * _chi_factors(self.kinds)
        garch = noise * self._long_run_variances()
        coefficients = torch.tensor([kind.coefficient for kind in self.kinds], dtype=torch.float64)
        is_garch = torch.tensor([kind.degrees is not None for kind in self.kinds])
        return torch.where(is_garch, garch, noise / (1 - coefficients.square()))


def _chi_factors(kinds: tuple[Kind, ...]) -> PerAsset:
    """By how much the division by chi raises the variance of noise; 1 without one."""
    raised = [1 if kind.degrees is None else kind.degrees / (kind.degrees - 2) for kind in kinds]
    return torch.tensor(raised, dtype=torch.float64)


def _autoregression(noise: Float[Tensor, "n_all n_paths"], coefficient: float) -> Tensor:
    gain = torch.full_like(noise, coefficient)
    return linear_recurrence(gain, noise, torch.zeros_like(noise[0]))[1:]


def _chi(degrees: int, shape: torch.Size, random: torch.Generator) -> Tensor:
    """Root of a chi-square over its degrees of freedom."""
    total = torch.zeros(shape)
    for _ in range(degrees):
        total += torch.randn(shape, generator=random).square()
    return (total / degrees).sqrt()
