"""The outputs for many rows, a part at a time, so that hidden values never exist for all rows at once."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ..net import NetSpec
from ..typing import Inputs, Logits
from ._memory import outputs_of

OUTPUTS_ON_CPU, OUTPUTS_ELSEWHERE = 2**19, 2**26
"""Outputs of the widest layer in one pass, on a CPU and on any other device.

On a CPU the next layer then finds them in the cache: a pass over all rows at once takes up to twice as long, for small
networks eight times as long. Passes as small as that would leave part of a GPU idle.
"""

LEAST_ROWS, MOST_ROWS = 128, 8192
"""Rows of one pass: with fewer, a CPU reads each matrix too often; more gain nothing."""


def rows_at_a_time(spec: NetSpec, device: torch.device, tokens: int = 1) -> int:
    """How many rows, each of `tokens` tokens, one pass through the network takes."""
    is_cpu, widest = device.type == "cpu", max(outputs_of(spec))
    rows = max(LEAST_ROWS, OUTPUTS_ON_CPU // widest) if is_cpu else OUTPUTS_ELSEWHERE // widest
    return max(1, min(MOST_ROWS, rows) // tokens)


def in_parts(outputs: Callable[[Inputs], Logits], x: Inputs, spec: NetSpec) -> Logits:
    """The outputs (N, ..., O) of the network for x (N, ..., I), in passes of `rows_at_a_time` rows."""
    size = rows_at_a_time(spec, x.device, math.prod(x.shape[1:-1]))
    if x.shape[0] <= size:
        return outputs(x)
    first: Tensor = outputs(x[:size])
    logits = first.new_empty((x.shape[0], *first.shape[1:]))
    logits[:size] = first
    for start in range(size, x.shape[0], size):
        logits[start : start + size] = outputs(x[start : start + size])
    return logits
