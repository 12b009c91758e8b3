"""Reasons for step 4: the gradient with one error in the backward pass."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ..activations._base import Activation
from ..layer import Layer, Memo
from ..layers._norm import Norm
from ..layers.dropout import Dropout
from ._replay import Backward, Suspicion, Weights, backward, memo_of_step_before, named
from ._scene import Scene


def suspected_gradients(scene: Scene) -> Iterator[Suspicion]:
    """One error at a time, from the loss down to the layer whose gradient differs."""
    layers, key = scene.engine.layers, scene.key

    def gradient(wrong: dict[int, Backward], **options: Any) -> Tensor:
        return backward(scene, wrong, **options)[key.name]

    for k in reversed(range(int(key.layer), len(layers))):
        for sentence, wrong in _wrong_ways(scene, k, layers[k]):
            yield Suspicion(f"{sentence} {named(k, layers[k])}", partial(gradient, {k: wrong}))
    if scene.upcoming.batch.weight is not None:
        yield Suspicion("the weights of the rows are left out of the gradient", partial(gradient, {}, weighted=False))
    for row, place in ((0, "first"), (-1, "last")):
        yield Suspicion(f"the {place} row of the batch is left out", partial(gradient, {}, without_row=row))


def _wrong_ways(scene: Scene, k: int, layer: Layer) -> Iterator[tuple[str, Backward]]:
    """Wrong backward passes of a layer, each with the beginning of a sentence that ends with the layer's name."""
    yield "the derivative is left out in", lambda _w, _dw, dy, _memo: dy
    if isinstance(layer, Dropout):
        yield (
            "the gradient is not divided by 1 - p in",
            lambda w, dw, dy, memo: layer.backward(w, dw, dy, memo) * (1 - layer.p),
        )
    if isinstance(layer, Activation):
        yield "the derivative is taken at a, where it is due at z, in", partial(_at_output, layer)
        yield "the derivative is multiplied twice in", partial(_squared, layer)
    if isinstance(layer, Norm):
        yield "mean and variance are taken for constants in the backward pass of", partial(_constants, layer)
    for name, shape in layer.parameter_shapes().items():
        if len(shape) == 2 and shape[0] == shape[1]:
            yield f"{name} is transposed in the backward pass of", _other_weight(layer, name, torch.t)
        if len(shape) == 1 and name == "weight":
            other = _other_weight(layer, name, torch.ones_like)
            yield f"{name} is left out in the backward pass of", other
    stale = memo_of_step_before(scene, k)
    if stale is not None:
        yield "what was remembered is of the batch before in", lambda w, dw, dy, _: layer.backward(w, dw, dy, stale)


def _at_output(layer: Activation, _w: Weights, _dw: Weights, dy: Tensor, memo: Memo) -> Tensor:
    return dy * layer.derivative(memo["a"], layer.value(memo["a"]))


def _squared(layer: Activation, _w: Weights, _dw: Weights, dy: Tensor, memo: Memo) -> Tensor:
    return dy * layer.derivative(memo["z"] if layer.uses_z else memo["a"], memo["a"]) ** 2


def _constants(layer: Norm, w: Weights, dw: Weights, dy: Tensor, memo: Memo) -> Tensor:
    layer.backward(w, dw, dy.clone(), memo)
    scaled: Tensor = dy * memo["scale"]
    return scaled * w["weight"] if "weight" in w else scaled


def _other_weight(layer: Layer, name: str, change: Callable[[Tensor], Tensor]) -> Backward:
    """The layer's own gradients are right, but its input's gradient comes from a changed weight."""

    def run(w: Weights, dw: Weights, dy: Tensor, memo: Memo) -> Tensor:
        layer.backward(w, dw, dy.clone(), memo)
        nothing = {key: torch.zeros_like(value) for key, value in dw.items()}
        return layer.backward({**w, name: change(w[name])}, nothing, dy, memo)

    return run
