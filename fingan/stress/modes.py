"""One way to lose: how probable it is, what drives it, its most central path, what it is like."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from fingan.data.returns import ReturnTable
from fingan.risk.estimates import Estimate, effective_size
from fingan.scenarios.analogues import nearest_windows
from fingan.scenarios.samplers import Sampler, TrainedSampler
from fingan.scenarios.tilting import path_noise
from fingan.stress.drivers import CommonFactor, Drivers, drivers_of
from fingan.stress.losing import Losing


@dataclass(frozen=True)
class Mode:
    """One way to lose."""

    share: Estimate
    """Of the losing paths, by probability."""
    probability: Estimate
    """Unconditional."""
    ess: float
    drivers: Drivers
    path: Float[Tensor, "horizon n_assets"]
    """Log-returns of the most central path."""
    course: tuple[float, ...]
    """Value of the portfolio along that path, of 1 at the start."""
    moves: Mapping[str, float]
    """Simple return of each asset on that path."""
    nearest: list[dict[str, Any]] | None
    """Real windows nearest to that path."""
    noise_percentile: float | None
    """Mean percentile of the squared length of the paths' noise, 0.5 where it is typical; None
    where the sampler is not drawn from normal noise."""
    valley: float | None
    """Density towards the nearest other mode as a share of the lower peak, an upper bound at 95 %;
    None where there is no other mode."""

    @property
    def name(self) -> str:
        """By what drives it."""
        return self.drivers.name

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "name": self.name,
            "share": self.share.record(),
            "probability": self.probability.record(),
            "ess": self.ess,
            **self.drivers.record(),
            "path": {"course": list(self.course), "assets": dict(self.moves)},
            "nearest": self.nearest,
            "noise_percentile": self.noise_percentile,
            "valley": self.valley,
        }


@dataclass(frozen=True)
class Losers:
    """Losing paths, and what is needed to tell a mode of them."""

    sampler: Sampler
    paths: Losing
    history: ReturnTable
    weights: Float[Tensor, " n_assets"]
    """Of the portfolio."""
    course: Float[Tensor, "n_paths horizon"]
    """Loss of the portfolio since the start, after each step."""
    features: Float[Tensor, "n_paths n_features"]
    """What makes paths alike."""
    seed: int

    @property
    def factor(self) -> CommonFactor | None:
        """What the assets have in common, in the training data."""
        return CommonFactor.of(self.history.until(self.sampler.fitted_until))

    def mode(self, chosen: Bool[Tensor, " n_paths"], valley: float | None) -> Mode:
        """Of the chosen paths."""
        paths, assets = self.paths, self.sampler.assets
        is_level = self.sampler.kind == "level"
        own = paths.weights[chosen] / paths.weights[chosen].sum()
        place = _central(self.features[chosen], self.course[chosen, -1], own)
        central = int(chosen.nonzero()[place])
        path = paths.log_returns[central].double()
        moves = path.sum(0) if is_level else path.sum(0).expm1()
        return Mode(
            share=paths.share(chosen),
            probability=paths.probability(chosen),
            ess=effective_size(own),
            drivers=drivers_of(
                paths.log_returns[chosen],
                dict(zip(assets, self.weights.tolist(), strict=True)),
                assets,
                own,
                paths.members[chosen],
                self.factor,
                is_level=is_level,
            ),
            path=path,
            course=tuple((1 - self.course[central]).tolist()),
            moves=dict(zip(assets, moves.tolist(), strict=True)),
            nearest=nearest_windows(path, self.history),
            noise_percentile=self._noise(paths.numbers[chosen], own),
            valley=valley,
        )

    def _noise(
        self, numbers: Int64[Tensor, " n_chosen"], weights: Float[Tensor, " n_chosen"]
    ) -> float | None:
        """Mean percentile of the squared length of the noise."""
        if not isinstance(self.sampler, TrainedSampler):
            return None
        from scipy import special

        n_steps = self.course.shape[1]
        noise = path_noise(self.sampler, numbers, n_steps, self.paths.shifts, seed=self.seed)
        lengths = noise.flatten(1).square().sum(1)
        below = special.chdtr(noise[0].numel(), lengths.numpy())
        return float(weights @ torch.from_numpy(below))


def _central(
    features: Float[Tensor, "n_chosen n_features"],
    losses: Float[Tensor, " n_chosen"],
    weights: Float[Tensor, " n_chosen"],
) -> int:
    """The path nearest to the mean of what makes paths alike, and of the loss."""
    all_of = torch.cat([features, losses.unsqueeze(1)], 1)
    apart = all_of - weights @ all_of
    spread = (weights @ apart.square()).sqrt().clamp(min=1e-12)
    return int((apart / spread).square().sum(1).argmin())
