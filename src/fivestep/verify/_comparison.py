"""The report of two engines in lockstep."""

from dataclasses import dataclass
from textwrap import wrap
from typing import Any, final

import torch

from ._difference import Difference
from ._lockstep import Lockstep
from ._moments import FIVE, WHOLE
from ._reasons import is_rounding, likely_reason
from ._result import Verification, short, table
from ._scene import Scene

WIDTH = 80


@final
@dataclass(frozen=True)
class Comparison(Verification):
    """Two engines, step by step: where they differ first, if they do, and why, or how close they stay.

    `largest` has, for each of the five parts (1 to 5; 0 for a step that is not taken apart), the largest absolute and
    the largest relative difference. With `by_rounding` the first difference is what one rounding unit makes of itself
    in this training: the engines agree as long as that can be seen.
    """

    names: tuple[str, str]
    subject: str
    num_steps: int
    num_agreeing: int
    apart: bool
    compared: tuple[str, ...]
    tolerances: tuple[str, float, float]
    largest: dict[int, tuple[Difference, Difference]]
    first: Difference | None = None
    shape: tuple[int, ...] = ()
    by_rounding: bool = False
    reason: str = ""

    @property
    def agrees(self) -> bool:
        return self.first is None or self.by_rounding

    def lines(self) -> list[str]:
        one, other = self.names
        if self.first is None:
            head = f"{one} and {other} agree: {_steps(self.num_steps)} of {self.subject}."
        elif self.by_rounding:
            head = f"{one} and {other} agree up to step {self.num_agreeing} of {self.num_steps}, where rounding takes over."
        else:
            head = f"{one} and {other} differ at step {self.first.step}, {_after(self.first)}."
        shown = [] if self.first is None else [*self._first(), ""]
        if self.first is not None:
            shown += _wrapped(f"Compared: {self.subject}. {self._agreeing()}")
        if self.agrees and self.largest:
            shown += [*([""] if shown else []), *self._table(), "", *self._extremes()]
        return [*_wrapped(head), "", *shown, "", *self._footnotes()]

    def to_dict(self) -> dict[str, Any]:
        return {
            "agrees": self.agrees,
            "engines": list(self.names),
            "subject": self.subject,
            "steps": self.num_steps,
            "steps_that_agree": self.num_agreeing,
            "tensors": list(self.compared),
            "tolerance": {"formula": self.tolerances[0], "first": self.tolerances[1], "last": self.tolerances[2]},
            "largest": {
                _part(part): {"absolute": _values(absolute), "relative": _values(relative)}
                for part, (absolute, relative) in self.largest.items()
            },
            "first_difference": None if self.first is None else _values(self.first),
            "by_rounding": self.by_rounding,
            "reason": self.reason or None,
        }

    def _first(self) -> list[str]:
        found = self.first
        assert found is not None
        of = f", element {list(found.index)} of {self.shape}" if found.index and self.shape == tuple(self.shape) else ""
        limit = "exactly 0" if found.part == 3 and found.key.kind == "gradient" else short(self.tolerances[2])
        rows = [
            ("tensor", f"{found.key}{of}"),
            (self.names[0], _exact(found.one)),
            (self.names[1], _exact(found.other)),
            ("difference", f"{short(found.absolute)}, relative {short(found.relative)}; tolerance {limit}"),
        ]
        width = max(len(name) for name, _ in rows) + 2
        text = [f"  {name.ljust(width)}{value}" for name, value in rows]
        reason = wrap(self.reason + ".", WIDTH - width - 2)
        return [*text, *(f"  {('likely' if k == 0 else '').ljust(width)}{line}" for k, line in enumerate(reason))]

    def _agreeing(self) -> str:
        if self.num_agreeing == 0:
            return ""
        return (
            "The step before it agrees."
            if self.num_agreeing == 1
            else f"The {self.num_agreeing} steps before it agree."
        )

    def _table(self) -> list[str]:
        rows = [("after", "relative", "where it is largest")]
        for part, (_, relative) in self.largest.items():
            rows.append(
                (
                    _part(part),
                    short(relative.relative),
                    _where(relative) if relative.relative else "no difference at all",
                )
            )
        return table(rows, left=(0, 2))

    def _extremes(self) -> list[str]:
        absolute = max((pair[0] for pair in self.largest.values()), key=lambda found: found.absolute)
        relative = max((pair[1] for pair in self.largest.values()), key=lambda found: found.relative)
        text: list[str] = []
        for name, found, size in (("relative", relative, relative.relative), ("absolute", absolute, absolute.absolute)):
            if size:
                sides = " and ".join(
                    f"{_exact(value)} ({name_of})"
                    for name_of, value in zip(self.names, (found.one, found.other), strict=True)
                )
                text += _wrapped(f"Largest {name} difference {short(size)}, {_where(found)}: {sides}.")
        return text or ["All numbers are equal, bit for bit."]

    def _footnotes(self) -> list[str]:
        formula, first, last = self.tolerances
        step = self.num_steps if self.first is None else self.first.step
        kinds = f"{', '.join(_summary(self.compared))}, {'after each of the five steps' if self.apart else 'after each whole step'}"
        why = "" if self.apart else " (an engine that does all five in one body shows no more)"
        return [
            *_wrapped(f"Looked at: {kinds}{why}."),
            *_wrapped(
                f"Tolerance at step t: {formula}, {short(first)} at step 1{f', {short(last)} at step {step}' if step > 1 else ''}. Relative to "
                f"the largest number of its kind in its layer so far."
            ),
        ]


