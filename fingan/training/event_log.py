"""Metrics of a run as TensorBoard events."""

from types import TracebackType
from typing import Self

from fingan.files import Folder


class EventLog:
    """Writes scalars where TensorBoard finds them; without a directory it writes nothing."""

    def __init__(self, directory: Folder | None) -> None:
        self._writer = None
        if directory is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(directory))

    def add(self, step: int, metrics: dict[str, float]) -> None:
        """Record the metrics of a step."""
        if self._writer is not None:
            for name, value in metrics.items():
                self._writer.add_scalar(name, value, step)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.close()
