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


def run_on_workers(n_workers: int, work: Callable[..., Any], *arguments: Any) -> list[Any]:
    """Call ``work(*arguments)`` on each of ``n_workers`` processes; their results by rank."""
    context = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory() as directory,
        ProcessPoolExecutor(n_workers, mp_context=context) as pool,
    ):
        rendezvous = Path(directory, "rendezvous").as_uri()
        running = [
            pool.submit(_as_worker, rendezvous, n_workers, rank, work, arguments)
            for rank in range(n_workers)
        ]
        return [worker.result() for worker in running]


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
