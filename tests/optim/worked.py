"""A rule on one number, for examples worked by hand."""

import torch

from fivestep.optim._base import Optimizer


def weights_after(rule: Optimizer, w: float, gradients: list[float], lr: float) -> list[float]:
    """The weight after each step, in float64."""
    weight, seen = torch.tensor([w], dtype=torch.float64), []
    state = rule.state(weight)
    for step, gradient in enumerate(gradients, start=1):
        rule.update_(weight, torch.tensor([gradient], dtype=torch.float64), state, lr, step)
        seen.append(weight.item())
    return seen
