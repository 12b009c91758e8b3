"""What training makes of rounding is told from a fault."""

from typing import Any

import pytest
import torch

from fivestep.datasets._base import Dataset, Rows
from fivestep.engines._engine import Engine
from fivestep.engines._make import make_engine
from fivestep.net import LinearRegression
from fivestep.plan import TrainPlan
from fivestep.verify import Comparison, verify
from tests.samples import moons
from tests.verify.faulty_update import momentum_forgotten
from tests.verify.planting import by_rule

CHAOTIC: dict[str, Any] = {"optimizer": "lbfgs", "lr": 1.0}
pytestmark = pytest.mark.usefixtures("without_shape_checks")


def compare(one: Engine, other: Engine, data: Any, num_steps: int) -> Comparison:
    found = verify(one, other, data, num_steps)
    assert isinstance(found, Comparison)
    return found


def test_two_right_engines_agree_though_training_has_made_rounding_large() -> None:
    (one, data, _), (other, _, _) = moons("scratch", "float64", **CHAOTIC), moons("nn", "float64", **CHAOTIC)
    found = compare(one, other, data, 20)
    assert found.agrees
    assert found.num_agreeing == 20
    assert 1 < found.roundings[0].step < 20
    assert "Order of summation: in " in str(found)
    assert "nn, started with its weights one unit in the last place away" in str(found).replace("\n", " ")


def test_the_sign_of_a_gradient_that_is_rounding_is_no_fault() -> None:
    """Adam divides by the size of a gradient: an element that is 0 but for rounding moves by the whole rate."""
    x = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]] * 25) * torch.linspace(0.1, 3, 100)[:, None]
    y = torch.tanh(3 * x[:, :1] * x[:, 1:])
    data = Dataset(Rows(torch.cat([x, -x]), torch.cat([y, -y])))
    plan = TrainPlan(loss="mse", optimizer="adam", lr=0.05, batch_size=None, epochs=10)
    engines = [
        make_engine(name, LinearRegression(2), plan, dtype="float32", device="cpu") for name in ("scratch", "nn")
    ]
    found = compare(*engines, data, 10)
    assert found.agrees, str(found)


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
    assert not found.agrees
    assert found.roundings == ()


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
