"""`fivestep verify ONE OTHER`."""

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, TypeVar, final

from cyclopts import Group, Parameter
from rich.console import Console
from rich.progress import track
from rich.text import Text
from torch import nn

from ..check import InputError, at_least, one_of, warn
from ..engines._engine import Engine
from ..engines._make import make_engine
from ..find import Choice, names
from ..verify import (
    FORMS,
    Lockstep,
    Verification,
    compared,
    finite_differences,
    is_file_and_function,
    load_module,
    pair_of,
    spec_like,
    subject_of,
    verify_all,
)
from . import DONE, FAILED
from ._options import NetworkOptions, PlanOptions, option
from ._task import Prepared, check_name, prepare

T = TypeVar("T")
NUM_STEPS = {"bfloat16": 10, "finite-differences": 1}
USUAL_STEPS, USUAL_CASES = 100, 50
WIDEST = 100
DIFFERENCES = "finite-differences"


@final
@Parameter(name="*", group=Group("What is compared", sort_key=0))
@dataclass(frozen=True, kw_only=True)
class VerifyOptions:
    """On what, for how long, in which type."""

    task: Annotated[str, Parameter(help="The task whose rows and settings are taken.")] = "moons"
    steps: Annotated[
        int | None,
        Parameter(
            help="Steps of training; by default 100, in bfloat16 10; for finite-differences, the step looked at."
        ),
    ] = None
    dtype: Annotated[str | None, Parameter(help="float32 (the default) or float64.")] = None
    device: Annotated[str, Parameter(help="auto, cpu, cuda or mps.")] = "cpu"
    data_dir: Annotated[Path | None, Parameter(help="Folder with the task's files.")] = None
    cases: Annotated[int | None, Parameter(help="For all: how many random cases, by default 50.")] = None
    case: Annotated[int | None, Parameter(help="For all: only this one.")] = None
    json: Annotated[bool, Parameter(help="Print one JSON object.", negative="")] = False


def verify(
    one: str,
    other: str | None = None,
    /,
    *,
    options: VerifyOptions = VerifyOptions(),
    network: NetworkOptions = NetworkOptions(),  # noqa: B008
    plan: PlanOptions = PlanOptions(),  # noqa: B008
) -> int:
    """Show that two engines compute the same, or where they part and why.

    From the same weights, batches and masks both train in lockstep, and after each of the five steps all that can be
    seen is compared: logits, loss, every gradient, every parameter. Exit code 0 if they agree, 1 if they differ.
    Network and training are chosen as in `train`, by the same options.

    Parameters
    ----------
    one
        An engine (scratch, autograd, nn, fused, with options as in nn:compile=true), FILE.py:FUNCTION that returns your
        own nn.Module, or all: every engine on random cases.
    other
        A second engine or FILE.py:FUNCTION, or finite-differences, accumulate (micro-batches), compile or bfloat16.
    """
    if other is not None and one in (DIFFERENCES, *FORMS):  # the other way round
        one, other = other, one
    if one == "all":
        found = _all(other, options, network, plan)
    elif other is None:
        known = ", ".join(["an engine such as nn", DIFFERENCES, *FORMS])
        raise InputError(
            f"OTHER must be what to compare {one} with ({known}), got nothing; write fivestep verify {one} nn."
        )
    else:
        found = _two(one, other, options, network, plan)
    _show(found, options.json)
    return DONE if found.agrees else FAILED


def _all(other: str | None, options: VerifyOptions, network: NetworkOptions, plan: PlanOptions) -> Verification:
    if other is not None:
        raise InputError(f"all must stand alone, got {other!r} after it; leave one of the two out.")
    without_meaning = {"steps": options.steps, "dtype": options.dtype, **asdict(network), **asdict(plan), "seed": None}
    _warn_of_ignored(without_meaning, "has no meaning for fivestep verify all, which draws networks and plans itself")
    num_cases = USUAL_CASES if options.cases is None else options.cases
    return verify_all(num_cases, plan.seed or 0, options.case, watched=_tracked)


def _two(one: str, other: str, options: VerifyOptions, network: NetworkOptions, plan: PlanOptions) -> Verification:
    steps = NUM_STEPS.get(other, USUAL_STEPS) if options.steps is None else options.steps
    at_least("--steps", steps, 1)
    _warn_of_ignored({"cases": options.cases, "case": options.case}, "has a meaning for fivestep verify all only")
    check_name("--task", options.task)
    prepared = prepare(options.task, network, plan, data_dir=options.data_dir)
    dtype = options.dtype or ("float64" if other == DIFFERENCES else "float32")
    if is_file_and_function(other) and not is_file_and_function(one):  # a module is compared with an engine
        one, other = other, one
    modules = {text: load_module(text) for text in (one, other) if is_file_and_function(text)}
    if other not in modules and other not in (DIFFERENCES, *FORMS):
        one_of("OTHER", Choice.parse(other).name.replace("_", "-"), (*names("engines"), *FORMS, DIFFERENCES))
    for module in modules.values():
        prepared = _described(prepared, module, network)
    if one in modules and other in modules:
        raise InputError("one of the two must be an engine, got two modules; compare each with scratch.")

    def side(text: str) -> Engine | nn.Module:
        if text in modules:
            return modules[text]
        return make_engine(text, prepared.spec, prepared.plan, dtype=dtype, device=options.device)

    subject = side(one)
    if other == DIFFERENCES:
        if isinstance(subject, nn.Module):
            raise InputError(f"finite differences must be of an engine, got {one}; compare it with scratch.")
        return finite_differences(subject, prepared.data, steps, subject_of(subject, prepared.data))
    pair = pair_of(subject, other if other in FORMS else side(other), prepared.data)
    one_name, other_name = pair.names  # what an engine is, where one falls back to another; what a module was called
    called = (one if one in modules else one_name, other if other in modules else other_name)
    lock = Lockstep(pair.one, pair.other, prepared.data, steps)
    for _ in _tracked(lock, steps):
        pass
    return compared(lock, called, subject_of(pair.other, prepared.data))


def _warn_of_ignored(options: Mapping[str, object], why: str) -> None:
    """Warns of settings that are ignored."""
    for name, value in options.items():
        if value is not None:
            warn(f"{option(name)} {why}.")


def _tracked(work: Iterable[T], total: float | None = None) -> Iterable[T]:
    """The cases, with a progress bar in a terminal."""
    shown = Console(stderr=True)
    return track(work, "comparing", total=total, console=shown, transient=True, disable=not shown.is_terminal)


def _described(prepared: Prepared, module: nn.Module, network: NetworkOptions) -> Prepared:
    """The task with the module's network, unless the options describe one."""
    if network != NetworkOptions():
        return prepared
    spec = spec_like(module, prepared.spec, prepared.data)
    return prepared if spec is None else prepared._replace(spec=prepared.plan.sized(spec, prepared.data))


def _show(found: Verification, as_json: bool) -> None:
    if as_json:
        print(json.dumps(found.to_dict()))  # noqa: T201
        return
    console = Console(highlight=False)
    style = "bold green" if found.agrees else "bold red"
    head, *rest = found.lines(min(console.width, WIDEST) if sys.stdout.isatty() else 80)
    console.print(Text(head, style=style), soft_wrap=True)
    console.print(Text("\n".join(rest)), soft_wrap=True)
