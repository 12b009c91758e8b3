"""Weights with a given deviation, from one of two distributions."""

import math

import torch

from ..typing import Elements

DISTRIBUTIONS = ("normal", "uniform")


def fill_(weight: Elements, std: float, distribution: str, generator: torch.Generator) -> None:
    """Fills `weight` with N(0, std^2), or uniformly in (-b, b) with b = sqrt(3) std, which has the same variance."""
    if distribution == "uniform":
        bound = math.sqrt(3) * std
        weight.uniform_(-bound, bound, generator=generator)
    else:
        weight.normal_(0.0, std, generator=generator)
