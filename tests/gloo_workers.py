"""Real worker processes without Ray: gloo over loopback, one thread each."""

import datetime as dt
import multiprocessing
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

TIMEOUT = dt.timedelta(seconds=60)  # of one exchange


class GlooWorkers:
    """Processes that stay, so that only the first call waits for their imports."""

    def __init__(self, n_workers: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.n_workers = n_workers
        self._pool = ProcessPoolExecutor(n_workers, mp_context=context)

    def run(self, work: Callable[..., Any], *arguments: Any) -> list[Any]:
        """Call ``work(*arguments)`` on every worker at once; the results by rank."""
        with tempfile.TemporaryDirectory() as directory:
            rendezvous = Path(directory, "rendezvous").as_uri()
            running = [
                self._pool.submit(_as_worker, rendezvous, self.n_workers, rank, work, arguments)
                for rank in range(self.n_workers)
            ]
            return [worker.result(timeout=300) for worker in running]

    def close(self) -> None:
        """End the processes."""
        self._pool.shutdown()


def _as_worker(
    rendezvous: str, n_workers: int, rank: int, work: Callable[..., Any], arguments: tuple[Any, ...]
) -> Any:
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo", init_method=rendezvous, world_size=n_workers, rank=rank, timeout=TIMEOUT
    )
    try:
        return work(*arguments)
    finally:
        dist.destroy_process_group()
