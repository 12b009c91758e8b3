"""Every gradient against the quotient that defines it."""

from typing import Any

import pytest
import torch
from torch import Tensor

from fivestep.check import InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.net import MLP
from fivestep.verify import FiniteDifferences, verify
from tests.samples import FIVE_STEP_ENGINES, small_engine, small_net
from tests.tolerances import CENTRAL_DIFFERENCES
from tests.verify.faulty_backward import times, weight_gradient
from tests.verify.planting import in_layer, in_loss
from tests.verify.samples import net, plan_for, rows_for

ROWS = rows_for(plan_for())
pytestmark = pytest.mark.usefixtures("without_shape_checks")


def check(engine: Any, data: Dataset = ROWS, step: int | None = None) -> FiniteDifferences:
    found = verify(engine, "finite-differences", data, step)
    assert isinstance(found, FiniteDifferences)
    return found


@pytest.mark.parametrize("name", FIVE_STEP_ENGINES)
@pytest.mark.parametrize(
    "spec",
    [
        small_net(dropout=0.3),
        net("linear:out_features=5,bias=false", "batch_norm", "gelu", "linear"),
        net("linear:out_features=4", "residual:layers=('layer_norm','linear:out_features=4','silu')", "linear"),
    ],
    ids=["dropout", "batch norm", "residual"],
)
def test_gradients_of_every_engine_are_their_quotients(name: str, spec: Any) -> None:
    found = check(small_engine(name, plan_for(), spec), step=3)
    assert found.agrees, str(found)
    assert sum(tensor.num_elements for tensor in found.tensors) == spec.num_parameters


@pytest.mark.parametrize("factor", [1.001, 0.0, -1.0])
def test_a_gradient_that_is_off_is_found(factor: float) -> None:
    engine = small_engine("scratch", plan_for(), small_net())
    in_loss(logits_gradient=times(factor))(engine)
    found = check(engine)
    assert [tensor.name for tensor in found.tensors if not tensor.agrees] == [
        "0.weight",
        "0.bias",
        "2.weight",
        "2.bias",
    ]


def test_the_layer_and_the_element_are_named() -> None:
    def one_element_off(dw: Tensor) -> Tensor:
        return dw.index_put((torch.tensor(2), torch.tensor(1)), dw[2, 1] + 0.01)

    engine = small_engine("scratch", plan_for(), small_net())
    in_layer(0, backward=weight_gradient(one_element_off))(engine)
    found = check(engine)
    (wrong,) = [tensor for tensor in found.tensors if not tensor.agrees]
    assert (wrong.name, wrong.element) == ("0.weight", (2, 1))
    assert wrong.gradient - wrong.quotient == pytest.approx(0.01, abs=CENTRAL_DIFFERENCES)
    assert "0.weight[2,1]: gradient" in str(found)
    assert str(found).startswith("scratch and finite differences differ")


def test_the_engine_is_left_as_it_was() -> None:
    engine = small_engine("scratch", plan_for(optimizer="adam"), net("linear:out_features=5", "layer_norm", "linear"))
    before = engine.state()
    check(engine, step=4)
    assert engine.num_updates == 0
    assert not engine.params.grad.any()
    assert all(torch.equal(value, before[name]) for name, value in engine.state().items())


def test_at_a_kink_the_gradient_must_lie_between_the_slopes() -> None:
    """x = 1 through w = 0, b = 0 into relu: the slope is 0 to the left and 1 to the right, and either is right."""
    data = Dataset(Rows(torch.ones(2, 1).double(), torch.full((2, 1), 5.0).double()))
    engine = small_engine("scratch", plan_for(loss="mse", batch_size=None), MLP(1, 1, 1))
    weights = {name: torch.zeros_like(w) for name, w in engine.named_parameters().items()}
    engine.load_weights(weights | {"2.weight": torch.ones(1, 1)})
    found = check(engine, data)
    assert {tensor.name: tensor.num_kinks for tensor in found.tensors} == {
        "0.weight": 1,
        "0.bias": 1,
        "2.weight": 0,
        "2.bias": 0,
    }
    assert found.agrees
    assert "1 at a kink" in str(found)


def test_a_gradient_outside_the_slopes_of_a_kink_is_found() -> None:
    data = Dataset(Rows(torch.ones(2, 1).double(), torch.full((2, 1), 5.0).double()))
    engine = small_engine("scratch", plan_for(loss="mse", batch_size=None), MLP(1, 1, 1))
    weights = {name: torch.zeros_like(w) for name, w in engine.named_parameters().items()}
    engine.load_weights(weights | {"2.weight": torch.ones(1, 1)})

    def twice(_layer: Any) -> Any:
        return lambda _w, _dw, dy, _memo, need_dx: dy * (2 if need_dx else 0)

    in_layer(1, backward=twice)(engine)
    assert not check(engine, data).agrees


def test_float32_is_refused() -> None:
    with pytest.raises(InputError, match="dtype must be 'float64' for finite differences, got 'float32'"):
        check(small_engine("scratch", dtype="float32"))


def test_a_large_network_is_refused() -> None:
    with pytest.raises(
        InputError, match="at most 20,000 parameters for finite differences, got 24,003; take a smaller"
    ):
        check(small_engine("scratch", plan_for(), MLP(4, 3000, 3)))
