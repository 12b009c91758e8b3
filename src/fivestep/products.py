"""The three matrix products of a linear layer, each by the faster of torch's two libraries for them.

On a CPU torch multiplies float32 matrices with MKL, and uses oneDNN only in what it compiles. On AMD processors with
AVX-512, MKL uses half the vector width: there oneDNN is twice as fast from some million multiplications on, and comes
within a tenth of the processor's peak (benchmarks/products.py). Everywhere else, and for smaller products, these
functions are torch's usual ones.
"""

import functools
import platform
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from .typing import Features, Inputs, Outputs

LEAST = 2_000_000
"""Multiplications from which oneDNN is faster, where both factors lie as it likes them: z, dx, and dW from dz^T."""
LEAST_OUTER, LEAST_SIDE = 4_000_000, 64
"""Multiplications and shorter side from which it is for dW from dz, whose columns it has to copy into rows first."""

MOST_APART = 2**20
"""Numbers of a gradient that are computed at a time, beside the weights that they are then added to."""


def affine(x: Features, weight: Tensor, bias: Tensor | None, out: Tensor | None) -> Outputs:
    """The product forward, z = x W^T + b: x (N, I), W (O, I), b (O,) or None, z (N, O), which may be `out`."""
    if _by_onednn(x, weight, x.shape[0] * weight.numel(), LEAST):
        return _onednn(x, weight, bias)
    if bias is None:
        return torch.mm(x, weight.T, out=out)
    return torch.addmm(bias, x, weight.T, out=out)


def back(dz: Outputs, weight: Tensor, out: Tensor | None) -> Inputs:
    """The product back, dx = dz W: dz (N, O), W (O, I), dx (N, I), which may be `out`."""
    if _by_onednn(dz, weight, dz.shape[0] * weight.numel(), LEAST):
        return _onednn(dz, weight.T, None)
    return torch.mm(dz, weight, out=out)


def add_outer_(dweight: Tensor, dz: Outputs, x: Features, alpha: float = 1.0, transposed: Tensor | None = None) -> None:
    """The gradient of the weights, dW <- dW + alpha dz^T x, in place: dW (O, I), dz (N, O), x (N, I).

    `transposed` is dz^T (O, N), for those who have it (`wants_transposed`).
    """
    transposed = _as_onednn_wants(dz, x, transposed)
    if transposed is None:
        dweight.addmm_(dz.T, x, alpha=alpha)
        return
    for part, transposed_part in _parts(dweight, transposed):
        part.add_(_onednn(transposed_part, x.T, None), alpha=alpha)


def outer(dz: Outputs, x: Features, out: Tensor, transposed: Tensor | None = None) -> None:
    """The same written over what was there, dW <- dz^T x, into `out` (O, I)."""
    transposed = _as_onednn_wants(dz, x, transposed)
    if transposed is None:
        torch.mm(dz.T, x, out=out)
        return
    for part, transposed_part in _parts(out, transposed):
        part.copy_(_onednn(transposed_part, x.T, None))


def wants_transposed(dz: Outputs, x: Features) -> bool:
    """Whether dW is faster from dz^T (O, N), row after row in memory, than from dz: for few inputs, three times."""
    return _by_onednn(dz, x, dz.numel() * x.shape[1], LEAST)


def _as_onednn_wants(dz: Outputs, x: Features, transposed: Tensor | None) -> Tensor | None:
    """dz^T (O, N), in whatever order it lies; None where MKL is faster."""
    if transposed is not None:
        return transposed
    shortest, multiplications = min(dz.shape[1], x.shape[1]), dz.numel() * x.shape[1]
    is_faster = shortest >= LEAST_SIDE and _by_onednn(dz, x, multiplications, LEAST_OUTER)
    return dz.T if is_faster else None


def _parts(dweight: Tensor, transposed: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Some rows of both after others: what oneDNN gives is a tensor of its own, here of a few megabytes at most."""
    if dweight.numel() <= MOST_APART:
        yield dweight, transposed
        return
    rows = max(1, MOST_APART // dweight.shape[1])
    yield from zip(dweight.split(rows), transposed.split(rows), strict=True)


def _by_onednn(a: Tensor, b: Tensor, multiplications: int, least: int) -> bool:
    return (
        multiplications >= least
        and a.dtype == torch.float32
        and a.device.type == "cpu"
        and not (torch.is_grad_enabled() and (a.requires_grad or b.requires_grad))  # the operation has no derivative
        and onednn_is_faster()
    )


def _onednn(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Computes x W^T + b by what torch.compile puts in the place of a linear layer; not public in torch 2.13."""
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return product


@functools.cache
def onednn_is_faster() -> bool:
    """Whether this machine has MKL, oneDNN, and a processor with AVX-512 that is not Intel's."""
    if not (torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()):
        return False
    if torch.backends.cpu.get_cpu_capability() != "AVX512" or "Intel" in _processor():
        return False
    try:
        _onednn(torch.ones(1, 1), torch.ones(1, 1), None)
    except (AttributeError, RuntimeError, TypeError):  # another torch, without it or with other arguments
        return False
    return True


def _processor() -> str:
    """The vendor of the processor, as the system reports it: "AuthenticAMD", "GenuineIntel", ..."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.is_file():
        return platform.processor()
    lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("vendor_id")), "")
