"""How the mean square of activations and of gradients changes from layer to layer in a deep network at its start."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from fivestep.find import build
from tests.samples import stream

WIDTH, DEPTH, NUM_ROWS, NUM_NETWORKS = 128, 30, 16, 4


class MeanSquares(NamedTuple):
    """Of the activations behind each layer and of the gradients before it, from the first layer on: (DEPTH,) each."""

    activations: Tensor
    gradients: Tensor


class Factors(NamedTuple):
    """The factor between the mean squares of two neighboring layers, the geometric mean over the depth."""

    activations: float
    gradients: float


def mean_squares(init: str, activation: str = "identity", scale: float = 1.0, seed: int = 0) -> MeanSquares:
    """Of one network of WIDTH x DEPTH, for normal inputs times `scale` and a normal gradient at the last layer."""
    scheme, function, one = build("inits", init), build("activations", activation), stream(seed)
    a, passed = scale * normal(one), []
    for _ in range(DEPTH):
        weight, bias = torch.empty(WIDTH, WIDTH, dtype=torch.float64), torch.empty(WIDTH, dtype=torch.float64)
        scheme.weight_(weight, one)
        scheme.bias_(bias, WIDTH, one)
        z = a @ weight.T + bias
        a = function.value(z)
        passed.append((weight, z, a))
    da, gradients = normal(one), []
    for weight, z, a in reversed(passed):
        da = (da * function.derivative(z, a)) @ weight
        gradients.append(da.square().mean())
    return MeanSquares(torch.stack([a.square().mean() for *_, a in passed]), torch.stack(gradients[::-1]))


def factors(init: str, activation: str = "identity", scale: float = 1.0) -> Factors:
    """The factor from a layer to the next one (activations) and to the one before (gradients), over some networks."""
    found = [mean_squares(init, activation, scale, seed) for seed in range(NUM_NETWORKS)]
    forward = [float((m.activations[-1] / m.activations[0]).log()) for m in found]
    backward = [float((m.gradients[0] / m.gradients[-1]).log()) for m in found]
    return Factors(*(math.exp(sum(logs) / NUM_NETWORKS / (DEPTH - 1)) for logs in (forward, backward)))


def normal(one: torch.Generator) -> Tensor:
    return torch.randn(NUM_ROWS, WIDTH, generator=one, dtype=torch.float64)
