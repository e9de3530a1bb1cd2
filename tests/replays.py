"""Generators that copy, and markets to copy from: controls for the searches that must find them."""

from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from fingan.data.returns import ReturnTable

BLOCK_SIZE = 512


def garch_returns(seed: int, n_days: int, n_assets: int) -> Tensor:
    """Scaled GARCH(1, 1) returns with correlated t innovations."""
    random = torch.Generator().manual_seed(seed)
    normals = torch.randn(n_days, n_assets, generator=random, dtype=torch.float64)
    chi = torch.randn(n_days, 6, generator=random, dtype=torch.float64).square().mean(1)
    factor = torch.linalg.cholesky(0.6 * torch.eye(n_assets).double() + 0.4)
    shocks = normals @ factor.T / chi.sqrt()[:, None]
    variance, returns = torch.ones(n_assets, dtype=torch.float64), []
    for shock in shocks:
        returns.append(variance.sqrt() * shock)
        variance = 0.02 + 0.06 * returns[-1].square() + 0.9 * variance
    return 0.01 * torch.stack(returns)


def return_table(values: Tensor) -> ReturnTable:
    dates = pd.bdate_range("2000-01-03", periods=len(values), name="date")
    return ReturnTable(tuple("ABCDEFGH"[: values.shape[1]]), dates, values)


def replayed_rows(n_rows: int, n_paths: int, n_days: int, mean_block: float, seed: int) -> Tensor:
    """Rows of a stationary bootstrap: with blocks of one day on the average, single days."""
    random = torch.Generator().manual_seed(seed)
    row = torch.randint(n_rows, (n_paths,), generator=random)
    rows = []
    for _ in range(n_days):
        jumps = torch.rand(n_paths, generator=random) < 1 / mean_block
        anew = torch.randint(n_rows, (n_paths,), generator=random)
        row = torch.where(jumps, anew, (row + 1) % n_rows)
        rows.append(row)
    return torch.stack(rows, 1)


@dataclass(frozen=True)
class Replay:
    """A sampler that replays blocks of the rows that it has seen, whatever the history."""

    seen: ReturnTable
    mean_block: float = 20
    reference: str = "replay"

    @property
    def assets(self) -> tuple[str, ...]:
        return self.seen.assets

    def continuations(self, _returns: ReturnTable):
        days = self.seen.values[~self.seen.values.isnan().any(1)]

        def continued(_row, request):
            def draw(block: int) -> Tensor:
                seed = 10_007 * request.seed + block
                rows = replayed_rows(len(days), BLOCK_SIZE, request.horizon, self.mean_block, seed)
                return days[rows].float()

            return draw

        return continued
