"""Does a generator copy? Longest near-duplicates and nearest neighbours, beside real against real.

A copy is a run of several consecutive days that repeat training days, not a single day: resampling
single days (historical simulation, FHS) reuses a joint row without repeating any history, whereas
a replay repeats days one after the other. Two searches look for runs:

- plain: each day within a tolerance of the training day, in standard deviations of each asset;
- scale-free: each window of ``SCALE_WINDOW`` days, divided per asset by its own size, within a
  tolerance of a training window divided likewise; so a replay is caught that was rescaled by
  today's volatility, as a block bootstrap of filtered innovations is.

Both are compared with the same figure of real days that are not in the training rows they are
searched in: chance alone makes long runs where there is one asset and many days, none where there
are twenty. A path copies where its run is longer than that of every real stretch by half, and a
generator where more than ``COPIED_SHARE`` of its paths do. Nearest neighbours of whole windows
(scale-free, so that a calm market is not taken for a near one) are a finer measure of copies with
noise; as one resampled day draws its window nearer too, they decide only at ``CLOSER_SHARE``.

In 40 simulated GARCH markets of 1,500 days the true model raised one false alarm where the market
was one asset and none where it was four; single days resampled none; a block bootstrap of 10 days
was caught in every one.

Source: Carlini et al. (2021), Extracting training data from large language models, for eidetic
memorisation as verbatim runs; Gulrajani, Raffel & Metz (2019), Towards GAN benchmarks which
require generalization, and Meehan, Chaudhuri & Dasgupta (2020), A non-parametric test to detect
data-copying in generative models, for distances of generated against held-out to training.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from fingan.metrics.neighbours import NearSearch

Paths = Float[Tensor, "n_paths n_days n_assets"]
Rows = Float[Tensor, "n_rows n_assets"]  # in order of time; NaN where not observed
Lengths = Int[Tensor, " n_paths"]
Distances = Float[Tensor, " n_windows"]

TOLERANCE, SCALE_FREE_TOLERANCE = 0.1, 0.25
SCALE_WINDOW, NEIGHBOUR_WINDOW = 5, 10  # days
SCREEN = 2  # days compared at once in the first pass
EMBARGO = 20  # days beside a real stretch that it is not searched in
SLACK, FACTOR = 2, 1.5  # days, and factor, by which a run may exceed the longest real one
COPIED_SHARE = 0.01  # of the paths: more is a copying generator
CLOSER_SHARE, CLOSER_P = 0.05, 1e-3  # of the windows nearer than 99 % of real ones: likewise


@dataclass(frozen=True)
class Duplicates:
    """Longest runs of days near to training days: of generated paths and of real stretches."""

    synthetic: Int[Tensor, " n_paths"]
    """Days; per path."""
    real: Int[Tensor, " n_stretches"]
    """Days; per stretch of real days, as long as a path, that is not in the rows searched."""

    @property
    def ratio(self) -> float:
        """Memorisation ratio: mean longest run of paths over that of real stretches."""
        return float(self.synthetic.double().mean() / self.real.double().mean())

    @property
    def longest_allowed(self) -> int:
        """Longest run of any real stretch, and half as much again; ``SLACK`` days at least."""
        longest = int(self.real.max())
        return max(longest + SLACK, math.ceil(FACTOR * longest))

    @property
    def share_copied(self) -> float:
        """Share of paths with a longer run than allowed."""
        return float((self.synthetic > self.longest_allowed).double().mean())

    def record(self) -> dict[str, Any]:
        """The findings, as JSON."""
        return {
            "longest": int(self.synthetic.max()),
            "longest_real": int(self.real.max()),
            "longest_allowed": self.longest_allowed,
            "memorisation_ratio": self.ratio,
            "share_copied": self.share_copied,
            "is_copy": self.is_copy,
        }

    @property
    def is_copy(self) -> bool:
        """Whether more than ``COPIED_SHARE`` of the paths copy."""
        return self.share_copied > COPIED_SHARE


@dataclass(frozen=True)
class Neighbours:
    """Distance of windows to the nearest training window: generated and real ones."""

    synthetic: Float[Tensor, " n_windows"]
    real: Float[Tensor, " n_real_windows"]

    @property
    def ratio(self) -> float:
        """Median distance of generated windows over that of real ones; a copy is near 0."""
        return float(self.synthetic.median() / self.real.median())

    @property
    def share_closer(self) -> float:
        """Share of generated windows closer than the 1 % quantile of real ones; honest: 0.01."""
        return float((self.synthetic < self._threshold()[0]).double().mean())

    @property
    def p_value(self) -> float:
        """Of a share this large, were generated windows no nearer than real ones.

        Exact for independent windows: given the k-th smallest of n real distances, the number of
        generated ones below it is beta-binomial. Windows that follow each other are not quite
        independent, so read it beside the share.

        Source: Wilks (1942), Statistical prediction with special reference to the problem of
            tolerance limits, section 3.
        """
        from scipy.stats import betabinom

        threshold, rank = self._threshold()
        n_closer = int((self.synthetic < threshold).sum())
        n_real = len(self.real)
        law = betabinom(len(self.synthetic), rank, n_real - rank + 1)
        return float(law.sf(n_closer - 1))

    @property
    def is_copy(self) -> bool:
        """Whether more windows are that close than chance and single days explain."""
        return self.share_closer > CLOSER_SHARE and self.p_value < CLOSER_P

    def record(self) -> dict[str, Any]:
        """The findings, as JSON."""
        return {
            "median_ratio": self.ratio,
            "share_closer": self.share_closer,
            "p": self.p_value,
            "is_copy": self.is_copy,
        }

    def _threshold(self) -> tuple[float, int]:
        """The 1 % quantile of real distances, and which of them in order it is."""
        rank = max(round(0.01 * len(self.real)), 1)
        return float(self.real.kthvalue(rank).values), rank


@dataclass(frozen=True)
class CopySearch:
    """All copy statistics of one set of paths."""

    plain: Duplicates
    scale_free: Duplicates
    neighbours: Neighbours

    @property
    def is_copy(self) -> bool:
        """Whether a search for runs, or the nearest neighbours, show a copying generator."""
        return self.plain.is_copy or self.scale_free.is_copy or self.neighbours.is_copy

    def record(self) -> dict[str, Any]:
        """The findings, as JSON."""
        return {
            "is_copy": self.is_copy,
            "runs": self.plain.record(),
            "scale_free_runs": self.scale_free.record(),
            "nearest_neighbours": self.neighbours.record(),
        }


def search_copies(
    synthetic: Paths,
    training: Rows,
    held_out: Float[Tensor, "n_held_out n_assets"] | None = None,
) -> CopySearch:
    """Search generated paths for copies of training days, beside real days.

    Args:
        synthetic: Log-returns of generated paths; one asset alone is a slice of it.
        training: Log-returns that the generator has seen.
        held_out: Consecutive real returns that it has not seen; None to search each stretch of
            the training rows in all others, which keeps to the period.

    Raises:
        ValueError: If a path is longer than ``held_out``, or than a quarter of ``training``
            where stretches of it are searched in the rest.
    """
    n_days = synthetic.shape[1]
    real = training if held_out is None else held_out
    longest = len(training) // 4 if held_out is None else len(held_out)
    if n_days > longest:
        raise ValueError(
            f"paths must have at most {longest} days to be compared with {len(real)} real days"
            f" as long, got {n_days}"
        )
    starts = range(0, len(real) - n_days + 1, n_days)
    pairs = [
        (real[start : start + n_days].unsqueeze(0), _without(training, start, n_days))
        if held_out is None
        else (real[start : start + n_days].unsqueeze(0), training)
        for start in starts
    ]
    plain, scale_free = (
        Duplicates(
            longest_duplicates(synthetic, training, scale_free=free),
            torch.cat([longest_duplicates(*pair, scale_free=free) for pair in pairs]),
        )
        for free in (False, True)
    )
    neighbours = Neighbours(
        nearest_distances(synthetic, training, scale_free=True),
        torch.cat([nearest_distances(*pair, scale_free=True) for pair in pairs]),
    )
    return CopySearch(plain, scale_free, neighbours)


def longest_duplicates(paths: Paths, training: Rows, *, scale_free: bool = False) -> Lengths:
    """Longest run of consecutive days of each path that repeats a run of training days.

    Args:
        paths: In the unit of ``training``.
        training: Rows searched; a run ends at a row that is not observed.
        scale_free: Divide windows by their own size per asset first.

    Returns:
        Days; runs of less than 3 days (scale-free: 9) are no copies and count as 2 (8).
    """
    search = NearSearch.of(paths, training, scale_free)
    if not scale_free:
        return search.longest(1, SCREEN, TOLERANCE).clamp(min=2 * SCREEN - 2)
    n_windows = search.longest(SCALE_WINDOW, SCALE_WINDOW, SCALE_FREE_TOLERANCE)
    return (n_windows + SCALE_WINDOW - 1).clamp(min=2 * SCALE_WINDOW - 2)


def nearest_distances(
    paths: Paths, training: Rows, window: int = NEIGHBOUR_WINDOW, *, scale_free: bool = False
) -> Distances:
    """Distance of each window of the paths, end to end, to the nearest window of training days.

    Args:
        paths: In the unit of ``training``.
        training: Every run of ``window`` rows is a candidate.
        window: Days.
        scale_free: Divide windows by their own size per asset first.

    Returns:
        Root mean square over days and assets, in standard deviations of each asset in training;
        scale-free: in the window's own size.
    """
    distances = NearSearch.of(paths, training, scale_free).nearest(window, window).flatten()
    return distances[distances.isfinite()]


def _without(training: Rows, start: int, n_days: int) -> Rows:
    """The training rows with a stretch, and ``EMBARGO`` days on either side, taken out."""
    rest = training.clone()
    rest[max(start - EMBARGO, 0) : start + n_days + EMBARGO] = torch.nan
    return rest
