"""Chronological splits with an embargo, and windows that are views of one resident tensor."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Span:
    """Rows ``start`` to ``end`` - 1 of a table in order of time."""

    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start


@dataclass(frozen=True)
class Split:
    """Training first, then an embargo in which nothing is used, then validation."""

    training: Span
    validation: Span


def chronological_split(n_days: int, validation_share: float, embargo: int) -> Split:
    """Cut the days into training and validation, with ``embargo`` days between them.

    Args:
        n_days: Number of rows in order of time.
        validation_share: Share of all rows kept for validation, the latest ones; in (0, 1).
        embargo: Rows between the spans that belong to neither; one window keeps overlapping
            windows and the filter's memory of the last days apart.

    Raises:
        ValueError: If a span would be empty.
    """
    if not 0 < validation_share < 1:
        raise ValueError(f"validation_share must lie in (0, 1), got {validation_share}")
    if embargo < 0:
        raise ValueError(f"embargo must not be negative, got {embargo}")
    n_validation = round(n_days * validation_share)
    n_training = n_days - n_validation - embargo
    if n_training < 1 or n_validation < 1:
        raise ValueError(
            f"{n_days} days must leave at least one day for training and one for validation, got"
            f" {n_training} and {n_validation} at embargo {embargo}"
        )
    return Split(Span(0, n_training), Span(n_training + embargo, n_days))


@dataclass(frozen=True)
class WindowSet:
    """Windows of consecutive days within one span of a resident tensor.

    Args:
        values: All returns, NaN where not observed. Windows are views of it.
        window: Days per window.
        starts: First row of each window, in order of time.
        is_whole: Whether every value is observed, so that no window needs a mask.
    """

    values: Float[Tensor, "n_days n_assets"]
    window: int
    starts: Int[Tensor, "n_windows"]
    is_whole: bool = False

    @classmethod
    def of(
        cls,
        values: Float[Tensor, "n_days n_assets"],
        window: int,
        *,
        span: Span | None = None,
        least_observed: float = 0.8,
    ) -> "WindowSet":
        """All windows that lie within ``span`` and are observed well enough.

        Args:
            values: All returns, NaN where not observed.
            window: Days per window.
            span: Rows to stay in; default all.
            least_observed: Least share of observed cells in a window; in [0, 1].

        Raises:
            ValueError: If no window fits.
        """
        span = span or Span(0, len(values))
        if not 1 <= window <= len(span):
            raise ValueError(f"window must lie in 1..{len(span)}, the span's days, got {window}")
        if not 0 <= least_observed <= 1:
            raise ValueError(f"least_observed must lie in [0, 1], got {least_observed}")
        shares = (~values[span.start : span.end].isnan()).double().mean(dim=1)
        sums = torch.cat([shares.new_zeros(1), shares.cumsum(dim=0)])
        observed = (sums[window:] - sums[:-window]) / window
        starts = (observed >= least_observed - 1e-9).nonzero().squeeze(1) + span.start
        if not len(starts):
            raise ValueError(
                f"no window of {window} days has {least_observed:.0%} of its cells observed;"
                " lower least_observed or leave short-lived assets out"
            )
        return cls(values, window, starts, is_whole=not bool(values.isnan().any()))

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def views(self) -> Float[Tensor, "n_starts window n_assets"]:
        """The window at every row of the tensor: a view, nothing is copied."""
        return self.values.unfold(0, self.window, 1).movedim(-1, 1)

    def gather(
        self, starts: Int[Tensor, "batch"]
    ) -> tuple[
        Float[Tensor, "batch window n_assets"], Bool[Tensor, "batch window n_assets"] | None
    ]:
        """Windows that begin at ``starts``: values with 0 where not observed, and the mask.

        There is no mask where every value of the tensor is observed.

        Args:
            starts: Rows of the tensor, usually some of ``self.starts``.
        """
        windows = self.views[starts]
        if self.is_whole:
            return windows, None
        mask = ~windows.isnan()
        return torch.where(mask, windows, 0.0), mask
