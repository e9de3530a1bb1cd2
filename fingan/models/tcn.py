"""A causal dilated convolution network, laid out time-major so that a shift is a slice.

Source: Bai, Kolter & Koltun (2018), An empirical evaluation of generic convolutional and
recurrent networks for sequence modeling, section 3; Wiese et al. (2020), Quant GANs, section 3.
A kernel of two taps is written as two matrix products: a step back by ``dilation`` steps is a
slice of contiguous rows, which is faster on a CPU than a convolution of few channels.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

Hidden = Float[Tensor, "horizon batch width"]
Memory = Float[Tensor, "_ batch width"]  # as many steps as the layer reaches back

SLOPE = 0.2


class CausalBlock(nn.Module):
    """One residual layer: ``h + lrelu(h[t] A + h[t - dilation] B + b)``."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.now = nn.Linear(width, width)
        self.past = nn.Linear(width, width, bias=False)

    def forward(self, hidden: Hidden, memory: Memory | None) -> Hidden:
        """Mix each step with the one ``dilation`` steps before it.

        Args:
            hidden: The layer's input.
            memory: Its input in the last ``dilation`` steps before this stretch; none at the
                start of a path, where the past counts as zero.
        """
        mixed = self.now(hidden)
        if len(hidden) > self.dilation:
            _add_product(mixed[self.dilation :], hidden[: -self.dilation], self.past.weight)
        if memory is not None:
            known = min(self.dilation, len(hidden))
            _add_product(mixed[:known], memory[:known], self.past.weight)
        return hidden + leaky_relu(mixed, SLOPE, inplace=True)


def _add_product(into: Hidden, hidden: Hidden, weight: Tensor) -> None:
    """``into += hidden @ weight.T`` within one matrix product, in the precision of ``into``."""
    into.flatten(0, 1).addmm_(hidden.flatten(0, 1), weight.to(into.dtype).T)


class CausalNetwork(nn.Module):
    """A stack of a few causal blocks."""

    def __init__(self, width: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.dilations = dilations
        self.blocks = nn.ModuleList(CausalBlock(width, dilation) for dilation in dilations)

    def forward(
        self, hidden: Hidden, memory: list[Memory] | None = None
    ) -> tuple[Hidden, list[Memory]]:
        """Run the stack over a stretch of steps.

        Returns:
            The last layer's output, and the memory with which the next stretch continues.
        """
        following = []
        for layer, (block, dilation) in enumerate(zip(self.blocks, self.dilations, strict=True)):
            before = None if memory is None else memory[layer]
            following.append(_last_steps(hidden, before, dilation))
            hidden = block(hidden, before)
        return hidden, following


def _last_steps(hidden: Hidden, memory: Memory | None, n_steps: int) -> Memory:
    """The last ``n_steps`` rows of a stretch, filled up from the memory or with zeros."""
    if len(hidden) >= n_steps:
        return hidden[-n_steps:]
    if memory is None:
        memory = hidden.new_zeros((n_steps, *hidden.shape[1:]))
    return torch.cat([memory[len(hidden) :], hidden])
