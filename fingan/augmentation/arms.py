"""What a downstream model is trained on: real days, and real days with each kind of addition.

Source: Iwana & Uchida (2021), An empirical survey of data augmentation for time series
classification with neural networks, section 3.1.1, for jitter; Politis & Romano (1994), The
stationary bootstrap, for blocks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from fingan.augmentation.panel import PanelRequest, draw_paths, fitted_rows, start_dates
from fingan.augmentation.tasks import AHEAD, MONTH, Samples, samples_of
from fingan.data.returns import log_returns
from fingan.scenarios.baselines import baseline
from fingan.scenarios.samplers import Sampler

Arm = Literal[
    "real",
    "real + synthetic",
    "synthetic",
    "real + block-bootstrap",
    "real + jitter",
    "no features",
]
ARMS: tuple[Arm, ...] = get_args(Arm)

JITTER = 0.1  # standard deviation of the noise, relative to the asset's own
SEED_STRIDE = 100_000  # between the seeds of two panels: more than a panel has starts

Panels = Float[Tensor, "n_series n_steps n_assets"]


@dataclass(frozen=True)
class Material:
    """The real span, in each asset's usual deviations, and who draws what is added to it."""

    known: pd.DataFrame
    real: Panels
    spread: Float[Tensor, " n_assets"]
    sampler: Sampler
    bootstrap: Sampler
    starts: list[pd.Timestamp]

    @classmethod
    def of(cls, sampler: Sampler, prices: pd.DataFrame, n_starts: int) -> "Material":
        """Everything that the sampler was fitted on, and the block bootstrap of the same rows."""
        known = fitted_rows(sampler, prices)
        values = log_returns(known).values.double()
        spread = values.square().nanmean(0).sqrt()
        return cls(
            known=known,
            real=(values / spread).unsqueeze(0),
            spread=spread,
            sampler=sampler,
            bootstrap=baseline("block-bootstrap", known),
            starts=start_dates(known, n_starts),
        )

    def training_sets(self, request: PanelRequest, number: int) -> Mapping[Arm, Samples]:
        """What each arm is trained on.

        Args:
            request: Of the synthetic panel; every addition is about as large.
            number: Of the repetition; each has draws of its own, the first those of the panel
                that is published.
        """
        own = request.model_copy(update={"seed": request.seed + SEED_STRIDE * number})
        real = samples_of(self.real)
        synthetic = samples_of(self._drawn(self.sampler, own))
        blocks = samples_of(self._drawn(self.bootstrap, own))
        n_copies = max(1, round(len(synthetic.moments) / max(1, len(real.moments))))
        return {
            "real": real,
            "real + synthetic": real.joined(synthetic),
            "synthetic": synthetic,
            "real + block-bootstrap": real.joined(blocks),
            "no features": real,
            "real + jitter": real.joined(samples_of(self._jittered(n_copies, own.seed))),
        }

    def holdout(self, prices: pd.DataFrame, first: pd.Timestamp) -> Samples | None:
        """Real forecasts from rows at ``first`` or later; None where there are too few for one."""
        table = prices[list(self.sampler.assets)]
        table.attrs = dict(prices.attrs)
        returns = log_returns(table)
        begin = int(returns.dates.searchsorted(first, side="left"))
        values = (returns.values[begin:].double() / self.spread).unsqueeze(0)
        return samples_of(values) if values.shape[1] >= MONTH + AHEAD else None

    def _drawn(self, sampler: Sampler, request: PanelRequest) -> Panels:
        return draw_paths(sampler, self.known, self.starts, request).double() / self.spread

    def _jittered(self, n_copies: int, seed: int) -> Panels:
        random = torch.Generator().manual_seed(seed)
        noise = torch.randn(n_copies, *self.real.shape[1:], generator=random, dtype=torch.float64)
        return self.real + JITTER * noise
