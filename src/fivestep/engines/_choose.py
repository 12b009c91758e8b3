"""Which engine does the work, and why: by device, by floating-point operations per step, by what has a scalar form."""

import importlib.util
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple, final

import torch

from ..find import Choice
from ..net import NetSpec
from ..plan import TrainPlan
from ..ranks import ALONE, Ranks
from .fused._forms import obstacle, obstacle_of_larger
from .fused._size import is_larger


@final
class Chosen(NamedTuple):
    """The name of an engine, the reason in half a sentence, and its options."""

    name: str
    reason: str
    options: Mapping[str, Any] = {}


def choose(
    choice: str | Choice,
    spec: NetSpec,
    plan: TrainPlan,
    device: torch.device,
    num_rows: int | None,
    ranks: Ranks = ALONE,
) -> Chosen:
    """The engine for "auto", or for a name; warns where one that was asked for by name cannot do the work."""
    choice = Choice.parse(choice)
    if choice.name not in ("auto", "fused"):
        return Chosen(choice.name, "it was asked for", choice.options)
    by_size, reason = is_larger(spec, plan, num_rows)
    larger = choice.options.get("larger", by_size)
    in_the_way = _elsewhere(device, ranks) or (obstacle_of_larger(plan) if larger else obstacle(spec, plan))
    if in_the_way is not None:
        if choice.name == "fused":
            warnings.warn(f"engine 'fused' hands over to 'scratch': {in_the_way}.", stacklevel=3)
        return Chosen("scratch", in_the_way)
    is_said = "larger" in choice.options or larger != is_larger(spec, plan)[0]  # so a run that goes on knows
    options = {"larger": larger} if is_said else {}
    return Chosen("fused", reason if choice.name == "auto" else "it was asked for", options)


def _elsewhere(device: torch.device, ranks: Ranks) -> str | None:
    """What keeps compiled code from the work on this machine; None if nothing does."""
    if not ranks.are_alone:
        return f"{ranks.size} ranks meet in every step, and the compiled body does many in one call"
    if device.type != "cpu":
        return f"the compiled body runs on the CPU, not on {device}"
    if importlib.util.find_spec("numba") is None:
        return "numba is not installed (pip install numba)"
    return None
