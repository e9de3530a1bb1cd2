"""CPU-seconds of several contestants in turns: A B C A B C ..., so that load spoils all alike."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

import torch

YARD = 512  # rows and columns of the matrix product that stands for the machine's limit
YARD_REPEATS = 40


@dataclass(frozen=True)
class Contestant:
    """Work that is repeated once a turn."""

    run: Callable[[], object]
    amount: float
    """Of what one turn makes: windows, paths, floating-point operations."""


@dataclass(frozen=True)
class Timings:
    """CPU-seconds of each turn, by contestant."""

    seconds: dict[str, list[float]]
    amounts: dict[str, float]

    def rate(self, name: str) -> float:
        """Amount per CPU-second: the median over the turns."""
        return self.amounts[name] / median(self.seconds[name])

    def ratio(self, name: str, reference: str) -> float:
        """Rate over the reference's rate: the median of the ratios within each turn."""
        pairs = zip(self.seconds[name], self.seconds[reference], strict=True)
        share = self.amounts[name] / self.amounts[reference]
        return share * median(theirs / own for own, theirs in pairs)


def in_turns(contestants: Mapping[str, Contestant], n_turns: int) -> Timings:
    """Time every contestant once a turn, after one turn that does not count.

    Args:
        contestants: By name, in the order of their turns.
        n_turns: Turns that count.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(n_turns + 1):
        for name, contestant in contestants.items():
            spent = cpu_seconds(contestant.run)
            if turn:
                seconds[name].append(spent)
    return Timings(seconds, {name: entry.amount for name, entry in contestants.items()})


def cpu_seconds(action: Callable[[], object]) -> float:
    """CPU-seconds of this process, all threads, that an action takes."""
    began = time.process_time()
    action()
    return time.process_time() - began


def matrix_product() -> Contestant:
    """The physical limit: float32 products of square matrices, in floating-point operations."""
    left, right = torch.ones(YARD, YARD), torch.ones(YARD, YARD)
    product = torch.empty(YARD, YARD)

    def multiply() -> None:
        for _ in range(YARD_REPEATS):
            torch.mm(left, right, out=product)

    return Contestant(multiply, 2.0 * YARD**3 * YARD_REPEATS)
