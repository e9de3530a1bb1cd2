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
from jaxtyping import Bool, Float32, Int32, Int64
from torch import Tensor

ALIGNED = 16  # float32 numbers that a processor computes at once
NORMALS, ROWS, EVENTS = 1, 2, 3  # streams of one seed that never meet
_DRAWS_PER_COUNT = 4  # 64-bit draws of one Philox counter
_ALIGNED = 2 * _DRAWS_PER_COUNT  # 32-bit draws
_COUNTS_OF_A_BLOCK = 2**64  # the block's index is the second word of the counter


def random_bits(
    seed: int,
    stream: int,
    block: int,
    first_step: int,
    n_steps: int,
    n_values: int,
    n_blocks: int = 1,
) -> Int32[Tensor, "n_steps n_words"]:
    """Random 32-bit words of blocks of paths over a stretch of steps.

    Args:
        seed: From 0 to 2^64 - 1.
        stream: Purpose of the numbers.
        block: Index of the first block of paths.
        first_step: Step at which the stretch begins, from 0.
        n_steps: Steps in the stretch.
        n_values: Words per step and block; a multiple of 8, so that each step has its own counters.
        n_blocks: Blocks, side by side; each has the words that it has alone.
    """
    assert n_values % _ALIGNED == 0, n_values
    counts = n_values // _ALIGNED
    counter = np.array([first_step * counts, block, 0, 0], dtype=np.uint64)
    bits = np.random.Philox(key=np.array([seed, stream], dtype=np.uint64), counter=counter)
    drawn = []
    for _ in range(n_blocks):
        words = bits.random_raw(n_steps * counts * _DRAWS_PER_COUNT).view(np.int32)
        drawn.append(words.reshape(n_steps, n_values))
        bits.advance(_COUNTS_OF_A_BLOCK - n_steps * counts)
    return torch.from_numpy(drawn[0] if n_blocks == 1 else np.concatenate(drawn, axis=1))


def path_normals(
    seed: int,
    block: int,
    first_step: int,
    n_steps: int,
    block_size: int,
    n_noise: int,
    n_blocks: int = 1,
    n_first: int | None = None,
) -> Float32[Tensor, "n_steps n_paths n_noise"]:
    """Standard normals of blocks of paths over a stretch of steps, time first.

    Args:
        seed: From 0 to 2^64 - 1.
        block: Index of the first block of paths.
        first_step: Step at which the stretch begins, from 0.
        n_steps: Steps in the stretch.
        block_size: Paths in a block; a multiple of 8.
        n_noise: Normals per path and step.
        n_blocks: Blocks, side by side; each has the normals that it has alone.
        n_first: Paths of a single block that are needed; those of them alone may be drawn.
    """
    n_values = block_size * n_noise
    words = random_bits(seed, NORMALS, block, first_step, n_steps, n_values, n_blocks)
    words = words.view(n_steps, n_blocks, n_values)
    half = n_values // 2
    few = n_values  # of a block, if its first half holds all that are needed
    if n_first is not None and n_blocks == 1:
        few = -(-n_first // ALIGNED) * ALIGNED * n_noise
    n_pairs = min(few, half)
    radius = (words[..., :n_pairs] & 0x7FFFFFFF).float()  # 31 bits: small values stay exact
    radius.add_(0.5).log_()
    torch.sub(62 * math.log(2), radius, alpha=2, out=radius).clamp_(min=0).sqrt_()
    angle = words[..., half : half + n_pairs].float().mul_(math.pi * 2.0**-31)
    if few <= half:
        return radius.mul_(angle.cos_()).view(n_steps, -1, n_noise)
    normals = torch.empty(words.shape)
    torch.mul(radius, torch.cos(angle), out=normals[..., :half])
    torch.mul(radius, angle.sin_(), out=normals[..., half:])
    return normals.view(n_steps, n_blocks * block_size, n_noise)


def path_rows(
    seed: int, block: int, n_steps: int, block_size: int, n_rows: int, n_blocks: int = 1
) -> Int64[Tensor, "n_steps n_paths"]:
    """One uniform row number in 0 to ``n_rows`` - 1 per path and step, time first.

    ``n_rows`` may not exceed 2^31; the multiplication favours no row by more than 2^-31.
    """
    words = random_bits(seed, ROWS, block, 0, n_steps, block_size, n_blocks)
    return words.long().bitwise_and_(0xFFFFFFFF).mul_(n_rows).bitwise_right_shift_(32)


def path_events(
    seed: int, block: int, n_steps: int, block_size: int, probability: float, n_blocks: int = 1
) -> Bool[Tensor, "n_steps n_paths"]:
    """Whether something of a given probability happens, per path and step, time first.

    The word is compared as it stands, so that the bits are the same on every machine; the
    probability is met to 2^-32.
    """
    words = random_bits(seed, EVENTS, block, 0, n_steps, block_size, n_blocks)
    return words.long() < round(probability * 2**32) - 2**31
