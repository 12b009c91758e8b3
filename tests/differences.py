"""The derivative as a quotient: what every hand-derived gradient is held against."""

from collections.abc import Callable

import torch
from torch import Tensor


def central_differences(function: Callable[[Tensor], Tensor], x: Tensor, step: float = 1e-6) -> Tensor:
    """df/dx of a function with one number as its value, by (f(x + h) - f(x - h)) / 2h for each element of x."""
    gradient = torch.zeros_like(x)
    for k in range(x.numel()):
        moved = x.clone()
        moved.view(-1)[k] += step
        above = function(moved)
        moved.view(-1)[k] -= 2 * step
        gradient.view(-1)[k] = (above - function(moved)) / (2 * step)
    return gradient
