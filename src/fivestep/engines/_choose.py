"""Chooses the engine, and says why: by device, floating-point operations per step, and available compiled forms."""

import importlib.util
from collections.abc import Mapping
from typing import Any, NamedTuple, final

import torch

from ..check import InputError, warn
from ..find import Choice
from ..net import NetSpec
from ..plan import TrainPlan
from ..ranks import ALONE, Ranks
from .fused._forms import obstacle_of_larger, obstacle_of_small, obstacle_to_recording
from .fused._size import is_larger, is_recorded, operations_per_step

SECONDS_UNCOMPILED = 1.0
"""Seconds of `scratch` up to which a process does without compiled code: loading it takes half a second, and compiling
it, if that has not been done yet, 8 to 20."""

SECONDS_PER_STEP, SECONDS_PER_OPERATION = 1e-4, 2e-11
"""Seconds that `scratch` takes for a step, and in addition for each floating-point operation."""


@final
class Chosen(NamedTuple):
    """The name of an engine, the reason in a phrase, and its options."""

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
    """The engine for "auto", or for a name; warns if an engine requested by name cannot do the work.

    "auto:alone=true" is for the only training in a process, which has to load compiled code just for that.
    """
    choice = Choice.parse(choice)
    if choice.name not in ("auto", "fused"):
        return Chosen(choice.name, "it was asked for", choice.options)
    if is_recorded(device, choice.options):
        return _recorded(choice, plan, device, ranks)
    by_size, reason = is_larger(spec, plan, num_rows)
    larger = choice.options.get("larger", by_size)
    unknown = None if larger else obstacle_of_small(spec, plan)
    if unknown is not None and choice.name == "auto":
        larger, reason = True, f"{unknown}, and the larger body needs none"
    in_the_way = _elsewhere(device, ranks) or (obstacle_of_larger(plan) if larger else unknown)
    if in_the_way is not None:
        return _handed_over(choice, in_the_way)
    if choice.options.get("alone") and num_rows is not None and _is_short(spec, plan, num_rows):
        count = plan.num_steps(num_rows)
        steps = "1 step is" if count == 1 else f"{count:,} steps are"
        return Chosen("scratch", f"{steps} done within a second without compiled code")
    is_said = "larger" in choice.options or larger != is_larger(spec, plan)[0]  # so that a resumed run knows
    options = {"larger": larger} if is_said else {}
    return Chosen("fused", reason if choice.name == "auto" else "it was asked for", options)


def _is_short(spec: NetSpec, plan: TrainPlan, num_rows: int) -> bool:
    """Whether `scratch` does all steps so fast that compiled code would save next to nothing."""
    operations = operations_per_step(spec, plan.batch_size or num_rows)
    return plan.num_steps(num_rows) * (SECONDS_PER_STEP + SECONDS_PER_OPERATION * operations) < SECONDS_UNCOMPILED


def _recorded(choice: Choice, plan: TrainPlan, device: torch.device, ranks: Ranks) -> Chosen:
    """The engine for a device that records steps, or for a requested precision, for which there is no substitute."""
    options = {key: value for key, value in choice.options.items() if key not in ("larger", "alone")}
    precision = options.get("precision")
    in_the_way = _together(ranks) or obstacle_to_recording(plan)
    if in_the_way is not None and precision is None:
        return _handed_over(choice, in_the_way)
    if in_the_way is not None:
        raise InputError(
            f"precision must be used where steps can be recorded, got {precision!r}, while {in_the_way}; leave one out."
        )
    reason = "it was asked for"
    if choice.name == "auto":
        reason = f"steps on {device} are recorded as graphs" if device.type == "cuda" else "a precision was asked for"
    if precision is not None:
        reason += f", its products are in {precision} and its weights in float32"
    return Chosen("fused", reason, options)


def _handed_over(choice: Choice, in_the_way: str) -> Chosen:
    if choice.name == "fused":
        warn(f"engine 'fused' falls back to 'scratch': {in_the_way}.")
    return Chosen("scratch", in_the_way)


def _together(ranks: Ranks) -> str | None:
    """Why an engine that does many steps in one call cannot be used with ranks, which synchronize in every step."""
    if ranks.are_alone:
        return None
    return f"{ranks.size} ranks meet in every step, and the compiled body does many in one call"


def _elsewhere(device: torch.device, ranks: Ranks) -> str | None:
    """What prevents compiled code on this machine; None if nothing does."""
    if not ranks.are_alone:
        return _together(ranks)
    if device.type != "cpu":
        return f"the compiled body runs on the CPU, not on {device}"
    if importlib.util.find_spec("numba") is None:
        return "numba is not installed (pip install numba)"
    return None
