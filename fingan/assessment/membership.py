"""Membership inference: can windows that a generator was trained on be told from others?

A published model has seen its whole period, and windows of another period differ for reasons of
their own. So the audit trains the recipe again with interleaved blocks of the training span
hidden, and attacks that shadow: members are windows of the visible days, held out are the hidden
blocks between them. What the attacks find is what the recipe leaks.

- ``nearest_path``: distance to the nearest generated path, calibrated by the distance to the
  nearest path of a reference that has seen members and held-out windows alike.
- ``path_density``: how many generated paths lie near, and how near, in units of the window's
  starting volatility.

Paths continue the history of each window, from its own starting volatility, and are pooled.

Source: Chen, Yu, Zhang & Fritz (2020), GAN-Leaks: a taxonomy of membership inference attacks
against generative models, sections 4.3 and 4.5; Hilprecht, Haerterich & Bernau (2019), Monte
Carlo and reconstruction membership inference attacks against generative models, section 4.1;
Carlini et al. (2022), Membership inference attacks from first principles, section 3, for the true
positive rate at a low false positive rate.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from fingan.data.returns import ReturnTable
from fingan.data.scaling import ReturnScaler
from fingan.metrics.neighbours import mean_squares
from fingan.scenarios.samplers import Continuations, ScenarioRequest
from fingan.volatility.filter import fit_filter

Members = Float[Tensor, " n_members"]  # scores; higher is more like a member
HeldOut = Float[Tensor, " n_held_out"]

WINDOW = 10  # days of a hidden block, and of a member
MIN_PERIOD, MAX_PERIOD, N_BLOCKS = 40, 80, 120  # days from one block to the next; blocks aimed at
MIN_BLOCKS = 12  # below, no figure is worth its name
MIN_FOR_RATE = 100  # held-out windows that a false positive rate of 1 % needs
LEAST_OBSERVED = 0.5  # of the cells of a window
N_PATHS = 512  # continued from the start of each window
MOST_NEAR, IN_BALL = 256, 32  # nearest paths kept; those within reach of the median window
FALSE_POSITIVE_RATE = 0.01
N_BOOTSTRAP, CONFIDENCE = 2_000, 0.95
NEAREST = 1e-4  # standard deviations below which two windows are the same


@dataclass(frozen=True)
class AuditBlocks:
    """First rows of hidden blocks and of the members between them; pair i shares its period."""

    members: tuple[int, ...]
    held_out: tuple[int, ...]

    @classmethod
    def of(cls, table: ReturnTable, n_training: int) -> "AuditBlocks":
        """Interleave blocks in the first ``n_training`` rows, where enough is observed."""
        period = min(max(n_training // N_BLOCKS, MIN_PERIOD), MAX_PERIOD)
        ends = range(period, n_training + 1, period)
        pairs = [(end - (period + 2 * WINDOW) // 2, end - WINDOW) for end in ends]
        shares = table.observed.double().mean(1).unfold(0, WINDOW, 1).mean(1)
        kept = [pair for pair in pairs if all(shares[row] >= LEAST_OBSERVED for row in pair)]
        return cls(tuple(member for member, _ in kept), tuple(hidden for _, hidden in kept))

    def __len__(self) -> int:
        return len(self.members)

    def hide(self, table: ReturnTable) -> ReturnTable:
        """The table without the held-out blocks: nothing is observed in them."""
        values = table.values.clone()
        for row in self.held_out:
            values[row : row + WINDOW] = torch.nan
        return ReturnTable(table.assets, table.dates, values, table.kind)


def attack(
    generator: Continuations,
    reference: Continuations,
    table: ReturnTable,
    blocks: AuditBlocks,
    seed: int = 0,
) -> dict[str, Any]:
    """Attack a generator that has seen the visible days of a table.

    Args:
        generator: Of the whole table, from what knows the visible days alone.
        reference: Of the whole table, from what has seen members and held-out windows alike.
        table: Members and held-out windows.
        blocks: Where they lie.
        seed: Of the paths and of the bootstrap.

    Returns:
        Per attack: AUC and true positive rate at 1 % false positives, each with the bounds of a
        bootstrap of blocks of neighbouring pairs; the rate is None below ``MIN_FOR_RATE``.
    """
    starts = (*blocks.members, *blocks.held_out)
    scaler = ReturnScaler.fit(table)
    scaled = scaler.transform(table.values)
    windows = torch.stack([scaled[row : row + WINDOW] for row in starts]).float().flatten(1)
    near, near_reference = (
        _near(windows, _paths(source, starts, seed, scaler)) for source in (generator, reference)
    )
    volatility = fit_filter(scaled, "ewma").variances(scaled)[list(starts)].mean(1).sqrt()
    scores = {
        "nearest_path": near_reference[:, 0].log() - near[:, 0].log(),
        "path_density": _density(near / volatility.float()[:, None]),
    }
    bootstrap = PairBootstrap.of(len(blocks), torch.Generator().manual_seed(seed))
    return {
        name: bootstrap.figures(values[: len(blocks)].double(), values[len(blocks) :].double())
        for name, values in scores.items()
    }


def area_under_curve(members: Members, held_out: HeldOut) -> float:
    """Probability that a member scores above a held-out window; ties count half.

    Source: Hanley & McNeil (1982), The meaning and use of the area under a ROC curve.
    """
    return float(_wins(members, held_out).mean())


def true_positive_rate(members: Members, held_out: HeldOut) -> float | None:
    """Share of members above the score that at most 1 % of the held-out windows exceed.

    Returns:
        None where fewer than ``MIN_FOR_RATE`` windows are held out.
    """
    if len(held_out) < MIN_FOR_RATE:
        return None
    n_exceeding = math.floor(FALSE_POSITIVE_RATE * len(held_out))
    threshold = held_out.topk(n_exceeding + 1).values[-1]
    return float((members > threshold).double().mean())


def _paths(
    source: Continuations, starts: tuple[int, ...], seed: int, scaler: ReturnScaler
) -> Iterator[Float[Tensor, "n_paths n_cells"]]:
    """Scaled paths from each start; each start has noise of its own."""
    for index, row in enumerate(starts):
        request = ScenarioRequest(WINDOW, N_PATHS, seed * len(starts) + index)
        yield scaler.transform(source(row - 1, request)(0)).flatten(1)


def _near(
    windows: Float[Tensor, "n_windows n_cells"],
    paths: Iterator[Float[Tensor, "n_paths n_cells"]],
) -> Float[Tensor, "n_windows n_near"]:
    """Distances of each window to the nearest ``MOST_NEAR`` of all paths, in rising order."""
    near = torch.empty(len(windows), 0)
    for cube in paths:
        squares = torch.cat([chunk for _, chunk in mean_squares(windows, cube)])
        together = torch.cat([near, squares], 1)
        near = together.topk(min(MOST_NEAR, together.shape[1]), dim=1, largest=False).values
    return near.clamp(min=NEAREST**2).sqrt()


def _density(near: Float[Tensor, "n_windows n_near"]) -> Float[Tensor, " n_windows"]:
    """Paths within a radius, each counted by how deep inside it lies.

    The radius is the median over the windows of the distance to their ``IN_BALL``-th path.
    """
    radius = near[:, IN_BALL - 1].median()
    return (radius / near).log().clamp(min=0).sum(1)


@dataclass(frozen=True)
class PairBootstrap:
    """Pairs of a member and a held-out window, drawn again in circular blocks of neighbours.

    Bounds are those of the expanded percentile interval: quantiles taken as far out as Student's
    law of so few blocks asks for.

    Source: Politis & Romano (1992), A circular block-resampling procedure for stationary data,
        with blocks as long as the cube root of the number of pairs; Hesterberg (2015), What
        teachers should know about the bootstrap, section 5.3.
    """

    samples: Int[Tensor, "n_bootstrap n_pairs"]
    tail: float
    """Probability beyond either bound."""

    @classmethod
    def of(cls, n_pairs: int, random: torch.Generator) -> "PairBootstrap":
        """Draw the samples."""
        from scipy.stats import norm, t

        length = max(round(n_pairs ** (1 / 3)), 1)
        n_blocks = -(-n_pairs // length)
        first = torch.randint(n_pairs, (N_BOOTSTRAP, n_blocks, 1), generator=random)
        rows = (first + torch.arange(length)) % n_pairs
        reach = t.ppf((1 - CONFIDENCE) / 2, n_blocks - 1) * math.sqrt(n_blocks / (n_blocks - 1))
        return cls(rows.flatten(1)[:, :n_pairs], float(norm.cdf(reach)))

    def figures(self, members: Members, held_out: HeldOut) -> dict[str, float | None]:
        """AUC and true positive rate with their bounds."""
        wins = _wins(members, held_out)
        areas = torch.stack([wins[rows][:, rows].mean() for rows in self.samples])
        low, high = self._bounds(areas)
        rate = true_positive_rate(members, held_out)
        rate_low = rate_high = None
        if rate is not None:
            rates = [true_positive_rate(members[rows], held_out[rows]) for rows in self.samples]
            rate_low, rate_high = self._bounds(torch.tensor(rates, dtype=torch.float64))
        return {
            "auc": float(wins.mean()),
            "auc_low": low,
            "auc_high": high,
            "tpr_at_1pct_fpr": rate,
            "low": rate_low,
            "high": rate_high,
        }

    def _bounds(self, values: Float[Tensor, " n_bootstrap"]) -> tuple[float, float]:
        levels = torch.tensor([self.tail, 1 - self.tail], dtype=values.dtype)
        low, high = values.quantile(levels).tolist()
        return low, high


def _wins(members: Members, held_out: HeldOut) -> Float[Tensor, "n_members n_held_out"]:
    margin = members[:, None] - held_out
    return (margin.sign() + 1) / 2
