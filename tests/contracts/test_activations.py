"""What holds for every activation: its value, its derivative, its torch twin.

An item of `activations/` that is not a function of each element alone (a softmax) is a plain `Layer`; the contracts of
`test_layers.py` cover it, and these leave it out.
"""

import pytest
import torch
from torch import Tensor

from fivestep.activations import _base
from fivestep.activations._base import Activation
from fivestep.layer import Memo
from tests.contracts.cases import Item, items
from tests.differences import central_differences
from tests.live import Live
from tests.tolerances import CENTRAL_DIFFERENCES, FORMULA, distance

EDGES = torch.tensor([0.0, -0.0, 1e-300, -1e-300, 1e-8, -1e-8, 1.0, -1.0, 30.0, -30.0, 800.0, -800.0, 1e12, -1e12])
POINTS = {
    "edges": EDGES.double(),
    "near zero": torch.linspace(-6, 6, 241, dtype=torch.float64),
    "smooth": torch.randn(200, generator=torch.Generator().manual_seed(0), dtype=torch.float64),
}

elementwise = pytest.mark.parametrize(
    "item", [pytest.param(item, id=str(item)) for item in items("activations") if isinstance(item.build(), Activation)]
)
points = pytest.mark.parametrize("z", [pytest.param(z, id=name) for name, z in POINTS.items()])


@elementwise
@points
def test_value_equals_the_torch_twin(item: Item, z: Tensor) -> None:
    activation = item.build()
    assert distance(activation.value(z), activation.twin()(z)) < FORMULA


@elementwise
@points
def test_derivative_equals_autograd_of_the_torch_twin(item: Item, z: Tensor) -> None:
    activation = item.build()
    leaf = z.clone().requires_grad_()
    activation.twin()(leaf).sum().backward()
    assert distance(activation.derivative(z, activation.value(z)), leaf.grad) < FORMULA


@elementwise
@points
def test_autograd_through_the_value_equals_the_derivative(item: Item, z: Tensor) -> None:
    """At kinks and where an exponential overflows as well: the engine `autograd` follows the value."""
    activation, leaf = item.build(), z.clone().requires_grad_()
    a = activation.value(leaf)
    a.sum().backward()
    assert distance(leaf.grad, activation.derivative(z, a.detach())) < FORMULA


@elementwise
def test_derivative_equals_central_differences(item: Item) -> None:
    activation, z = item.build(), POINTS["smooth"]
    quotient = central_differences(lambda moved: activation.value(moved).sum(), z)
    assert distance(activation.derivative(z, activation.value(z)), quotient) < CENTRAL_DIFFERENCES


@elementwise
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_value_and_derivative_are_numbers_everywhere(item: Item, dtype: torch.dtype) -> None:
    activation, z = item.build(), EDGES.to(dtype)
    a = activation.value(z)
    assert a.isfinite().all()
    assert activation.derivative(z, a).isfinite().all()


@elementwise
def test_value_written_to_a_buffer_is_the_same_value(item: Item) -> None:
    activation, z = item.build(), POINTS["near zero"]
    out = torch.full_like(z, torch.nan)
    assert activation.value(z, out=out) is out
    assert torch.equal(out, activation.value(z))


@elementwise
def test_what_does_not_use_z_can_be_written_over_it(item: Item) -> None:
    activation, z = item.build(), POINTS["near zero"].clone()
    if activation.uses_z:
        pytest.skip("it needs z again for its derivative")
    a, derivative = activation.value(z), activation.derivative(z, activation.value(z))
    assert torch.equal(activation.value(z, out=z), a)
    assert torch.equal(activation.derivative(torch.full_like(z, torch.nan), a), derivative)


@elementwise
def test_value_leaves_its_input_alone_and_owns_its_output(item: Item) -> None:
    activation, z = item.build(), POINTS["near zero"].clone()
    a = activation.value(z)
    activation.derivative(z, a)
    assert torch.equal(z, POINTS["near zero"])
    assert a.data_ptr() != z.data_ptr()


@elementwise
def test_backward_of_many_rows_goes_by_parts_and_takes_no_memory_as_large_as_they(
    item: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    """z, a and dy are three; 333 rows are no whole number of parts. To the last digits, as vectors end elsewhere."""
    activation, memo = item.build(), Memo(training=True)
    monkeypatch.setattr(_base, "NUMBERS_AT_A_TIME", 1000)
    with Live() as live:
        z = torch.randn(333, 150, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        a = activation.forward({}, z, memo)
        dz = activation.backward({}, {}, torch.ones_like(z), memo)
    assert live.peak < 3.5 * z.nbytes
    assert distance(dz, activation.derivative(z, a)) < FORMULA
