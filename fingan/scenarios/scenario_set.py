"""The cube: joint scenarios of all assets, drawn block by block or held in memory.

A stream draws fixed blocks of paths; block ``i`` is a pure function of its index, so that neither
the number of paths nor the number of threads changes a path. A set is a stream that was collected.
"""

import os
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from fingan import interruption
from fingan.scenarios import formats, layouts, readers
from fingan.scenarios.header import Layout, ScenarioHeader, StepDate, Values

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["Layout", "ScenarioHeader", "ScenarioSet", "ScenarioStream", "StepDate", "Values"]

LogReturns = Float32[Tensor, "n_paths horizon n_assets"]
Paths = Float[Tensor, "n_paths horizon n_assets"]  # float64
Weights = Float[Tensor, " n_paths"] | None  # probability of each path; None where all are equal
Result = TypeVar("Result")


@dataclass(frozen=True)
class ScenarioStream:
    """Scenarios that are drawn as they are asked for; drawing them again gives the same.

    Args:
        header: What the scenarios are about.
        block_size: Paths that one draw yields; part of what determines their values.
        draw_block: Index of a block to its log-returns ``[block_size, horizon, n_assets]``,
            float32; the last block need hold no more than its paths. It must be pure and safe to
            call from several threads.
        n_threads: Blocks drawn at once; changes no value.
        weights: Probability of each path; None where all are equal.
    """

    header: ScenarioHeader
    block_size: int
    draw_block: Callable[[int], Tensor]
    n_threads: int = 1
    weights: Weights = None

    def __post_init__(self) -> None:
        for name, count in (("block_size", self.block_size), ("n_threads", self.n_threads)):
            if count < 1:
                raise ValueError(f"{name} must be at least 1, got {count}")

    @property
    def n_blocks(self) -> int:
        """Draws that hold all paths; the first and the last one may be cut."""
        first, last = self.header.first, self.header.first + self.header.n_paths
        return -(-last // self.block_size) - first // self.block_size

    def blocks(self) -> Generator[LogReturns, None, None]:
        """Log-returns in the order of the paths; ``n_threads + 1`` blocks are alive at most."""
        return _in_order(self._block, self.n_blocks, self.n_threads)

    def page(self, offset: int, limit: int | None = None) -> Self:
        """Some of the paths, with their numbers and bits; only their blocks are drawn.

        Args:
            offset: Paths left out at the beginning.
            limit: Paths at most; None for all that follow.

        Raises:
            RequestError: If there is no such path.
        """
        header = self.header.page(offset, limit)
        weights = None if self.weights is None else self.weights[offset:][: header.n_paths]
        return replace(self, header=header, weights=weights)

    def select(self, assets: Sequence[str]) -> Self:
        """The paths of some of the assets, in the order given.

        Raises:
            RequestError: If an asset is named twice.
            UnknownAssetError: If there is no such asset.
        """
        places, draw = self.header.places(assets), self.draw_block

        def draw_some(index: int) -> Tensor:
            return draw(index)[..., places]

        return replace(self, header=self.header.selected(places), draw_block=draw_some)

    def collect(self) -> "ScenarioSet":
        """Draw all paths into one cube.

        Raises:
            RequestError: If the cube is larger than the memory of this machine.
        """
        log_returns = self.header.empty_cube()

        def place(index: int) -> None:
            first, last = self._bounds(index)
            log_returns[first:last] = self._block(index)

        deque(_in_order(place, self.n_blocks, self.n_threads), maxlen=0)
        return ScenarioSet(self.header, log_returns, self.weights)

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        values: Values = "simple_return",
        layout: Layout = "wide",
        format: formats.Format | None = None,  # noqa: A002 - the field's word
    ) -> None:
        """Draw the paths into a file, with memory that does not grow with their number.

        See :func:`fingan.scenarios.formats.write_scenarios`.
        """
        formats.write_scenarios(self, path, values=values, layout=layout, format=format)

    def _bounds(self, index: int) -> tuple[int, int]:
        """Places among these paths that a draw fills; 0 is the first path of this page."""
        skipped = self.header.first % self.block_size
        first = index * self.block_size - skipped
        return max(first, 0), min(first + self.block_size, self.header.n_paths)

    def _block(self, index: int) -> LogReturns:
        number = self.header.first // self.block_size + index
        block = self.draw_block(number)
        first, last = self._bounds(index)
        begin = self.header.first + first - number * self.block_size
        end = begin + last - first
        assert end <= len(block) <= self.block_size, block.shape
        assert block.shape[1:] == self.header.shape[1:], block.shape
        return block[begin:end]


