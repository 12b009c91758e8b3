"""The floor of a step: the matrix products that it cannot do without, out of and into memory that is already there."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from _measure import Contestant
from torch import Tensor

from fivestep.products import add_outer_, affine, back

OURS, THEIRS = "matrix products, fivestep's", "matrix products, torch.mm"


def floors(sizes: Sequence[int], batches: Sequence[int]) -> dict[str, tuple[Contestant, int]]:
    """Both floors, as windows of so many batches.

    For each layer the product forward, the gradient of its weights and, but for the first one, that of its inputs.
    """
    layers = [_tensors(max(batches), i, o) for i, o in pairwise(sizes)]

    def theirs() -> None:
        for n in batches:
            for x, w, _, z, dz, dw, dx in layers:
                torch.mm(x[:n], w.T, out=z[:n])
                torch.mm(dz[:n].T, x[:n], out=dw)
                if dx is not None:
                    torch.mm(dz[:n], w, out=dx[:n])

    def ours() -> None:
        for n in batches:
            for x, w, b, z, dz, dw, dx in layers:
                affine(x[:n], w, b, z[:n])
                add_outer_(dw, dz[:n], x[:n])
                if dx is not None:
                    back(dz[:n], w, dx[:n])

    layers[0] = (*layers[0][:-1], None)
    return {THEIRS: (theirs, len(batches)), OURS: (ours, len(batches))}


def _tensors(n: int, i: int, o: int) -> Any:
    made: list[Tensor | None] = [torch.rand(n, i), torch.rand(o, i), torch.rand(o), torch.empty(n, o)]
    return *made, torch.rand(n, o), torch.zeros(o, i), torch.empty(n, i)
