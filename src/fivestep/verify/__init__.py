"""Compares two engines in lockstep, or one with the definition of a gradient.

From the same weights, batches and masks both do the same steps, and after each of the five everything visible is
compared: logits, loss, every gradient, every parameter, every buffer. The report says how close they stay, or names the
first step, which of the five, the tensor and the element that differs, and the likely reason.
"""

from torch import nn

from ..check import at_least, instances, refuse
from ..datasets._base import Dataset
from ..engines._engine import Engine
from ._comparison import Comparison, compared
from ._finite_differences import FiniteDifferences, finite_differences
from ._load import is_file_and_function, load_module
from ._lockstep import Lockstep
from ._pairs import FORMS, Pair, pair_of
from ._random import Sample, verify_all
from ._result import Verification
from ._spec_like import spec_like

__all__ = [
    "FORMS",
    "Comparison",
    "FiniteDifferences",
    "Lockstep",
    "Pair",
    "Sample",
    "Verification",
    "compared",
    "finite_differences",
    "is_file_and_function",
    "load_module",
    "pair_of",
    "spec_like",
    "subject_of",
    "verify",
    "verify_all",
]

NUM_STEPS = 100
NUM_STEPS_BFLOAT16 = 10


def verify(
    one: Engine | nn.Module | str, other: Engine | nn.Module | str, data: Dataset, num_steps: int | None = None
) -> Verification:
    """Compares `one` with `other` over `num_steps` steps of training on `data`; `str(...)` of the result is the report.

    `other` is an engine, the name of one ("nn", made for the same network and plan), a module of your own, or one of

        "finite-differences"   every gradient of step `num_steps` (the first by default), in float64
        "accumulate"           each batch in micro-batches (the plan's, or four) against the whole batch
        "compile"              `nn` as one compiled program against `nn`
        "bfloat16"             `nn` under autocast against `nn`, within the tolerance of bfloat16

    The name may stand on either side. Both must be new, begin with the weights of `other` (of the engine that is given,
    where the other is a module or a name), and are left with these weights, as if nothing had been done; a module is
    copied, and is held against the engine on whichever side it stands. Its parameters are matched to the network's by
    order and shape. An engine that does the five steps in one body shows loss and parameters after each step, and these
    are compared. By default a hundred steps, in bfloat16 ten.
    Raises an `InputError` if the two cannot be compared.
    """
    if one == "finite-differences" and isinstance(other, Engine):
        one, other = other, one
    if not isinstance(one, Engine | nn.Module) and not (isinstance(one, str) and isinstance(other, Engine)):
        raise refuse("one", one, "an engine or a module", "make one with make_engine")
    instances(data=(data, Dataset))
    if other == "finite-differences":
        if not isinstance(one, Engine):
            raise refuse("one", type(one).__name__, "an engine for finite differences", "compare it with scratch")
        num_steps = 1 if num_steps is None else num_steps
        at_least("num_steps", num_steps, 1)
        return finite_differences(one, data, num_steps, subject_of(one, data))
    if num_steps is None:
        num_steps = NUM_STEPS_BFLOAT16 if "bfloat16" in (one, other) else NUM_STEPS
    at_least("num_steps", num_steps, 1)
    pair = pair_of(one, other, data)
    lock = Lockstep(pair.one, pair.other, data, num_steps)
    for _ in lock:
        pass
    return compared(lock, pair.names, subject_of(pair.other, data))


def subject_of(engine: Engine, data: Dataset) -> str:
    """The network, data, rule and dtype as text: "MLP 2-8-1 on moons, adam, float64"."""
    dtype = engine.dtype_name
    return f"{engine.spec.title} {engine.spec.sizes_text()} on {data.name}, {engine.plan.optimizer}, {dtype}"
