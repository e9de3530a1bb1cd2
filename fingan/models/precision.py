"""Where networks may compute in bfloat16, and where nothing may be rounded."""

import torch
from torch import Tensor


def full_precision(tensor: Tensor) -> torch.autocast:
    """A block in which the market's own law is not rounded, whatever precision networks have."""
    return torch.autocast(tensor.device.type, enabled=False)


def widened(tensor: Tensor) -> Tensor:
    """In float32, unless it is finer already."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
