"""Whatever the network and the plan: a fault in any of the five is caught at once, and a report is made of it."""

from collections.abc import Callable
from typing import Any

import pytest
from torch import Tensor

from fivestep.engines._base import FiveStepEngine
from fivestep.verify import Comparison, compared
from fivestep.verify._lockstep import Lockstep
from fivestep.verify._random import random_case

pytestmark = pytest.mark.usefixtures("without_shape_checks")


def logits_off(engine: FiveStepEngine) -> None:
    own = engine.forward
    engine.forward = lambda x: own(x) + 0.01  # type: ignore[method-assign]


def loss_off(engine: FiveStepEngine) -> None:
    own: Callable[..., Tensor] = engine.loss
    engine.loss = lambda logits, y, weight=None: own(logits, y, weight) * 1.01  # type: ignore[method-assign]


def gradient_off(engine: FiveStepEngine) -> None:
    own = engine.backward

    def backward() -> None:
        own()
        engine.params.grad.neg_()

    engine.backward = backward  # type: ignore[method-assign]


def gradient_added_up(engine: FiveStepEngine) -> None:
    engine.zero_grad = lambda: None  # type: ignore[method-assign]


def weights_off(engine: FiveStepEngine) -> None:
    own = engine.update

    def update(again: Any = None) -> None:
        own(again)
        engine.params.flat.mul_(0.999)

    engine.update = update  # type: ignore[method-assign]


Plant = Callable[[FiveStepEngine], None]
FAULTS: dict[Plant, tuple[int, int]] = {
    logits_off: (1, 1),
    loss_off: (1, 2),
    gradient_off: (1, 4),
    gradient_added_up: (2, 3),
    weights_off: (1, 5),
}


@pytest.mark.parametrize("plant", FAULTS, ids=lambda plant: plant.__name__)
@pytest.mark.parametrize("number", range(1, 13))
def test_a_fault_in_a_random_case_is_caught_where_it_is(number: int, plant: Plant) -> None:
    case = random_case(2, number)
    faulty, right = case.engine("scratch"), case.engine("nn")
    assert isinstance(faulty, FiveStepEngine)
    plant(faulty)
    lock = Lockstep(faulty, right, case.data, 7)
    list(lock)
    found = compared(lock, ("scratch", "nn"), "random rows")
    assert isinstance(found, Comparison)
    assert found.first is not None, str(case)
    looks_again = right.optimizer.repeats and plant is gradient_added_up  # steps 1 to 4 again, within step 5
    assert (found.first.step, found.first.part) == ((1, 5) if looks_again else FAULTS[plant]), f"{case}\n{found}"
    assert found.reason
    assert "likely" in str(found)
