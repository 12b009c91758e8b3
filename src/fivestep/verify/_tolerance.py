"""How far two engines may differ, given their dtype and the number of steps done.

One rounding makes a relative error of at most u: 1.1e-16 in float64, 6.0e-8 in float32, 3.9e-3 in bfloat16. All errors
are measured against the largest number of their kind in their layer (`Scales`), the scale of the terms of the sums they
come from.

**float64 and float32.** The same sum of n terms in another order differs by about sqrt(n) u; through L
layers, forward and backward, by 2 L sqrt(n) u: below 300 u for four layers of a thousand terms. A rule that divides by
the size of the gradient, as Adam does, passes on the error of an element relative to itself, which is a few times
larger. So in float32 one step may cost 1e3 u. In float64, where nothing that small can be a fault, it may cost a
hundred times as many, which leaves room for training that makes differences larger. The next step begins where this one
ended and adds its own, so t steps may cost t times as much:

    tolerance(t) = 1e5 u t     1.1e-11 t  in float64
    tolerance(t) = 1e3 u t     6.0e-5 t   in float32

and never more than 0.1. Measured over twelve tasks: 5 u after the first step and 20 u after a hundred, where the
training is calm. Where it is not (a large rate near the edge of stability), it doubles every difference every few
steps, and after some time rounding alone has moved the engines further apart than any t u allows. That is tested by
repeating the steps (`_rounding.py`).

**Rules with repeats.** L-BFGS divides differences of nearby gradients by each other, twenty times a step, which
makes an error of u some hundred thousand times larger: a thousand times the tolerance above, 1.1e-8 t in float64.

**bfloat16.** The products are rounded, the sums are kept in float32; so depth counts and the number of terms does not.
One step moves a gradient by up to 18 u of its layer's largest (measured; a ReLU near its kink lets all of an element
through, or nothing). The errors of different steps are independent, so they grow as the square root:

    tolerance(t) = 32 u sqrt(t)    0.13 sqrt(t), never more than 0.5
"""

import math
from typing import NamedTuple, final

import torch

from ..engines._engine import Engine

UNITS = {"float64": 2.0**-53, "float32": 2.0**-24, "bfloat16": 2.0**-8}
"""u, the largest relative error of one rounding."""

PER_STEP = {"float64": 1e5, "float32": 1e3}
LOOKS_AGAIN = 1e3
AT_MOST = 0.1
IN_BFLOAT16, AT_MOST_IN_BFLOAT16 = 32.0, 0.5


@final
class Tolerance(NamedTuple):
    """The largest relative difference that counts as agreement: a function of the step, counted from 1."""

    precision: str
    looks_again: bool = False

    def after(self, step: int) -> float:
        """Tolerance(t), as derived above."""
        unit = UNITS[self.precision]
        if self.precision == "bfloat16":
            return min(IN_BFLOAT16 * unit * math.sqrt(step), AT_MOST_IN_BFLOAT16)
        return min(self._per_step * unit * step, AT_MOST)

    @property
    def _per_step(self) -> float:
        return PER_STEP[self.precision] * (LOOKS_AGAIN if self.looks_again else 1)

    def __str__(self) -> str:
        unit = f"where u = {UNITS[self.precision]:.1e} is one rounding in {self.precision}"
        if self.precision == "bfloat16":
            return f"{IN_BFLOAT16:g} u sqrt(t), {unit}"
        factor = f"{self._per_step:.0e}".replace("e+0", "e")
        return f"{factor} u t, {unit}"


def tolerance_between(one: Engine, other: Engine) -> Tolerance:
    """The tolerance of the coarser of two dtypes."""
    coarser = max((_precision(one), _precision(other)), key=UNITS.__getitem__)
    return Tolerance(coarser, one.optimizer.repeats or other.optimizer.repeats)


def _precision(engine: Engine) -> str:
    if engine.options.get("autocast"):
        return str(engine.options["autocast"])
    return "float64" if engine.dtype == torch.float64 else "float32"
