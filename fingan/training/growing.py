"""Windows that grow: training begins with short paths, and lengthens them in equal stages.

A short window is the beginning of a whole one, the rest is zero on both sides: the critic keeps
its size and reads nothing there, the generator is not asked for it.

Source: Karras et al. (2018), Progressive growing of GANs for improved quality, stability, and
variation, section 2, in time instead of resolution; a stage begins at once, nothing is faded in.
"""

import dataclasses

import torch

from fingan.training.adversarial import Batch


def window_length(grow: tuple[int, ...], window: int, step: int, steps: int) -> int:
    """Length of the windows of a step.

    Args:
        grow: Lengths before the last stage, rising; each stage has the same share of the steps.
        window: Length in the last stage.
        step: From 0.
        steps: Of the whole training.
    """
    lengths = (*grow, window)
    return lengths[step * len(lengths) // steps]


def shortened(batch: Batch, length: int) -> Batch:
    """The batch with nothing after the first ``length`` steps; itself, where it is no longer."""
    if length >= len(batch.real):
        return batch
    real = batch.real.clone()
    real[length:] = 0
    observed = torch.ones_like(real[:length])
    if batch.observed is not None:
        observed = batch.observed[:length]
    twins = None if batch.twins is None else batch.twins[:length]
    return dataclasses.replace(
        batch, real=real, observed=observed, noise=batch.noise[:length], twins=twins
    )
