"""Whether our own kernels do a step, and which; loads Triton only if they do."""

import importlib
import importlib.util
import os
import shutil
from collections.abc import Sequence
from typing import Protocol

import torch

from ..._engine import Engine
from ..._update import RuleGroup
from .feed import Feed
from .precision import Weights


class Steps(Protocol):
    """Recorded steps with our own kernels."""

    def takes(self, feed: Feed) -> bool:
        """Whether the rows have the layout that the kernels expect."""

    def steps(self, feed: Feed, count: int) -> None:
        """Does the first `count` steps of the feed."""

    def release(self) -> None:
        """Releases the memory of the steps."""


OLDEST_TRITON = (3, 4)
"""The first version that compiles our kernels; torch 2.6 and 2.7 came with 3.2 and 3.3, which do not accept tuples of
tensors."""


def lacks_for_triton() -> str | None:
    """What Triton lacks on this machine, as a phrase: itself, or the C compiler that it needs."""
    if importlib.util.find_spec("triton") is None:
        return "triton is not installed"
    version: str = importlib.import_module("triton").__version__
    if tuple(map(int, version.split(".")[:2])) < OLDEST_TRITON:
        return f"triton {version} is older than {'.'.join(map(str, OLDEST_TRITON))}"
    if not (os.environ.get("CC") or shutil.which("gcc") or shutil.which("clang")):  # where Triton looks for one
        return "triton finds no C compiler"
    return None


def has_triton(device: torch.device) -> bool:
    """Whether Triton can compile here, for a device that it supports."""
    if device.type != "cuda" or lacks_for_triton() is not None:
        return False
    return torch.version.hip is None and torch.cuda.get_device_capability(device) >= (8, 0)


def kernels_for(engine: Engine, groups: Sequence[RuleGroup], weights: Weights, precision: str | None) -> list[Steps]:
    """Steps of our own kernels for a dense network, best first; the first that `takes` the rows does a step.

    Empty for other networks.
    """
    if engine.dtype != torch.float32 or not has_triton(engine.device):
        return []
    from .tiles import Tiles, suits_tiles
    from .wide import Wide, suits_passes

    kernels: list[Steps] = []
    if precision != "bfloat16" and suits_tiles(engine):
        kernels.append(Tiles(engine, groups, precision or "tf32x3"))
    if suits_passes(engine):
        kernels.append(Wide(engine, groups, weights))
    return kernels
