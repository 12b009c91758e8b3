"""The three matrix products of a linear layer, each by the faster of torch's two libraries for them.

On a CPU torch multiplies float32 matrices with MKL, and keeps oneDNN for what it compiles. On AMD's processors with
AVX-512, MKL takes half of their vectors: there oneDNN is twice as fast from a few million multiplications on
(benchmarks/products.py). Everywhere else, and for smaller products, these functions are the plain ones.
"""

import functools
import platform
from pathlib import Path

import torch
from torch import Tensor

from .typing import Features, Inputs, Outputs

LEAST = 3_000_000
"""Multiplications from which z and dx are faster by oneDNN."""
LEAST_OUTER, LEAST_SIDE = 19_000_000, 128
"""Multiplications and shorter side from which dW is: it is a sum over the rows, and needs one pass more to be added."""


def affine(x: Features, weight: Tensor, bias: Tensor | None, out: Tensor | None) -> Outputs:
    """The product forward, z = x W^T + b: x (N, I), W (O, I), b (O,) or None, z (N, O), which may be `out`."""
    if _by_onednn(x, weight, len(x) * weight.numel(), LEAST):
        return _onednn(x, weight, bias)
    if bias is None:
        return torch.mm(x, weight.T, out=out)
    return torch.addmm(bias, x, weight.T, out=out)


def back(dz: Outputs, weight: Tensor, out: Tensor | None) -> Inputs:
    """The product back, dx = dz W: dz (N, O), W (O, I), dx (N, I), which may be `out`."""
    if _by_onednn(dz, weight, len(dz) * weight.numel(), LEAST):
        return _onednn(dz, weight.T, None)
    return torch.mm(dz, weight, out=out)


def add_outer_(dweight: Tensor, dz: Outputs, x: Features, alpha: float = 1.0) -> None:
    """The gradient of the weights, dW <- dW + alpha dz^T x, in place: dW (O, I), dz (N, O), x (N, I)."""
    if _outer_by_onednn(dweight, dz, x):
        dweight.add_(_onednn(dz.T, x.T, None), alpha=alpha)
    else:
        dweight.addmm_(dz.T, x, alpha=alpha)


def outer(dz: Outputs, x: Features, out: Tensor) -> None:
    """The same written over what was there, dW <- dz^T x, into `out` (O, I)."""
    if _outer_by_onednn(out, dz, x):
        out.copy_(_onednn(dz.T, x.T, None))
    else:
        torch.mm(dz.T, x, out=out)


def _outer_by_onednn(dweight: Tensor, dz: Tensor, x: Tensor) -> bool:
    return min(dweight.shape) >= LEAST_SIDE and _by_onednn(dz, x, len(x) * dweight.numel(), LEAST_OUTER)


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
    """The maker of the processor, as the system calls it: "AuthenticAMD", "GenuineIntel", ..."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.is_file():
        return platform.processor()
    lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("vendor_id")), "")
