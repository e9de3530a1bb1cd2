"""What training learns from: one resident table, its volatility filter, its windows.

Everything is fitted on the training span alone; an embargo of one window separates it from the
validation span. A batch is a pure function of (seed, step): windows, noise and portfolios are
drawn for the global batch, and each worker takes its slice.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from fingan.data.returns import ReturnTable
from fingan.data.scaling import ReturnScaler
from fingan.data.windows import Span, Split, WindowSet, chronological_split
from fingan.errors import PriceDataError
from fingan.models.families import is_conditional
from fingan.models.market_filter import MarketFilter
from fingan.models.states import Today
from fingan.training.adversarial import Batch
from fingan.training.config import TrainConfig
from fingan.training.fitting import fit_market
from fingan.volatility.time_of_day import TimeOfDay

# Purposes of random numbers, so that no two coincide.
BATCH_STREAM, WEIGHT_STREAM, MEMBER_STREAM = 1, 2, 3


@dataclass(frozen=True)
class TrainingSet:
    """A market prepared for training, in the precision and on the device that trains."""

    table: ReturnTable
    scaler: ReturnScaler
    law: MarketFilter
    time_of_day: TimeOfDay
    split: Split
    windows: WindowSet
    """Windows of scaled returns within the training span, without their time of day."""
    today: Today
    """Where a path from each day of the table begins; one row more than it has."""
    correlation: Float[Tensor, "n_assets n_assets"]
    """Average one of the innovations' normal scores, shrunk so that it has an inverse."""
    eigenportfolios: Float[Tensor, "n_assets n_assets"]

    @property
    def n_assets(self) -> int:
        """Number of assets."""
        return len(self.table.assets)

    def batch(
        self, config: TrainConfig, n_noise: int, step: int, share: slice = slice(None)
    ) -> Batch:
        """The global batch of a step, or a worker's share of it."""
        random = torch.Generator().manual_seed(stream_seed(config.seed, BATCH_STREAM, step))
        chosen = torch.randint(len(self.windows), (config.batch_size,), generator=random)
        noise = torch.randn(config.window, config.batch_size, n_noise, generator=random)
        portfolios = self._portfolios(config.critic.n_portfolios, random)
        mixture = torch.rand(config.batch_size, generator=random)
        twins = None
        if config.adversarial.energy > 0:
            twins = torch.randn(noise.shape, generator=random)[:, share]
        starts = self.windows.starts[chosen[share]]
        real, observed = self.windows.gather(starts)
        today = self.today.rows(starts)
        return Batch(
            real=(real / today.variance.sqrt().unsqueeze(1)).transpose(0, 1),
            observed=None
            if observed is None or observed.all()
            else observed.transpose(0, 1).to(real),
            noise=noise[:, share].to(real),
            mixture=mixture[share].to(real),
            today=today,
            portfolios=portfolios.to(real),
            twins=None if twins is None else twins.to(real),
        )

    def _portfolios(
        self, n_portfolios: int, random: torch.Generator
    ) -> Float[Tensor, "n_assets n_portfolios"]:
        """Random long-short portfolios and eigenportfolios, each of unit variance."""
        n_eigen = min(n_portfolios // 2, self.n_assets)
        drawn = torch.randn(self.n_assets, n_portfolios - n_eigen, generator=random)
        chosen = torch.randperm(self.n_assets, generator=random)[:n_eigen]
        weights = torch.cat([drawn, self.eigenportfolios[:, chosen].cpu()], dim=1)
        return weights / (weights * (self.correlation.cpu() @ weights)).sum(0).sqrt()


def prepare(table: ReturnTable, config: TrainConfig, device: torch.device) -> TrainingSet:
    """Split, scale, filter and cut a market into windows.

    Raises:
        PriceDataError: If the history is too short for the window and the validation span.
    """
    selection = config.selection
    least = 4 * config.window + 2 * selection.horizon
    if len(table.dates) < least:
        raise PriceDataError(
            f"training needs at least {least} steps of history for windows of {config.window},"
            f" got {len(table.dates)}; give a longer file or set a smaller window"
        )
    split = chronological_split(len(table.dates), selection.share, config.window)
    if len(split.validation) <= selection.horizon:
        raise PriceDataError(
            f"validation needs more than its horizon of {selection.horizon} steps, got"
            f" {len(split.validation)}; give a longer file or set a larger selection.share"
        )
    training = ReturnTable(
        table.assets,
        table.dates[: split.training.end],
        table.values[: split.training.end],
        table.kind,
    )
    fitted = fit_market(training, config.generator.family)
    law, scaled = fitted.law, fitted.scaled(table)
    today = law.today(scaled)
    today = today if is_conditional(config.generator.family) else today.untold()
    correlation, kind = law.correlation, config.adversarial.dtype
    try:
        windows = WindowSet.of(
            scaled.to(device, kind),
            config.window,
            span=Span(0, split.training.end),
            least_observed=config.least_observed,
        )
    except ValueError as short:
        raise PriceDataError(str(short)) from None
    return TrainingSet(
        table=table,
        scaler=fitted.scaler,
        law=law,
        time_of_day=fitted.time_of_day,
        split=split,
        windows=windows,
        today=today.to(device, kind),
        correlation=correlation.to(device, kind),
        eigenportfolios=torch.linalg.eigh(correlation).eigenvectors.to(device, kind),
    )


def stream_seed(seed: int, purpose: int, step: int) -> int:
    """One 63-bit seed per (seed, purpose, step), by SplitMix64's finaliser.

    Source: Steele, Lea & Flood (2014), Fast splittable pseudorandom number generators.
    """
    mask = 2**64 - 1
    mixed = (seed * 0x9E3779B97F4A7C15 + purpose * 0xD1B54A32D192ED03 + step + 1) & mask
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & mask
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & mask
    return (mixed ^ (mixed >> 31)) >> 1
