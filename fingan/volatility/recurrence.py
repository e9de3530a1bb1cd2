"""The linear recurrence under every volatility filter, differentiable, one fused operation a step.

A GARCH variance is linear in itself: once the multipliers are known, filtering a history and
simulating a future are the same recursion, and its adjoint is that recursion run backwards.
"""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

Steps = Float[Tensor, "n_steps *shape"]
States = Float[Tensor, "n_states *shape"]  # n_steps + 1: the initial state first

LONG = 256  # steps from which a sweep by blocks is quicker


class _LinearRecurrence(torch.autograd.Function):
    """Forward and adjoint sweeps; see ``linear_recurrence``."""

    @staticmethod
    def forward(ctx: Any, multiplier: Tensor, offset: Tensor, initial: Tensor) -> Tensor:
        states = multiplier.new_empty((len(multiplier) + 1, *multiplier.shape[1:]))
        states[0] = initial
        rows = states.unbind(0)
        sweep = zip(multiplier.unbind(0), offset.unbind(0), rows[:-1], rows[1:], strict=True)
        for gain, shift, now, following in sweep:
            torch.addcmul(shift, gain, now, out=following)
        ctx.save_for_backward(multiplier, states)
        return states

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        multiplier, states = ctx.saved_tensors
        (gradient,) = gradients
        adjoint = gradient.clone(memory_format=torch.contiguous_format)
        rows = adjoint.unbind(0)
        for gain, now, following in zip(
            reversed(multiplier.unbind(0)), reversed(rows[:-1]), reversed(rows[1:]), strict=True
        ):
            now.addcmul_(gain, following)
        return adjoint[1:] * states[:-1], adjoint[1:], adjoint[0]


def linear_recurrence(multiplier: Steps, offset: Steps, initial: Float[Tensor, "*shape"]) -> States:
    """States of ``s[t + 1] = multiplier[t] * s[t] + offset[t]``, with ``s[0] = initial``.

    Args:
        multiplier: One factor a step and place.
        offset: One addend a step and place; may be an expanded view.
        initial: The state before the first step.

    Returns:
        All states, the initial one first; gradients flow to the three arguments.
    """
    needs_gradient = torch.is_grad_enabled() and any(
        tensor.requires_grad for tensor in (multiplier, offset, initial)
    )
    if len(multiplier) >= LONG and not needs_gradient:
        return _blocked(multiplier, offset, initial)
    states: Tensor = _LinearRecurrence.apply(multiplier, offset, initial)  # type: ignore[no-untyped-call]
    return states


def _blocked(multiplier: Tensor, offset: Tensor, initial: Tensor) -> Tensor:
    """The same states by blocks swept side by side: 2 sqrt(n) operations instead of n.

    Within a block the state is affine in the state before it, so blocks are swept from zero
    together and then joined one after another.
    """
    n_steps, shape = len(multiplier), multiplier.shape[1:]
    size = math.isqrt(n_steps) + 1
    n_blocks = -(-n_steps // size)
    padding = n_blocks * size - n_steps
    gains = torch.cat([multiplier, multiplier.new_ones(padding, *shape)])
    shifts = torch.cat([offset.expand_as(multiplier), multiplier.new_zeros(padding, *shape)])
    gains = gains.unflatten(0, (n_blocks, size)).transpose(0, 1).contiguous()
    shifts = shifts.unflatten(0, (n_blocks, size)).transpose(0, 1).contiguous()
    local = torch.empty_like(shifts)
    local[0] = shifts[0]
    for step in range(1, size):
        torch.addcmul(shifts[step], gains[step], local[step - 1], out=local[step])
    reach = gains.cumprod(0)
    start = torch.empty_like(local[0])
    start[0] = initial
    for block in range(1, n_blocks):
        start[block] = torch.addcmul(local[-1, block - 1], reach[-1, block - 1], start[block - 1])
    states = torch.addcmul(local, reach, start).transpose(0, 1).flatten(0, 1)[:n_steps]
    return torch.cat([initial.expand(shape).unsqueeze(0).to(states), states])
