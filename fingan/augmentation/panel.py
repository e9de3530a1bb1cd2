"""A labelled synthetic panel: paths from many days of the training span, in one Parquet file.

Every row says that it is synthetic, and the file says which model drew it from which seed. There
are no dates: a synthetic day never was.
"""

import json
import os
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float32
from pydantic import Field, PositiveInt
from torch import Tensor

from fingan import __version__
from fingan.config import Config
from fingan.data.quality import data_digest
from fingan.errors import PriceDataError, RequestError
from fingan.files import Location, whole_file
from fingan.scenarios.present import check_columns
from fingan.scenarios.samplers import MAX_SEED, Sampler

Cube = Float32[Tensor, "n_paths horizon n_assets"]  # log-returns

LABEL = "synthetic: drawn by a model, not observed; not a record of any market"
MIN_HISTORY = 250  # rows before the first start
RESERVED = ("synthetic", "path", "step")


class PanelRequest(Config):
    """How many paths, from how many days of history, how long."""

    n_paths: PositiveInt = 128
    """Paths of the panel."""

    horizon: PositiveInt = 120
    """Steps of each path."""

    n_starts: PositiveInt = 8
    """Days of the training span that the paths continue, spread evenly over it."""

    seed: int = Field(0, ge=0, le=MAX_SEED)
    """Same seed, same panel."""


@dataclass(frozen=True)
class SyntheticPanel:
    """Synthetic log-returns with what says where they come from."""

    assets: tuple[str, ...]
    log_returns: Cube
    metadata: dict[str, Any]

    def to_arrow(self) -> Any:
        """Columns ``synthetic``, ``path``, ``step``, then one of log-returns per asset."""
        import pyarrow as pa

        n_paths, horizon, _ = self.log_returns.shape
        numbers = torch.arange(n_paths, dtype=torch.int32)
        steps = torch.arange(1, horizon + 1, dtype=torch.int32)
        columns = {
            "synthetic": pa.array([True] * (n_paths * horizon)),
            "path": pa.array(numbers.repeat_interleave(horizon).numpy()),
            "step": pa.array(steps.repeat(n_paths).numpy()),
        }
        flat = self.log_returns.flatten(0, 1).T.contiguous().numpy()
        columns |= dict(zip(self.assets, map(pa.array, flat), strict=True))
        return pa.table(columns, metadata={"fingan": json.dumps(self.metadata, sort_keys=True)})

    def save(self, location: Location) -> None:
        """Write a Parquet file that appears whole or not at all.

        Raises:
            RequestError: If the place is no ``.parquet``.
            StoreError: If it cannot be written.
        """
        from pyarrow import parquet

        check_location(location)
        with whole_file(location) as sink:
            parquet.write_table(self.to_arrow(), sink, compression="zstd")


def check_location(location: Location) -> None:
    """Refuse a place that is no Parquet file, before anything is drawn."""
    if not os.fspath(location).lower().endswith(".parquet"):
        raise RequestError(f"{os.fspath(location)}: a panel must be written as .parquet")


def draw_panel(sampler: Sampler, prices: pd.DataFrame, request: PanelRequest) -> SyntheticPanel:
    """Draw paths that continue days of the span on which the sampler was fitted, none after it.

    Args:
        sampler: A trained model or a baseline.
        prices: Table from ``read_prices``; rows after ``fitted_until`` change nothing.
        request: How many, from how many days, how long.

    Raises:
        UnknownAssetError: If the prices lack an asset.
        RequestError: If an asset has the name of another column, or the training span is short.
    """
    known = fitted_rows(sampler, prices)
    for name in RESERVED:
        if name in sampler.assets:
            raise RequestError(f"no asset of a panel may be named '{name}': it is a column's name")
    starts = start_dates(known, request.n_starts)
    cube = draw_paths(sampler, known, starts, request)
    return SyntheticPanel(
        assets=sampler.assets,
        log_returns=cube,
        metadata={
            "synthetic": True,
            "label": LABEL,
            "model": sampler.reference,
            "model_digest": getattr(sampler, "digest", None),
            "fitted_until": sampler.fitted_until.isoformat(),
            "data_digest": data_digest(known),
            "seed": request.seed,
            "n_paths": request.n_paths,
            "horizon": request.horizon,
            "starts": [date.isoformat() for date in starts],
            "values": "log_return",
            "software": f"fingan {__version__}",
        },
    )


def draw_paths(
    sampler: Sampler, known: pd.DataFrame, starts: list[pd.Timestamp], request: PanelRequest
) -> Cube:
    """Paths from each start in its turn: path i continues start ``i % len(starts)``."""
    n_each = -(-request.n_paths // len(starts))
    drawn = []
    for number, date in enumerate(starts):
        seed = (request.seed + number) % (MAX_SEED + 1)  # no two starts share their noise
        part = sampler.sample(known, request.horizon, n_each, seed=seed, as_of=date)
        drawn.append(part.log_returns)
    return torch.stack(drawn, dim=1).flatten(0, 1)[: request.n_paths].contiguous()


def start_dates(known: pd.DataFrame, n_starts: int) -> list[pd.Timestamp]:
    """Days spread evenly over a span, its last among them; before each there is some history."""
    if len(known) <= MIN_HISTORY:
        raise PriceDataError(
            f"the prices must hold more than {MIN_HISTORY} rows of the span that the model was"
            f" fitted on, got {len(known)}; give a file that begins earlier"
        )
    rows = torch.linspace(MIN_HISTORY, len(known) - 1, n_starts).round().long().unique()
    if n_starts == 1:
        rows = torch.tensor([len(known) - 1])
    return [known.index[int(row)] for row in rows]


def fitted_rows(sampler: Sampler, prices: pd.DataFrame) -> pd.DataFrame:
    """The rows that the sampler was fitted on, its assets only."""
    check_columns(prices, sampler.assets, sampler.kind, f"'{sampler.reference}'")
    known = prices.loc[: sampler.fitted_until, list(sampler.assets)]
    known.attrs = dict(prices.attrs)
    return known
