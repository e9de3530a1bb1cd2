"""The same loss under other laws, and in history itself."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from fingan.data.returns import ReturnTable
from fingan.risk import influences
from fingan.risk.estimates import Estimate, estimated
from fingan.scenarios.baselines import baseline
from fingan.stress.losing import losing, losses_of
from fingan.stress.reverse_request import ReverseRequest


@dataclass(frozen=True)
class Elsewhere:
    """The same loss under another law, or in history."""

    name: str
    probability: Estimate
    windows: tuple[str, ...] = ()
    """First days of the windows of history that lost so much, worst first, none overlapping."""

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "name": self.name,
            "probability": self.probability.record(),
            "windows": list(self.windows),
        }


def elsewhere_of(
    prices: pd.DataFrame,
    history: ReturnTable,
    weights: Float[Tensor, " n_assets"],
    request: ReverseRequest,
    *,
    n_threads: int = 1,
) -> tuple[Elsewhere, ...]:
    """The loss under each baseline that was asked for, and in the windows of history."""
    rows = prices.loc[: history.dates[-1], list(history.assets)]
    rows.attrs = dict(prices.attrs)
    found = []
    for name in request.comparators:
        drawn = losing(baseline(name, rows), rows, weights, request, n_threads=n_threads)
        found.append(Elsewhere(name, drawn.probability()))
    return (*found, _in_history(history, weights, request))


def _in_history(
    history: ReturnTable, weights: Float[Tensor, " n_assets"], request: ReverseRequest
) -> Elsewhere:
    """Windows of the past on which the portfolio, as it is now, lost so much."""
    name, horizon = "windows of history", request.horizon
    held = weights != 0
    values = history.values.double()[:, held]
    if len(values) < horizon:
        none = Estimate(float("nan"), None, None, None, None, 0, None, "no window is so long")
        return Elsewhere(name, none)
    windows = values.unfold(0, horizon, 1).movedim(-1, 1)
    losses = losses_of(windows, weights[held], is_level=history.kind == "level")
    usable = ~losses.isnan()
    left = torch.where(usable, losses, -torch.inf)
    rows: list[int] = []
    while float(left.max()) >= request.loss:
        row = int(left.argmax())
        rows.append(row)
        left[max(row - horizon + 1, 0) : row + horizon] = -torch.inf
    hits = losses[usable] >= request.loss
    share = estimated(influences.probability, hits)
    if horizon > 1:
        note = f"windows overlap, which leaves no error; {len(rows)} lie apart"
        share = Estimate(share.estimate, None, None, None, None, len(hits), None, note)
    return Elsewhere(name, share, tuple(f"{history.dates[row]:%Y-%m-%d}" for row in rows))
