"""What training makes of rounding is told from a fault."""

from typing import Any

import pytest

from fivestep.engines._base import FiveStepEngine
from fivestep.verify import Comparison, verify
from tests.samples import moons
from tests.verify.faults import by_rule, momentum_forgotten

CHAOTIC: dict[str, Any] = {"optimizer": "lbfgs", "lr": 1.0}
pytestmark = pytest.mark.usefixtures("without_shape_checks")


def compare(one: FiveStepEngine, other: FiveStepEngine, data: Any, num_steps: int) -> Comparison:
    found = verify(one, other, data, num_steps)
    assert isinstance(found, Comparison)
    return found


def test_two_right_engines_agree_until_training_has_made_rounding_large() -> None:
    (one, data, _), (other, _, _) = moons("scratch", "float64", **CHAOTIC), moons("nn", "float64", **CHAOTIC)
    found = compare(one, other, data, 20)
    assert found.agrees
    assert found.by_rounding
    assert found.first is not None
    assert 1 < found.num_agreeing == found.first.step - 1 < 20
    assert found.reason.startswith("order of summation")
    assert f"agree up to step {found.num_agreeing}, where rounding takes over" in str(found)


def test_an_engine_against_itself_never_parts() -> None:
    (one, data, _), (other, _, _) = moons("scratch", "float64", **CHAOTIC), moons("scratch", "float64", **CHAOTIC)
    found = compare(one, other, data, 20)
    assert found.first is None
    assert "All numbers are equal, bit for bit." in str(found)


@pytest.mark.parametrize("size", [1e-9, 1e-6, 1e-3])
def test_a_small_fault_in_the_same_training_is_no_rounding(size: float) -> None:
    (one, data, _), (other, _, _) = moons("scratch", "float64", **CHAOTIC), moons("nn", "float64", **CHAOTIC)
    forward = one.forward
    one.forward = lambda x: forward(x) * (1 + size)  # type: ignore[method-assign]
    found = compare(one, other, data, 20)
    assert (found.agrees, found.by_rounding) == (False, False)


def test_a_fault_that_shows_late_is_no_rounding() -> None:
    """Momentum that is left out from step 8 on."""
    options: dict[str, Any] = {"optimizer": "sgd", "momentum": 0.9}
    (one, data, _), (other, _, _) = moons("scratch", "float64", **options), moons("nn", "float64", **options)
    right = one.update

    def update(again: Any = None) -> None:
        if one.num_updates == 7:
            by_rule(momentum_forgotten)(one)
        (right if one.num_updates < 7 else one.update)(again)

    one.update = update  # type: ignore[method-assign]
    found = compare(one, other, data, 20)
    assert not found.agrees
    assert found.first is not None
    assert (found.first.step, found.first.part) == (8, 5)