def compared(lock: Lockstep, names: tuple[str, str], subject: str) -> Comparison:
    """The report of a comparison that has run. Leaves both engines as they were at its start."""
    found = lock.first
    step = lock.num_steps if found is None else found.step
    about = (str(lock.tolerance), lock.tolerance.after(1), lock.tolerance.after(step))
    by_rounding, reason, shape = False, "", ()
    if found is None:
        lock.restart()
    else:
        shape = tuple(lock.records[0].now[found.part][found.key].shape)
        by_rounding = is_rounding(lock)
        with torch.no_grad():
            reason = _rounding_text(lock, names) if by_rounding else likely_reason(Scene(lock, names))
    largest = dict(sorted(lock.largest.items()))
    return Comparison(
        names,
        subject,
        lock.num_steps,
        lock.num_done,
        lock.apart,
        tuple(map(str, lock.compared)),
        about,
        largest,
        found,
        shape,
        by_rounding,
        reason,
    )


def _rounding_text(lock: Lockstep, names: tuple[str, str]) -> str:
    advice = "" if lock.tolerance.precision == "float64" else "; compare in float64 to see further"
    return (
        f"order of summation: the two add up the same numbers in another order, and this training makes every rounding larger. {names[1]}, started with its weights one "
        f"unit in the last place away, moves as far from itself{advice}"
    )


def _summary(compared: tuple[str, ...]) -> list[str]:
    gradients = sum(name.startswith("gradient of") for name in compared)
    rest = [name for name in compared if name not in ("logits", "loss") and not name.startswith("gradient of")]
    named = [name for name in ("logits", "loss") if name in compared]
    return [*named, *([f"{gradients} gradients"] if gradients else []), f"{len(rest)} parameters and buffers"]


def _part(part: int) -> str:
    return "the step" if part == WHOLE else f"{part}  {FIVE[part - 1]}"


def _after(found: Difference) -> str:
    return "after the whole step" if found.part == WHOLE else f"after {found.part} {FIVE[found.part - 1]}"


def _where(found: Difference) -> str:
    return f"{found.key}{list(found.index) if found.index else ''} at step {found.step}"


def _steps(number: int) -> str:
    return "one step" if number == 1 else f"{number:,} steps"


def _exact(number: float) -> str:
    return f"{number:.17g}"


def _values(found: Difference) -> dict[str, Any]:
    return {
        "step": found.step,
        "part": found.part,
        "after": _part(found.part).partition("  ")[2] or "step",
        "tensor": str(found.key),
        "index": list(found.index),
        "values": [found.one, found.other],
        "absolute": found.absolute,
        "relative": found.relative,
    }


def _wrapped(text: str) -> list[str]:
    return wrap(text.strip(), WIDTH)
