"""The report of two engines in lockstep."""

import math
from dataclasses import dataclass
from typing import Any, final

import torch

from ._difference import Difference
from ._lockstep import Lockstep
from ._moments import FIVE, WHOLE, Key
from ._reasons import likely_reason
from ._result import WIDTH, Verification, indexed, num_steps_text, paragraph, short, table, together
from ._scene import Scene
from ._tolerance import Tolerance

RELATIVE = "A relative difference is divided by the largest number of its kind in its layer so far."


@final
@dataclass(frozen=True)
class Comparison(Verification):
    """Two engines, step by step: where they first differ and why, or how close they stay.

    `num_agreeing` steps agree. `largest` has, for each of the five parts (1 to 5; 0 for a step that is not taken
    apart), the largest absolute and the largest relative difference within the tolerance. `first` is the first
    difference beyond it, `shape` that of its tensor. `roundings` are differences beyond it, one a step, that a change
    of the weights by one rounding unit explains; the engines agree there, and both went on from the same weights.
    """

    names: tuple[str, str]
    subject: str
    num_steps: int
    num_agreeing: int
    compared: tuple[Key, ...]
    tolerance: Tolerance
    largest: dict[int, tuple[Difference, Difference]]
    first: Difference | None = None
    shape: tuple[int, ...] = ()
    reason: str = ""
    roundings: tuple[Difference, ...] = ()

    @property
    def agrees(self) -> bool:
        return self.first is None

    def lines(self, width: int = WIDTH) -> list[str]:
        found = [] if self.first is None else self._found(self.first, width)
        close = [*_by_part(self.largest), "", *self._extremes(width)] if self.agrees else []
        rounding = paragraph(self._of_rounding(), width)
        return together(paragraph(self._verdict(), width), found, close, rounding, self._explained(width))

    def to_dict(self) -> dict[str, Any]:
        return {
            "agrees": self.agrees,
            "engines": list(self.names),
            "subject": self.subject,
            "steps": self.num_steps,
            "steps_that_agree": self.num_agreeing,
            "tensors": [str(key) for key in self.compared],
            "tolerance": {"formula": str(self.tolerance), "at_step_1": self.tolerance.after(1)},
            "largest": {
                _name_of(part): {"absolute": _values(absolute), "relative": _values(relative)}
                for part, (absolute, relative) in self.largest.items()
            },
            "first_difference": None if self.first is None else _values(self.first),
            "explained_by_rounding": [_values(found) for found in self.roundings],
            "reason": self.reason or None,
        }

    def _verdict(self) -> str:
        one, other = self.names
        if self.first is None and self.num_agreeing < self.num_steps:
            return (
                f"{one} and {other} agree up to step {self.num_agreeing:,}, where rounding takes over: {self.subject}."
            )
        if self.first is None:
            return f"{one} and {other} agree: {num_steps_text(self.num_steps)} of {self.subject}."
        place = "" if self.first.part == WHOLE else f", after {self.first.part} {FIVE[self.first.part - 1]}"
        return f"{one} and {other} differ at step {self.first.step:,}{place}: {self.subject}."

    def _found(self, first: Difference, width: int) -> list[str]:
        """The first difference: where, both values, how large, why."""
        element = f"{indexed(first.element)} of {self.shape}" if first.element else ""
        cleared = first.part == 3 and first.key.kind == "gradient"
        limit = "must be exactly 0" if cleared else f"tolerance {short(self.tolerance.after(first.step))}"
        rows = {
            "tensor": f"{first.key} {element}".strip(),
            self.names[0]: self._exact(first.one),
            self.names[1]: self._exact(first.other),
            "difference": f"{short(first.absolute)}, relative {short(first.relative)}; {limit}",
        }
        if math.isnan(first.one) and math.isnan(first.other):
            rows = {"tensor": str(first.key)}
        indent = max(map(len, rows), default=0) + 4
        reason = paragraph(f"{self.reason}.", width - indent)
        text = [f"  {name.ljust(indent - 2)}{value}" for name, value in rows.items()]
        return text + [f"{'  likely' if k == 0 else '':{indent}}{line}" for k, line in enumerate(reason)]

    def _extremes(self, width: int) -> list[str]:
        """Both values at the largest difference, and the difference, absolute and relative."""
        absolute = max((pair[0] for pair in self.largest.values()), key=lambda found: found.absolute)
        relative = max((pair[1] for pair in self.largest.values()), key=lambda found: found.relative)
        if not absolute.absolute:
            return ["All numbers are equal, bit for bit."]
        return [
            *paragraph(f"Largest relative difference {short(relative.relative)}: {self._both(relative)}.", width),
            *paragraph(f"Largest absolute difference {short(absolute.absolute)}: {self._both(absolute)}.", width),
        ]

    def _exact(self, number: float) -> str:
        """A number with as many digits as distinguish two numbers of its dtype."""
        return f"{number:.17g}" if self.tolerance.precision == "float64" else f"{number:.9g}"

    def _both(self, found: Difference) -> str:
        return f"{self._exact(found.one)} and {self._exact(found.other)} in {_place(found)}"

    def _of_rounding(self) -> str:
        """The number of steps at which rounding alone exceeded the tolerance, and how that is known."""
        if not self.roundings:
            return ""
        first, *more = self.roundings
        values = f"({self._exact(first.one)} and {self._exact(first.other)})"
        later = f" and at {len(more)} later steps" if len(more) > 1 else " and at one later step" if more else ""
        return (
            f"Order of summation: in {_place(first)} {values}{later} they were further apart than the tolerance, "
            f"because this training makes every rounding larger: {self.names[1]}, started with its weights one unit in "
            f"the last place away, moves as far from itself. After such a step both begin anew, from the same weights."
        )

    def _explained(self, width: int) -> list[str]:
        """What was compared, how closely, and what a relative difference is."""
        last = self.num_steps if self.first is None else self.first.step
        until = f", {short(self.tolerance.after(last))} at step {last:,}" if last > 1 else ""
        bound = f"Tolerance after step t: {self.tolerance}; {short(self.tolerance.after(1))} at step 1{until}."
        smaller = "A fault that is smaller does not show in float32; in float64 it does."
        apart = any(key.kind == "logits" for key in self.compared)
        when = (
            "after each of the five steps"
            if apart
            else "after each step as a whole, which is all that one of them shows"
        )
        return [
            *paragraph(f"Compared {when}: {', '.join(_counted(self.compared))}.", width),
            *paragraph(bound, width),
            *paragraph(smaller if self.agrees and self.tolerance.precision == "float32" else "", width),
            *paragraph(RELATIVE, width),
        ]


