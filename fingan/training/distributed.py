"""Averaging over workers: one all-reduce a step, nothing to do in one process.

No DistributedDataParallel: gradient penalties differentiate twice, and its hooks are wrong for
that. The terms of the objective travel with the gradients, so that every worker sees the same
numbers and all stop in the same step when one of them is not finite.
"""

from collections.abc import Callable, Iterable

import torch
import torch.distributed as dist
from torch import Tensor, nn

from fingan.errors import FinganError, TrainingDivergedError

OK, FAILED = b"+", b"-"  # how the first worker's answer begins


def world_size() -> int:
    """Number of workers; 1 without a process group."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """This worker's number, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def own_share(batch_size: int) -> slice:
    """This worker's slice of the global batch; slices differ by one window at most.

    Raises:
        ValueError: If there are more workers than windows.
    """
    if batch_size < world_size():
        raise ValueError(
            "batch_size must be at least the number of workers,"
            f" got {batch_size} for {world_size()} workers"
        )
    first, last = (batch_size * number // world_size() for number in (rank(), rank() + 1))
    return slice(first, last)


def average_gradients(
    modules: Iterable[nn.Module], terms: dict[str, Tensor], step: int, weight: float = 1.0
) -> dict[str, float]:
    """Average the gradients, in place, and the terms of the objective over all workers.

    Args:
        modules: Networks after ``backward``; a parameter without gradient is left alone.
        terms: Scalars of this worker.
        step: For the error.
        weight: This worker's part of the global batch; the weights of all add up to 1.

    Returns:
        The averaged terms, equal on all workers.

    Raises:
        TrainingDivergedError: On every worker in the same step, if a term or a gradient of any
            worker is not finite; no weight has been changed then.
    """
    gradients = [p.grad for module in modules for p in module.parameters() if p.grad is not None]
    scalars = torch.stack([*terms.values()])
    flat = torch.cat([*(gradient.flatten() for gradient in gradients), scalars])
    if world_size() > 1:
        flat *= weight
        dist.all_reduce(flat)
    averages = dict(zip(terms, flat[len(flat) - len(terms) :].tolist(), strict=True))
    if not flat.sum().isfinite() and not flat.isfinite().all():
        raise TrainingDivergedError(step, averages)
    if world_size() > 1:
        sizes = [gradient.numel() for gradient in gradients]
        for gradient, mean in zip(gradients, flat.split([*sizes, len(terms)]), strict=False):
            gradient.copy_(mean.view_as(gradient))
    return averages


def mean_over_workers(tensor: Tensor, n_windows: int) -> Tensor:
    """The mean over the global batch of what every worker has as the mean over its own windows."""
    if world_size() == 1:
        return tensor
    total = torch.cat([tensor.flatten(), tensor.new_ones(1)]) * n_windows
    dist.all_reduce(total)
    return (total[:-1] / total[-1]).view_as(tensor)


def broadcast_weights(modules: Iterable[nn.Module]) -> None:
    """Give every worker the first worker's weights and buffers."""
    if world_size() > 1:
        for module in modules:
            for tensor in module.state_dict().values():
                dist.broadcast(tensor, src=0)


def from_first_worker(make: Callable[[], bytes], device: torch.device | str = "cpu") -> bytes:
    """What the first worker alone makes, on every worker.

    Args:
        make: Called on the first worker only; the others wait for its bytes.
        device: Where this worker trains: NCCL carries nothing that lies elsewhere.

    Raises:
        FinganError: On every worker in the same place, if ``make`` raises one.
    """
    answer, failure = b"", None
    if rank() == 0:
        try:
            answer = OK + make()
        except FinganError as mistake:
            answer, failure = FAILED + str(mistake).encode(), mistake
    if world_size() > 1:
        answer = _broadcast_bytes(answer, torch.device(device))
    if failure is not None:
        raise failure
    if answer.startswith(FAILED):
        raise FinganError(answer.removeprefix(FAILED).decode())
    return answer.removeprefix(OK)


def _broadcast_bytes(content: bytes, device: torch.device) -> bytes:
    """The first worker's bytes, one at least."""
    size = torch.tensor([len(content)], device=device)
    dist.broadcast(size, src=0)
    buffer = bytearray(content if rank() == 0 else int(size))
    letters = torch.frombuffer(buffer, dtype=torch.uint8).to(device)
    dist.broadcast(letters, src=0)
    return letters.cpu().numpy().tobytes()
