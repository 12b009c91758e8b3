"""Draws of a batch on its device, as seeding a generator for each network and step on the host takes longer.

They equal those of `draws.py` and torch on the CPU to the bit; None if Triton is not available.
"""

import importlib
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ... import draws
from .._graphs import on
from ..fused.recorded import own_kernels

THREADS = 32
"""Seeds per program: few, so that a thousand networks are spread over all multiprocessors."""


def uniform_rows(seeds: Sequence[int], count: int, device: torch.device) -> Tensor | None:
    """Numbers in [0, 1) in float32, (K, count), row by row as `torch.manual_seed(seed)` and a CPU draw them."""
    if not own_kernels.has_triton(device):
        return None
    body: Any = importlib.import_module(f"{__package__}.kernels.uniform")
    words = torch.tensor([seed % 2**32 for seed in seeds], dtype=torch.int64, device=device)
    states = torch.empty((624, len(seeds)), dtype=torch.uint32, device=device)
    out = torch.empty((len(seeds), count), device=device)
    with on(device):
        body.draw[(-(-len(seeds) // THREADS),)](words, states, out, len(seeds), count, THREADS=THREADS, num_warps=1)
    return out


def bits_of_steps(seeds: Sequence[int], steps: range, layer: int, count: int, device: torch.device) -> Tensor | None:
    """The first `count` bits of `Draws` of these networks and steps, (n, K, count), of type int16."""
    if not own_kernels.has_triton(device):
        return None
    body: Any = importlib.import_module(f"{__package__}.kernels.bits")
    numbers = torch.tensor([*steps], dtype=torch.int64, device=device)[:, None]
    folded = torch.tensor([seed % 2**63 for seed in seeds], dtype=torch.int64, device=device)
    for coordinate in (numbers, layer):  # as `draws` folds them; the overflow is cut off at the end
        folded = folded * draws.FOLD + coordinate
    folded = (folded & (2**63 - 1)).contiguous()
    out = torch.empty((*folded.shape, -(-count // 4)), dtype=torch.int64, device=device)
    with on(device):
        grid = (-(-folded.numel() // THREADS),)
        body.draw[grid](folded, out, folded.numel(), out.shape[-1], THREADS=THREADS, num_warps=1)
    return out.view(torch.int16)[..., :count]
