"""Every gradient against the difference quotient that defines it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, final

import torch
from torch import Tensor

from ..batches import Batch
from ..check import InputError, refuse
from ..datasets._base import Dataset
from ..engines._base import FiveStepEngine
from ..engines._engine import Engine
from ..machine.threads import threads_for
from ..preflight import check_data, check_whole_batches
from ..steps import do_step
from ._result import WIDTH, Verification, indexed, paragraph, short, table, together
from ._stream import stream

UNIT = 2.0**-53
STEP = UNIT ** (1 / 3)
"""h, relative to the parameter if that is above 1: 4.8e-6, where truncation and rounding errors are about equal."""

TRUNCATION = 1e-7
"""The bound on h^2 f'''/6 = 4e-12 f''', relative to the largest gradient of the layer: room for f''' of 1e4."""

ROUNDINGS = 100.0
"""Roundings in a loss, each an error of u |loss|, which the quotient divides by h."""

MOST_PARAMETERS = 20_000

TITLES = ("", "elements", "largest gradient", "difference", "tolerance", "")
KINKS = (
    "At a kink of the loss the slopes to the left and to the right are two; there the gradient must lie between them, "
    "and it does."
)
EXPLAINED = (
    f"Held against (f(w + h) - f(w - h)) / 2h with h = {STEP:.1e} max(1, |w|). Tolerance: {TRUNCATION:.0e} of the "
    f"layer's largest gradient, for what the quotient leaves out, and {ROUNDINGS:g} u |loss| / h with u = {UNIT:.1e}, "
    f"for rounding."
)


@final
class Checked(NamedTuple):
    """One tensor: its largest gradient, the element with the largest error, and elements at a kink of the loss."""

    name: str
    num_elements: int
    largest: float
    element: tuple[int, ...]
    gradient: float
    quotient: float
    tolerance: float
    num_kinks: int

    @property
    def difference(self) -> float:
        """|gradient - quotient| of that element."""
        return abs(self.gradient - self.quotient)

    @property
    def agrees(self) -> bool:
        """Whether that is within the tolerance."""
        return self.difference <= self.tolerance


@final
@dataclass(frozen=True)
class FiniteDifferences(Verification):
    """The gradients of one step against (f(w + h) - f(w - h)) / 2h, tensor by tensor."""

    engine: str
    subject: str
    step: int
    tensors: tuple[Checked, ...]

    @property
    def agrees(self) -> bool:
        return all(checked.agrees for checked in self.tensors)

    def lines(self, width: int = WIDTH) -> list[str]:
        total = sum(checked.num_elements for checked in self.tensors)
        verdict = "agree" if self.agrees else "differ"
        head = (
            f"{self.engine} and finite differences {verdict}: {total:,} gradients of {self.subject}, step {self.step}."
        )
        return together(
            paragraph(head, width),
            table([TITLES, *(_row(checked) for checked in self.tensors)], left=(0, 5)),
            [line for checked in self.tensors if not checked.agrees for line in paragraph(_off(checked), width)],
            paragraph(KINKS if any(checked.num_kinks for checked in self.tensors) else "", width),
            paragraph(EXPLAINED, width),
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "agrees": self.agrees,
            "engines": [self.engine, "finite-differences"],
            "subject": self.subject,
            "step": self.step,
            "tensors": [{**checked._asdict(), "agrees": checked.agrees} for checked in self.tensors],
        }


def _row(checked: Checked) -> tuple[str, ...]:
    kinks = f"{checked.num_kinks} at a kink" if checked.num_kinks else ""
    numbers = (checked.largest, checked.difference, checked.tolerance)
    return checked.name, f"{checked.num_elements:,}", *map(short, numbers), kinks if checked.agrees else "differs"


def _off(checked: Checked) -> str:
    values = f"gradient {checked.gradient:.10g}, finite difference {checked.quotient:.10g}"
    return f"{checked.name}{indexed(checked.element)}: {values}."


def finite_differences(engine: Engine, data: Dataset, step: int, subject: str) -> FiniteDifferences:
    """Does the steps before `step`, then compares every gradient of that step with its quotient.

    Central differences: (f(w + h) - f(w - h)) / 2h = f'(w) + h^2 f'''/6 + ..., with a rounding error of u |f| / h. The
    draws of the step, such as dropout masks, are kept fixed. The engine is restored afterwards.
    """
    _check(engine, data)
    assert isinstance(engine, FiveStepEngine)
    start = engine.state(), engine.num_updates
    upcoming = None
    for upcoming in islice(stream(engine, data, step), step):
        if upcoming.number < step:
            do_step(engine, upcoming, engine.plan)
    assert upcoming is not None
    with threads_for(engine, len(upcoming.batch.x)):
        tensors = tuple(_tensors(engine, upcoming.batch))
    engine.load_state(*start)
    engine.params.grad.zero_()
    return FiniteDifferences(str(engine.choice), subject, step, tensors)


def _tensors(engine: FiveStepEngine, batch: Batch) -> Iterator[Checked]:
    loss = _loss(engine, batch)
    engine.zero_grad()
    engine.backward()
    gradients = {name: value.clone() for name, value in engine.named_gradients().items()}
    rounding = ROUNDINGS * UNIT * max(abs(loss), 1e-300) / STEP
    for name, w in engine.named_parameters().items():
        layer = name.partition(".")[0]
        largest = max(float(value.abs().max()) for key, value in gradients.items() if key.partition(".")[0] == layer)
        yield _one_tensor(engine, batch, name, w, gradients[name], TRUNCATION * largest + rounding)


def _one_tensor(
    engine: FiveStepEngine, batch: Batch, name: str, w: Tensor, gradient: Tensor, tolerance: float
) -> Checked:
    flat, found, num_kinks = w.detach().view(-1), gradient.flatten(), 0
    middle = _loss(engine, batch)
    worst = Checked(
        name, w.numel(), float(gradient.abs().max()), (0,) * w.dim(), float(found[0]), float(found[0]), tolerance, 0
    )
    for k in range(w.numel()):
        g = float(found[k])
        left, right = _slopes(engine, batch, flat, k, middle)
        quotient = (left + right) / 2
        if abs(g - quotient) > tolerance and min(left, right) - tolerance <= g <= max(left, right) + tolerance:
            left, right, num_kinks = g, g, num_kinks + 1
            quotient = g
        if abs(g - quotient) > worst.difference or not math.isfinite(quotient):
            index = tuple(int(i) for i in torch.unravel_index(torch.tensor(k), w.shape))
            worst = worst._replace(element=index, gradient=g, quotient=quotient)
    return worst._replace(num_kinks=num_kinks)


def _slopes(engine: FiveStepEngine, batch: Batch, flat: Tensor, k: int, middle: float) -> tuple[float, float]:
    """(f(w) - f(w - h)) / h and (f(w + h) - f(w)) / h, whose mean is the central difference."""
    before = float(flat[k])
    h = STEP * max(1.0, abs(before))
    flat[k] = before + h
    above = _loss(engine, batch)
    flat[k] = before - h
    below = _loss(engine, batch)
    flat[k] = before
    return (middle - below) / h, (above - middle) / h


def _loss(engine: FiveStepEngine, batch: Batch) -> float:
    return float(engine.loss(engine.forward(batch.x), batch.y, batch.weight).detach())


def _check(engine: Engine, data: Dataset) -> None:
    if not isinstance(engine, FiveStepEngine):
        raise refuse("engine", engine.name, "one that shows its gradient", "take scratch, autograd or nn")
    if engine.dtype != torch.float64:
        raise InputError(
            "dtype must be 'float64' for finite differences, got 'float32', whose rounding hides them; take float64."
        )
    if engine.params.flat.numel() > MOST_PARAMETERS:
        raise InputError(
            f"the network must have at most {MOST_PARAMETERS:,} parameters for finite differences, got "
            f"{engine.params.flat.numel():,}; take a smaller one, as with --hidden 8."
        )
    check_data(engine, data)
    check_whole_batches(engine.plan, data)
