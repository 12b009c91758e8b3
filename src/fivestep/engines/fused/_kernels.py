"""Whether kernels of our own do a step, and which: loads Triton only where they do."""

import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from .._base import Engine
from .._update import RuleGroup

if TYPE_CHECKING:
    from ._tiles import Tiles


def has_triton(device: torch.device) -> bool:
    """Whether Triton is there, and a device that it knows."""
    if device.type != "cuda" or importlib.util.find_spec("triton") is None:
        return False
    return torch.version.hip is None and torch.cuda.get_device_capability(device) >= (8, 0)


def tiles_for(engine: Engine, groups: Sequence[RuleGroup], precision: str | None) -> "Tiles | None":
    """The steps of a small dense network as tiles, where all it has is of the kinds that they know."""
    if engine.dtype != torch.float32 or precision == "bfloat16" or not has_triton(engine.device):
        return None
    from ._tiles import Tiles, suits_tiles

    if not suits_tiles(engine):
        return None
    return Tiles(engine, groups, "tf32" if precision == "tf32" else "ieee")
