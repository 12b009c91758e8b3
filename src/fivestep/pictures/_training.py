"""The training of a subject once more, as the pictures over time need it."""

from collections.abc import Callable, Iterator

import numpy as np

from ..check import InputError, warn
from ..engines._base import FiveStepEngine
from ..ensemble import num_members
from ..replay import Moment, replay
from ._base import Lacking, Subject

ANOTHER = 0.1
"""Of the size of the weights: what rounding alone does not make of them on another engine."""


def chosen_steps(subject: Subject, count: int, power: float = 1.0) -> list[int]:
    """About so many steps from the first to the last; with a power above 1, closer together at the start."""
    share = np.linspace(0, 1, count) ** power
    return sorted({int(step) for step in np.rint(1 + share * (subject.num_updates - 1))})


def needs_one_training(subject: Subject) -> Lacking | None:
    """For a picture for which the training is repeated: of one network, by the engine's plan."""
    together = num_members(subject.engine.spec)
    if together > 1:
        return Lacking("the training of one network", f"{together} trained each by itself")
    num_steps = subject.engine.plan.num_steps(subject.data.num_rows)
    if subject.num_updates > num_steps:  # another plan led it there, or steps were done by hand
        return Lacking(f"a training of the {num_steps} steps of the engine's plan", f"{subject.num_updates} steps")
    return None


def moments(subject: Subject, steps: list[int]) -> Iterator[tuple[Moment, FiveStepEngine]]:
    """Those steps, each with the engine that has just done it. Warns if the repetition ended elsewhere than the run."""
    if (lacking := needs_one_training(subject)) is not None:
        raise InputError(
            f"a picture over time must be of {lacking.expected}, got {lacking.got}; draw one that needs no training, "
            f"or train without --members and --bagging."
        )
    engine = subject.starting_engine()
    for moment in replay(engine, subject.data, steps, subject.history):
        yield moment, engine
    if engine.num_updates == subject.num_updates and not _may_differ(subject):
        own = subject.engine.params.flat.to(engine.device, engine.dtype)
        if (engine.params.flat - own).norm() > ANOTHER * own.norm():
            warn(
                "a picture over time must repeat the run's training, got other weights at its end than the run's; "
                "it was trained with other data or on another kind of machine."
            )


def _may_differ(subject: Subject) -> bool:
    """Whether the run ended with other weights than those of its last step, as it should."""
    plan, engine = subject.engine.plan, subject.engine
    return plan.restore_best or plan.temperature_scaling or plan.ema is not None or engine.optimizer.averages


def of_parameters(
    subject: Subject, steps: list[int], figure: Callable[[Moment, slice], float], *, biases: bool = False
) -> dict[str, np.ndarray]:
    """At each of those steps a figure of each weight matrix, and with `biases` of all else; the slice is its place."""
    found: dict[str, list[float]] = {}
    for moment, engine in moments(subject, steps):
        for name, where in slices(engine).items():
            if biases or engine.named_parameters()[name].dim() > 1:
                found.setdefault(name, []).append(figure(moment, where))
    return {name: np.array(values) for name, values in found.items()}


def slices(engine: FiveStepEngine) -> dict[str, slice]:
    """Where each parameter lies in the flat vector."""
    return {
        name: slice(view.storage_offset(), view.storage_offset() + view.numel())
        for name, view in engine.named_parameters().items()
    }
