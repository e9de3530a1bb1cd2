"""Windows of days near to each other: nearest distances, and longest runs along the diagonal.

All distances of a block of windows to all training windows are one matrix product. Runs are found
in two passes: a screen compares every few days' window, so that each run long enough is met at
least once, and what it meets is walked day by day, back to the first day of its run and forward to
the last.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

CHUNK = 2**22  # distances held at once
FAR = 1e3  # where nothing is observed: nothing is near
LEAST_OBSERVED = 0.5  # of the cells of two windows, both observed, for a distance


@dataclass(frozen=True)
class NearSearch:
    """Paths and training rows in one unit, float32, ready to be compared window by window."""

    paths: Float[Tensor, "n_paths n_days n_assets"]
    training: Float[Tensor, "n_rows n_assets"]
    scale_free: bool

    @classmethod
    def of(
        cls,
        paths: Float[Tensor, "n_paths n_days n_assets"],
        training: Float[Tensor, "n_rows n_assets"],
        scale_free: bool,
    ) -> "NearSearch":
        """Bring both to standard deviations of each asset in training."""
        sd = _spread(training)
        return cls((paths / sd).float(), (training / sd).float(), scale_free)

    def nearest(self, window: int, stride: int) -> Float[Tensor, "n_paths n_windows"]:
        """Distance of windows, one every ``stride`` days, to the nearest training window."""
        ours, theirs = self._windows(window, stride), self._training(window)
        best = [squares.amin(1) for _, squares in mean_squares(ours.flatten(0, 1), theirs)]
        return torch.cat(best).clamp(min=0).sqrt().unflatten(0, ours.shape[:2])

    def longest(self, window: int, screen: int, tolerance: float) -> Int[Tensor, " n_paths"]:
        """Most consecutive windows of each path within ``tolerance`` of consecutive training ones.

        Args:
            window: Days of a window.
            screen: Days that the screen compares at once and by which it moves on; a run that
                holds no such stretch whole may be missed.
            tolerance: Root mean square over the cells of a window.
        """
        heads = self._screened(window, screen, tolerance)
        path, day, row = self._first(heads, window, screen, tolerance)
        longest = torch.zeros(len(self.paths), dtype=torch.int64)
        length = 1
        while len(path):
            longest[path] = length
            alive = self._near(path, day + length, row + length, window, tolerance)
            path, day, row = path[alive], day[alive], row[alive]
            length += 1
        return longest

    def _screened(
        self, window: int, screen: int, tolerance: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(path, day, row) where a stretch of ``screen`` days is near on the average."""
        wide = max(window, screen)
        ours, theirs = self._windows(wide, screen), self._training(wide)
        n_stretches = ours.shape[1]
        hits = []
        for first, squares in mean_squares(ours.flatten(0, 1), theirs):
            near = (squares.amin(1) <= tolerance**2).nonzero().squeeze(1)  # few: look there only
            stretch, row = (squares[near] <= tolerance**2).nonzero().unbind(1)
            hits.append(torch.stack([near[stretch] + first, row]))
        stretch, row = torch.cat(hits, 1)
        return stretch // n_stretches, stretch % n_stretches * screen, row

    def _first(
        self, found: tuple[Tensor, Tensor, Tensor], window: int, screen: int, tolerance: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """First days of runs; a hit whose run the screen has met before is left out."""
        path, day, row = found
        is_near = self._near(path, day, row, window, tolerance)
        path, day, row = path[is_near], day[is_near], row[is_near]
        back, walking = torch.zeros_like(day), torch.ones_like(day, dtype=torch.bool)
        for step in range(1, screen + 1):
            walking &= self._near(path, day - step, row - step, window, tolerance)
            back += walking
        starts = back < screen
        return path[starts], (day - back)[starts], (row - back)[starts]

    def _near(
        self, path: Tensor, day: Tensor, row: Tensor, window: int, tolerance: float
    ) -> Bool[Tensor, " n_hits"]:
        """Whether single windows are within the tolerance; False beyond either end."""
        n_days, n_rows = self.paths.shape[1] - window + 1, len(self.training) - window + 1
        inside = (day >= 0) & (row >= 0) & (day < n_days) & (row < n_rows)
        offsets = torch.arange(window)
        near = torch.zeros_like(inside)
        for places in inside.nonzero().squeeze(1).split(2**18):
            days, rows = day[places, None] + offsets, row[places, None] + offsets
            ours = self._cells(self.paths[path[places, None], days])
            theirs = self._cells(self.training[rows])
            squares = (ours - theirs).square()
            observed = (~squares.isnan()).float().mean(1) >= LEAST_OBSERVED
            near[places] = observed & (squares.nanmean(1) <= tolerance**2)
        return near

    def _windows(self, window: int, stride: int) -> Float[Tensor, "n_paths n_windows n_cells"]:
        return self._cells(self.paths.unfold(1, window, stride).movedim(-1, -2))

    def _training(self, window: int) -> Float[Tensor, "n_windows n_cells"]:
        """Training windows; those in which nothing may be compared lie far away."""
        windows = self._cells(self.training.unfold(0, window, 1).movedim(-1, -2))
        empty = windows.isnan().all(1, keepdim=True)
        return torch.where(empty, FAR, windows)

    def _cells(
        self, windows: Float[Tensor, "*windows window n_assets"]
    ) -> Float[Tensor, "*windows n_cells"]:
        """A window as one vector; scale-free: each asset divided by its own size.

        A day on which no asset is observed voids the window.
        """
        if self.scale_free:
            size = windows.square().nanmean(-2, keepdim=True).sqrt()
            windows = windows / size.clamp(min=1e-6)
        voided = windows.isnan().all(-1).any(-1)[..., None, None]
        return torch.where(voided, torch.nan, windows).flatten(-2)


def _spread(training: Float[Tensor, "n_rows n_assets"]) -> Float[Tensor, " n_assets"]:
    deviations = training.double() - training.double().nanmean(0)
    return deviations.square().nanmean(0).sqrt().clamp(min=1e-12).to(training)


def mean_squares(
    ours: Float[Tensor, "n_ours n_cells"], theirs: Float[Tensor, "n_theirs n_cells"]
) -> Iterator[tuple[int, Float[Tensor, "n_chunk n_theirs"]]]:
    """Mean squared difference of all pairs, a chunk of ``ours`` at a time.

    Only cells that both have observed count; infinite where fewer than half are.

    Yields:
        The chunk's first row, and its distances; rounding may leave a tiny negative one.
    """
    n_cells, step = ours.shape[1], max(CHUNK // len(theirs), 1)
    complete = not (ours.isnan().any() or theirs.isnan().any())
    compare = _complete if complete else _observed
    for first in range(0, len(ours), step):
        yield first, compare(ours[first : first + step] / n_cells**0.5, theirs / n_cells**0.5)


def _complete(ours: Tensor, theirs: Tensor) -> Tensor:
    one = ours.new_ones(1)
    left = torch.cat([-2 * ours, ours.square().sum(1, keepdim=True), one.expand(len(ours), 1)], 1)
    norms = theirs.square().sum(1, keepdim=True)
    return left @ torch.cat([theirs, one.expand(len(theirs), 1), norms], 1).T


def _observed(ours: Tensor, theirs: Tensor) -> Tensor:
    seen, known = (~ours.isnan()).float(), (~theirs.isnan()).float()
    x, y = ours.nan_to_num(), theirs.nan_to_num()
    left, right = torch.cat([-2 * x, x.square(), seen], 1), torch.cat([y, known, y.square()], 1)
    share = seen @ known.T / ours.shape[1]
    return torch.where(share >= LEAST_OBSERVED, (left @ right.T) / share, torch.inf)
