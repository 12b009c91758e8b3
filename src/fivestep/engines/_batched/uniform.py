"""What new networks begin with, drawn on the device: seeding a generator of torch's for each takes the host longer."""

import importlib
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .._graphs import on
from ..fused import _kernels

THREADS = 32
"""Seeds of one program: few, so that the first thousand networks are spread over all multiprocessors."""


def uniform_rows(seeds: Sequence[int], count: int, device: torch.device) -> Tensor | None:
    """Numbers in [0, 1) in float32, (K, count), row by row as `torch.manual_seed(seed)` and a CPU draw them.

    None where Triton is not there, with what it needs.
    """
    if not _kernels.has_triton(device):
        return None
    body: Any = importlib.import_module(f"{__package__}.kernels.uniform")
    words = torch.tensor([seed % 2**32 for seed in seeds], dtype=torch.int64, device=device)
    states = torch.empty((624, len(seeds)), dtype=torch.uint32, device=device)
    out = torch.empty((len(seeds), count), device=device)
    with on(device):
        body.draw[(-(-len(seeds) // THREADS),)](words, states, out, len(seeds), count, THREADS=THREADS, num_warps=1)
    return out
