"""Counter-based noise: the numbers of a path depend on (seed, block, step, place) and no more.

Philox turns a key and a counter into random bits, so any block of any stretch of steps can be
drawn alone, in any order, on any thread. The bits are the same on every machine; normals go
through the machine's own logarithm and cosine.

Source: Salmon, Moraes, Dror & Shaw (2011), Parallel random numbers: as easy as 1, 2, 3; Box &
Muller (1958), A note on the generation of random normal deviates.
"""

import math

import numpy as np
import torch
from jaxtyping import Float32, Int32, Int64
from torch import Tensor

NORMALS, ROWS = 1, 2  # streams of one seed that never meet
_DRAWS_PER_COUNT = 4  # 64-bit draws of one Philox counter
_ALIGNED = 2 * _DRAWS_PER_COUNT  # 32-bit draws


def random_bits(
    seed: int, stream: int, block: int, first_step: int, n_steps: int, n_values: int
) -> Int32[Tensor, "n_steps n_values"]:
    """Random 32-bit words of one block of paths over a stretch of steps.

    Args:
        seed: From 0 to 2^64 - 1.
        stream: Purpose of the numbers.
        block: Index of the block of paths.
        first_step: Step at which the stretch begins, from 0.
        n_steps: Steps in the stretch.
        n_values: Words per step; a multiple of 8, so that each step has its own counters.
    """
    assert n_values % _ALIGNED == 0, n_values
    counts = n_values // _ALIGNED
    counter = np.array([first_step * counts, block, 0, 0], dtype=np.uint64)
    bits = np.random.Philox(key=np.array([seed, stream], dtype=np.uint64), counter=counter)
    words = bits.random_raw(n_steps * counts * _DRAWS_PER_COUNT)
    return torch.from_numpy(words.view(np.int32)).view(n_steps, n_values)


def path_normals(
    seed: int, block: int, first_step: int, n_steps: int, block_size: int, n_noise: int
) -> Float32[Tensor, "n_steps block_size n_noise"]:
    """Standard normals of one block of paths over a stretch of steps, time first.

    Args:
        seed: From 0 to 2^64 - 1.
        block: Index of the block of paths.
        first_step: Step at which the stretch begins, from 0.
        n_steps: Steps in the stretch.
        block_size: Paths in a block; a multiple of 8.
        n_noise: Normals per path and step.
    """
    words = random_bits(seed, NORMALS, block, first_step, n_steps, block_size * n_noise)
    half = words.shape[1] // 2
    radius = (words[:, :half] & 0x7FFFFFFF).float()  # 31 bits: small values stay exact
    radius.add_(0.5).log_()
    torch.sub(62 * math.log(2), radius, alpha=2, out=radius).clamp_(min=0).sqrt_()
    angle = words[:, half:].float().mul_(math.pi * 2.0**-31)
    normals = torch.empty(words.shape)
    torch.mul(radius, torch.cos(angle), out=normals[:, :half])
    torch.mul(radius, angle.sin_(), out=normals[:, half:])
    return normals.view(n_steps, block_size, n_noise)


def path_rows(
    seed: int, block: int, n_steps: int, block_size: int, n_rows: int
) -> Int64[Tensor, "n_steps block_size"]:
    """One uniform row number in 0 to ``n_rows`` - 1 per path and step, time first.

    ``n_rows`` may not exceed 2^31; the multiplication favours no row by more than 2^-31.
    """
    words = random_bits(seed, ROWS, block, 0, n_steps, block_size)
    return ((words.long() & 0xFFFFFFFF) * n_rows) >> 32
