"""What holds for every layer, activations included: shapes, forward and backward agree with the torch twin."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter

import pytest
import torch
from torch import Tensor, nn

from fivestep.draws import Draws
from fivestep.find import find, names
from fivestep.layer import Layer, Memo
from fivestep.layers._composite import Composite
from fivestep.params import Params
from tests.contracts.cases import Item, items
from tests.differences import central_differences
from tests.tolerances import CENTRAL_DIFFERENCES, EXACT, FORMULA, distance, worst

LAYERS = [*items("layers"), *items("activations")]
every_layer = pytest.mark.parametrize("item", [pytest.param(item, id=str(item)) for item in LAYERS])
every_batch = pytest.mark.parametrize(
    ("item", "shape"),
    [pytest.param(item, shape, id=f"{item}-{shape}") for item in LAYERS for shape in item.case.batches],
)
reused = pytest.mark.parametrize("reuse", [False, True])


@dataclass(frozen=True)
class Example:
    """A layer with random weights, an input, and a gradient to send back."""

    layer: Layer
    params: Params
    x: Tensor
    dy: Tensor

    @property
    def w(self) -> dict[str, Tensor]:
        return self.params.weights[0]

    @property
    def dw(self) -> dict[str, Tensor]:
        return self.params.gradients[0]

    def gradients(self, memo: Memo) -> dict[str, Tensor]:
        """The output, the gradients and the buffers afterwards, by our own passes."""
        y = self.layer.forward(self.w, self.x, memo).clone()
        dx = self.layer.backward(self.w, self.dw, self.dy.clone(), memo)
        buffers = {name: self.w[name] for name in self.layer.buffer_shapes()}
        return {
            "y": y,
            "dx": dx.clone(),
            **{name: value.clone() for name, value in [*self.dw.items(), *buffers.items()]},
        }


def example(item: Item, shape: tuple[int, ...], seed: int = 0) -> Example:
    stream = torch.Generator().manual_seed(seed)
    layer: Layer = item.build().sized(shape[1:])
    params = Params([layer.parameter_shapes()], torch.float64, torch.device("cpu"), [layer.buffer_shapes()])
    layer.initialize_(params.weights[0], items("inits")[0].build(), stream)
    params.flat.normal_(generator=stream)
    params.buffers.add_(1)  # what a layer remembers is not what it began with
    x = item.case.draw(shape, stream)
    dy = torch.randn((shape[0], *layer.output_shape(shape[1:])), generator=stream, dtype=torch.float64)
    return Example(layer, params, x, dy)


def training_memo(*, reuse: bool = False) -> Memo:
    return Memo(training=True, reuse=reuse, draws=Draws(3), layer=1)


def twin_of(example: Example, memo: Memo) -> nn.Module:
    module = example.layer.module(memo).double()
    with torch.no_grad():
        for name, value in {**dict(module.named_parameters()), **dict(module.named_buffers())}.items():
            value.copy_(example.w[name])
    return module


def twin_gradients(example: Example) -> dict[str, Tensor]:
    """The output and the gradients by autograd through the twin, and its buffers afterwards."""
    module = twin_of(example, training_memo()).train()
    x = example.x.clone().requires_grad_()
    y = module(x)
    gradients = autograd_gradients(y, x, dict(module.named_parameters()), example.dy)
    return {"y": y.detach(), **gradients, **{name: value.double() for name, value in module.named_buffers()}}


def autograd_gradients(y: Tensor, x: Tensor, w: Mapping[str, Tensor], dy: Tensor) -> dict[str, Tensor]:
    """The gradients of x and of each parameter; zeros where y is a step function, as of the ids of an embedding."""
    found = torch.autograd.grad(y, [x, *w.values()], dy, allow_unused=True, materialize_grads=True)
    return dict(zip(["dx", *w], found, strict=True))


@every_layer
def test_parameters_have_the_names_and_shapes_of_the_torch_twin(item: Item) -> None:
    one = example(item, item.case.batches[0])
    twin = one.layer.module(training_memo())
    assert one.layer.parameter_shapes() == {name: tuple(p.shape) for name, p in twin.named_parameters()}
    assert one.layer.buffer_shapes() == {name: tuple(b.shape) for name, b in twin.named_buffers()}


@every_batch
def test_output_shape_is_the_shape_of_the_twin(item: Item, shape: tuple[int, ...]) -> None:
    one = example(item, shape)
    assert (shape[0], *one.layer.output_shape(shape[1:])) == tuple(twin_of(one, training_memo())(one.x).shape)


@every_batch
def test_sized_again_is_the_same_layer(item: Item, shape: tuple[int, ...]) -> None:
    layer = item.build().sized(shape[1:])
    assert layer.sized(shape[1:]) == layer


@every_batch
@reused
def test_forward_and_backward_equal_autograd_through_the_torch_twin(
    item: Item, shape: tuple[int, ...], reuse: bool
) -> None:
    one, same = example(item, shape), example(item, shape)
    assert worst(one.gradients(training_memo(reuse=reuse)), twin_gradients(same)).distance < FORMULA


@every_batch
def test_evaluation_equals_the_torch_twin(item: Item, shape: tuple[int, ...]) -> None:
    one = example(item, shape)
    y = one.layer.forward(one.w, one.x, Memo(training=False))
    assert distance(y, twin_of(one, training_memo()).eval()(one.x).detach()) < FORMULA


@every_batch
def test_backward_equals_central_differences(item: Item, shape: tuple[int, ...]) -> None:
    one = example(item, shape)
    got = one.gradients(training_memo())

    def objective(x: Tensor, w: Mapping[str, Tensor]) -> Tensor:
        return (one.layer.forward(w, x, training_memo()) * one.dy).sum()

    quotients = {
        name: central_differences(lambda moved, name=name: objective(one.x, {**one.w, name: moved}), value.clone())
        for name, value in one.w.items()
        if name in one.dw
    }
    quotients["dx"] = central_differences(lambda moved: objective(moved, one.w), one.x)
    assert worst({name: got[name] for name in quotients}, quotients).distance < CENTRAL_DIFFERENCES


@every_layer
def test_backward_adds_to_the_gradient(item: Item) -> None:
    one = example(item, item.case.batches[0])
    once = one.gradients(training_memo())
    twice = one.gradients(training_memo())
    doubled = {name: 2 * once[name] for name in one.dw}
    assert worst({name: twice[name] for name in one.dw}, doubled).distance < FORMULA


@every_batch
def test_parameters_get_the_same_gradient_when_nobody_needs_dx(item: Item, shape: tuple[int, ...]) -> None:
    one, memo = example(item, shape), training_memo()
    expected = one.gradients(memo)
    one.params.grad.zero_()
    one.layer.forward(one.w, one.x, memo)
    one.layer.backward(one.w, one.dw, one.dy.clone(), memo, need_dx=False)
    assert worst(one.dw, {name: expected[name] for name in one.dw}).distance == EXACT


@every_batch
def test_autograd_through_our_forward_equals_autograd_through_the_torch_twin(
    item: Item, shape: tuple[int, ...]
) -> None:
    """With zeros in x: a kink such as relu's has the derivative there that its forward's operation says."""
    one = example(item, shape)
    one.x[..., 0] = 0
    expected = twin_gradients(one)
    leaves = {name: one.w[name].clone().requires_grad_() for name in one.dw}
    x = one.x.clone().requires_grad_()
    y = one.layer.forward({**one.w, **leaves}, x, training_memo())
    got = autograd_gradients(y, x, leaves, one.dy)
    assert worst(got, {name: expected[name] for name in got}).distance < FORMULA


@every_batch
@reused
def test_forward_and_backward_leave_input_and_weights_alone(item: Item, shape: tuple[int, ...], reuse: bool) -> None:
    one, untouched = example(item, shape), example(item, shape)
    one.gradients(training_memo(reuse=reuse))
    assert torch.equal(one.x, untouched.x)
    assert torch.equal(one.params.flat, untouched.params.flat)


@every_layer
@pytest.mark.parametrize(("first", "second"), [(4, 6), (6, 4), (5, 5)])
def test_buffers_from_another_batch_change_nothing(item: Item, first: int, second: int) -> None:
    inner = item.case.batches[0][1:]
    memo = training_memo(reuse=True)
    example(item, (first, *inner), seed=1).gradients(memo)
    later, same = example(item, (second, *inner), seed=2), example(item, (second, *inner), seed=2)
    assert worst(later.gradients(memo), same.gradients(training_memo())).distance == EXACT


@every_layer
def test_without_reuse_results_stay_what_they_were(item: Item) -> None:
    one, other = example(item, item.case.batches[0]), example(item, item.case.batches[0], seed=1)
    memo = training_memo()
    y = one.layer.forward(one.w, one.x, memo)
    dx = one.layer.backward(one.w, one.dw, one.dy.clone(), memo)
    kept = y.clone(), dx.clone()
    other.gradients(memo)
    assert torch.equal(y, kept[0])
    assert torch.equal(dx, kept[1])


@every_layer
def test_initial_values_repeat_and_fill_every_parameter(item: Item) -> None:
    one = example(item, item.case.batches[0])
    init = items("inits")[0].build()
    one.params.flat.fill_(math.nan)
    one.params.buffers.fill_(math.nan)
    one.layer.initialize_(one.w, init, torch.Generator().manual_seed(5))
    first = one.params.flat.clone()
    one.layer.initialize_(one.w, init, torch.Generator().manual_seed(5))
    assert first.isfinite().all()
    assert one.params.buffers.isfinite().all()
    assert torch.equal(first, one.params.flat)


@pytest.mark.parametrize("name", [name for name in names("layers") if not issubclass(find("layers", name), Composite)])
def test_formulas_name_nothing_but_tensors_of_the_layer(name: str) -> None:
    """Of any of its cases, as some have no bias: `fivestep explain` leaves out what a layer does not have."""
    named, known = set(), {"x", "y", "dx", "dy"}
    for item in (item for item in LAYERS if item.name == name):
        one, memo = example(item, item.case.batches[0]), training_memo()
        one.gradients(memo)
        known |= {*one.w, *memo}
        named |= {field for text in one.layer.formulas.values() for _, field, _, _ in Formatter().parse(text) if field}
    assert named - known == set()


def test_every_layer_of_the_folders_is_covered() -> None:
    assert {item.name for item in LAYERS} == {*names("layers"), *names("activations")}
