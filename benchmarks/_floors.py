"""The floor of a step: the matrix products that it cannot do without, out of and into memory that is already there."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from _measure import OURS, THEIRS, Contestant
from torch import Tensor

from fivestep.engines.fused._compiled import one_pass
from fivestep.engines.fused.larger.affine import is_narrow
from fivestep.products import add_outer_, affine, back, wants_transposed


class Product(NamedTuple):
    """A linear layer with all that its products read and write: dx is empty for the first layer."""

    x: Tensor
    w: Tensor
    b: Tensor
    z: Tensor
    dz: Tensor
    dw: Tensor
    dx: Tensor

    @staticmethod
    def of(n: int, i: int, o: int, *, is_first: bool) -> "Product":
        x, w, b, dz = torch.rand(n, i), torch.rand(o, i), torch.rand(o), torch.rand(n, o)
        return Product(x, w, b, torch.empty(n, o), dz, torch.zeros(o, i), torch.empty(0 if is_first else n, i))

    def head(self, n: int) -> "Product":
        """The same for the first n rows."""
        x, w, b, z, dz, dw, dx = self
        return Product(x[:n], w, b, z[:n], dz[:n], dw, dx[:n])


def theirs(p: Product) -> Contestant:
    """By torch.mm."""

    def multiply() -> None:
        torch.mm(p.x, p.w.T, out=p.z)
        torch.mm(p.dz.T, p.x, out=p.dw)
        if len(p.dx):
            torch.mm(p.dz, p.w, out=p.dx)

    return multiply


def ours(p: Product) -> Contestant:
    """By the fastest way that fivestep has, with bias and sum with the weights; dz^T lies ready where that helps."""
    transposed = p.dz.T.contiguous() if wants_transposed(p.dz, p.x) else None
    if is_narrow(p.x, p.w):
        forward, backward = one_pass("narrow_forward"), one_pass("narrow_back")
        x, w, b, z, dz, dw, dx = (tensor.numpy() for tensor in p)
        gradients = dx, dw, b[:0]

        def narrow() -> None:
            forward(x, w, b, z)
            backward(dz, x, (w, b[:0]), gradients, 0.0)

        return narrow

    def multiply() -> None:
        affine(p.x, p.w, p.b, p.z)
        add_outer_(p.dw, p.dz, p.x, transposed=transposed)
        if len(p.dx):
            back(p.dz, p.w, p.dx)

    return multiply


def floors(sizes: Sequence[int], batches: Sequence[int]) -> dict[str, tuple[Contestant, int]]:
    """Both floors, as windows of so many batches.

    For each layer the product forward, the gradient of its weights and, but for the first one, that of its inputs.
    """
    layers = [Product.of(max(batches), i, o, is_first=k == 0) for k, (i, o) in enumerate(pairwise(sizes))]
    found = {}
    for name, products in ((THEIRS, theirs), (OURS, ours)):
        steps = {n: [products(layer.head(n)) for layer in layers] for n in set(batches)}
        found[name] = (_window([steps[n] for n in batches]), len(batches))
    return found


def _window(steps: Sequence[Sequence[Contestant]]) -> Contestant:
    def window() -> None:
        for step in steps:
            for multiply in step:
                multiply()

    return window