def compared(lock: Lockstep, names: tuple[str, str], subject: str) -> Comparison:
    """Runs a comparison and reports it; restores both engines to their state at its start."""
    found, reason = lock.first, ""
    shape: tuple[int, ...] = ()
    lock.restart()
    if found is not None:
        shape = tuple(lock.records[0].now[found.part][found.key].shape)
        with torch.no_grad():
            reason = likely_reason(Scene(lock, names))
    return Comparison(
        names,
        subject,
        lock.num_steps,
        lock.num_done,
        tuple(lock.compared),
        lock.tolerance,
        dict(sorted(lock.largest.items())),
        found,
        shape,
        reason,
        tuple(lock.roundings),
    )


def _by_part(largest: dict[int, tuple[Difference, Difference]]) -> list[str]:
    """One line for each of the five: the largest relative difference and where it was."""
    rows = [("after", "relative", "where it is largest")]
    for part, (_, found) in largest.items():
        rows.append((_name_of(part), short(found.relative), _place(found) if found.relative else "equal, bit for bit"))
    return table(rows, left=(0, 2))


def _name_of(part: int) -> str:
    return "the step" if part == WHOLE else f"{part} {FIVE[part - 1]}"


def _place(found: Difference) -> str:
    return f"{found.key}{indexed(found.element)} at step {found.step:,}"


def _counted(keys: tuple[Key, ...]) -> list[str]:
    """What was compared: "logits", "loss", "4 gradients", "4 parameters"."""
    kinds = [key.kind for key in keys]
    counts = {kind: kinds.count(kind) for kind in ("gradient", "parameter", "buffer") if kind in kinds}
    single = [kind for kind in ("logits", "loss") if kind in kinds]
    return [*single, *(f"{number} {kind}{'s' if number > 1 else ''}" for kind, number in counts.items())]


def _values(found: Difference) -> dict[str, Any]:
    return {
        "step": found.step,
        "part": found.part,
        "after": "step" if found.part == WHOLE else FIVE[found.part - 1],
        "tensor": str(found.key),
        "element": list(found.element),
        "values": [_for_json(found.one), _for_json(found.other)],
        "absolute": _for_json(found.absolute),
        "relative": _for_json(found.relative),
    }


def _for_json(number: float) -> float | str:
    """A number as JSON, which has neither infinity nor NaN."""
    return number if math.isfinite(number) else str(number)