@dataclass(frozen=True)
class ScenarioSet:
    """Joint scenarios in memory.

    Args:
        header: What the scenarios are about.
        log_returns: One path a row; differences where ``header.kind`` is ``"level"``.
        weights: Probability of each path, for scenarios reweighted under a condition; None where
            all are equal.
    """

    header: ScenarioHeader
    log_returns: LogReturns
    weights: Weights = None

    def __post_init__(self) -> None:
        if self.log_returns.shape != self.header.shape:
            raise ValueError(
                f"log_returns must be {self.header.shape}, got {tuple(self.log_returns.shape)}"
            )
        if self.weights is not None and len(self.weights) != self.n_paths:
            raise ValueError(
                f"weights must hold one number for each of {self.n_paths} paths, "
                f"got {len(self.weights)}"
            )

    @property
    def assets(self) -> tuple[str, ...]:
        """Names of the assets."""
        return self.header.assets

    @property
    def horizon(self) -> int:
        """Steps of each path."""
        return self.header.horizon

    @property
    def n_paths(self) -> int:
        """Number of paths."""
        return self.header.n_paths

    @property
    def dates(self) -> tuple[StepDate, ...] | None:
        """Date of each step, where a calendar is known."""
        return self.header.dates

    @property
    def start_prices(self) -> tuple[float, ...]:
        """Last observed prices, from which the paths continue."""
        return self.header.start_prices

    @property
    def metadata(self) -> dict[str, Any]:
        """Where the scenarios come from."""
        return self.header.metadata

    @property
    def members(self) -> Int64[Tensor, " n_paths"]:
        """The generator of an ensemble that drew each path, from 0."""
        first = self.header.first
        numbers = torch.arange(first, first + self.n_paths)
        return numbers % self.metadata.get("n_generators", 1)

    def blocks(self) -> Generator[LogReturns, None, None]:
        """The whole cube as one block, so that a set is written as a stream is."""
        yield self.log_returns

    def page(self, offset: int, limit: int | None = None) -> Self:
        """Some of the paths, as :meth:`ScenarioStream.page` gives them."""
        header = self.header.page(offset, limit)
        rows = slice(offset, offset + header.n_paths)
        weights = None if self.weights is None else self.weights[rows]
        return replace(self, header=header, log_returns=self.log_returns[rows], weights=weights)

    def select(self, assets: Sequence[str]) -> Self:
        """The paths of some of the assets, as :meth:`ScenarioStream.select` gives them."""
        places = self.header.places(assets)
        header = self.header.selected(places)
        return replace(self, header=header, log_returns=self.log_returns[..., places])

    def simple_returns(self) -> Paths:
        """Simple return of each step, float64; the change itself where the kind is a level."""
        return layouts.as_values(self.log_returns, self.header, "simple_return").double()

    def prices(self) -> Paths:
        """Price after each step, float64, from the last observed prices on."""
        return layouts.as_values(self.log_returns, self.header, "price").double()

    def terminal(self, values: Values = "simple_return") -> Float[Tensor, "n_paths n_assets"]:
        """Value over the whole horizon, float64: by default the compounded simple return."""
        totals = layouts.horizon_totals(self.log_returns)
        return layouts.as_values(totals, self.header, values).squeeze(1)

    def to_arrow(self, values: Values = "simple_return", layout: Layout = "wide") -> "pa.Table":
        """The scenarios as the table that :meth:`save` writes."""
        return formats.to_table(self, values=values, layout=layout)

    def to_frame(self, values: Values = "simple_return", layout: Layout = "wide") -> "pd.DataFrame":
        """The scenarios as a data frame with the columns that :meth:`save` writes."""
        frame: pd.DataFrame = self.to_arrow(values, layout).to_pandas(date_as_object=False)
        return frame

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        values: Values = "simple_return",
        layout: Layout = "wide",
        format: formats.Format | None = None,  # noqa: A002 - the field's word
    ) -> None:
        """Write the scenarios to a file; see :func:`fingan.scenarios.formats.write_scenarios`."""
        formats.write_scenarios(self, path, values=values, layout=layout, format=format)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a Parquet or Arrow file that :meth:`save` wrote in layout ``wide`` or ``tensor``.

        Log-returns come back as they were; from simple returns or prices they come back to the
        rounding of a float32.

        Raises:
            StoreError: If the file cannot be read or is not such a file.
            RequestError: If the cube is larger than the memory of this machine.
        """
        return cls(*readers.read_scenarios(path))


def _in_order(
    task: Callable[[int], Result], n_tasks: int, n_threads: int
) -> Generator[Result, None, None]:
    """Results of ``task(0), task(1), ...``, up to ``n_threads`` of them computed ahead.

    Closing the iterator, an interruption or Ctrl-C cancels what has not begun, and waits for the
    rest.
    """
    if n_threads == 1:
        for index in range(n_tasks):
            interruption.check()
            yield _alone(task, index)
        return
    before = torch.get_num_threads()
    pool = ThreadPoolExecutor(n_threads, initializer=torch.set_num_threads, initargs=(1,))
    try:
        first = range(min(n_threads, n_tasks))
        waiting = deque(pool.submit(_alone, task, index) for index in first)
        for following in range(n_threads, n_tasks + n_threads):
            interruption.check()
            yield waiting.popleft().result()
            if following < n_tasks:
                waiting.append(pool.submit(_alone, task, following))
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(before)  # one setting in a worker is seen by the whole process


def _alone(task: Callable[[int], Result], index: int) -> Result:
    """A task without gradients and on one thread: sums over several threads round differently."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.no_grad():
            return task(index)
    finally:
        torch.set_num_threads(before)
