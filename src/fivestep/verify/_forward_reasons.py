"""Reasons for step 1: the logits with one error in the forward pass."""

import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ..activations._base import Activation
from ..draws import Draws
from ..find import build, names
from ..layer import Layer, Memo, kind_of
from ..layers._norm import Norm
from ..layers.dropout import Dropout
from ..losses._base import INVERSE_LINKS
from ._replay import Forward, Suspicion, Weights, draws_at, forward, named
from ._scene import Scene

OTHER_EPS = (1e-12, 1e-8, 1e-6, 1e-5, 1e-3)
"""Other usual values of eps."""


def suspected_logits(scene: Scene) -> Iterator[Suspicion]:
    """One error at a time, in the order of the layers."""
    for name, link in INVERSE_LINKS.items():
        if name != "identity" and (name != "normal" or scene.engine.criterion.inverse_link == name):
            sentence = f"these are {name}(logits): the loss takes the logits and applies {name} itself"
            yield Suspicion(sentence, partial(link, scene.other))
    for k, layer in enumerate(scene.engine.layers):
        for sentence, wrong in _wrong_ways(scene, k, layer):
            yield Suspicion(f"{sentence} {named(k, layer)}", partial(forward, scene, {k: wrong}))
    if scene.lock.last_batch is not None:
        yield Suspicion(
            "these are the logits of the batch before", partial(forward, scene, {}, x=scene.lock.last_batch.x)
        )


def _wrong_ways(scene: Scene, k: int, layer: Layer) -> Iterator[tuple[str, Forward]]:
    """Wrong forward passes of a layer, each with the beginning of a sentence that ends with the layer's name."""
    if not layer.is_row_by_row:
        yield (
            "evaluation mode, where training mode is due, in",
            lambda w, x, _: layer.forward(w, x, Memo(training=False)),
        )
    yield "nothing is done by", lambda _w, x, _memo: x
    yield from _with_other_weights(layer)
    if isinstance(layer, Dropout):
        yield from _with_other_masks(scene, k, layer)
    if isinstance(layer, Activation):
        for name in names("activations"):
            if name != kind_of(layer):
                yield f"{name} in place of", build("activations", name).forward
    if isinstance(layer, Norm):
        yield from _with_other_variance(layer)
    for eps in OTHER_EPS if "eps" in _fields(layer) else ():
        yield f"eps = {eps:g} in", dataclasses.replace(layer, eps=eps).forward  # type: ignore[type-var]


def _with_other_weights(layer: Layer) -> Iterator[tuple[str, Forward]]:
    for name, shape in layer.parameter_shapes().items():
        scales = len(shape) == 1 and name.rpartition(".")[2] == "weight"  # omitting a factor is a factor of 1
        neutral = torch.ones_like if scales else torch.zeros_like
        yield f"{name} is left out of", _changed(layer, name, neutral)
        if len(shape) == 2 and shape[0] == shape[1]:
            yield f"{name} is transposed in", _changed(layer, name, torch.t)


def _with_other_variance(layer: Norm) -> Iterator[tuple[str, Forward]]:
    """What is normalized, g n + b, with n by another 1 / sqrt(variance + eps)."""
    axis = -1 if layer.is_row_by_row else 0

    def by(scale: Callable[[Tensor, Tensor], Tensor]) -> Forward:
        def run(w: Weights, x: Tensor, memo: Memo) -> Tensor:
            y, held = layer.forward(w, x, memo).clone(), memo["scale"]
            bias = w.get("bias", torch.zeros(()))
            return (y - bias) * (scale(held, x) / held) + bias

        return run

    def unbiased(held: Tensor, x: Tensor) -> Tensor:
        eps, n = _eps(layer, x), x.shape[axis]
        return ((held**-2 - eps) * n / (n - 1) + eps).rsqrt()

    yield "the variance is divided by one less than there are numbers, where all are due, in", by(unbiased)
    yield (
        "eps is added to the root, where it is due inside, in",
        by(lambda held, x: 1 / ((held**-2 - _eps(layer, x)).clamp(0).sqrt() + _eps(layer, x))),
    )


def _eps(layer: Any, x: Tensor) -> float:
    """The layer's eps; for an RMS norm without one, that of the dtype."""
    return float(torch.finfo(x.dtype).eps if layer.eps is None else layer.eps)


def _with_other_masks(scene: Scene, k: int, layer: Dropout) -> Iterator[tuple[str, Forward]]:
    step = scene.step - 1
    yield "what is kept is not divided by 1 - p in", lambda w, x, memo: layer.forward(w, x, memo) * (1 - layer.p)
    for other, words in ((step - 1, "of the step before"), (step + 1, "of the next step")):
        yield f"a different mask, that {words}, in", _drawn(layer, draws_at(scene, other), k)
    for other in range(len(scene.engine.layers) + 1):
        if other != k:
            yield f"a different mask, that of layer {other}, in", _drawn(layer, draws_at(scene, step), other)
    of_another_seed = draws_at(scene, step, scene.engine.plan.seed + 1)
    yield "a different mask, that of another seed, in", _drawn(layer, of_another_seed, k)


def _changed(layer: Layer, name: str, change: Callable[[Tensor], Tensor]) -> Forward:
    def run(w: Weights, x: Tensor, memo: Memo) -> Tensor:
        return layer.forward({**w, name: change(w[name])}, x, memo)

    return run


def _drawn(layer: Layer, draws: Draws, number: int) -> Forward:
    """The layer with draws of another layer or step."""
    return lambda w, x, _memo: layer.forward(w, x, Memo(training=True, draws=draws, layer=number))


def _fields(layer: Any) -> set[str]:
    return {field.name for field in dataclasses.fields(layer)}
