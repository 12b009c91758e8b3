"""The passes of a step repeated with the second engine's layers and one deliberate error.

Each suspicion is computed, with the batch and the weights of the step, and compared with the first engine's tensor.
Only one that gives the same numbers is reported.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, final

import torch
from torch import Tensor

from ..draws import Draws
from ..layer import Layer, Memo, kind_of
from ._scene import Scene, weights_by_layer

Weights = dict[str, Tensor]
Forward = Callable[[Weights, Tensor, Memo], Tensor]
"""The forward pass of a layer, given its weights, its input and its memo."""

Backward = Callable[[Weights, Weights, Tensor, Memo], Tensor]
"""The backward pass of a layer, given its weights, their gradients, the gradient of its output and its memo."""


@final
class Suspicion(NamedTuple):
    """A sentence, and the tensor that would result if it were true; None if that is impossible."""

    sentence: str
    tensor: Callable[[], Tensor]


def confirmed(scene: Scene, suspicions: Iterable[Suspicion]) -> Iterator[str]:
    """The sentences of the suspicions that reproduce the first engine's numbers."""
    for sentence, tensor in suspicions:
        try:
            candidate = tensor()
        except (ValueError, RuntimeError, KeyError, TypeError):  # an error that cannot even be computed
            continue
        if scene.explains(candidate.double()):
            yield sentence


def forward(
    scene: Scene,
    wrong: Mapping[int, Forward],
    memos: list[Memo] | None = None,
    x: Tensor | None = None,
    w: list[Weights] | None = None,
) -> Tensor:
    """The logits, by default with the weights before the step, its draws and its rows."""
    w = weights_by_layer(scene) if w is None else w
    memos = memos_of(scene) if memos is None else memos
    a = scene.engine.as_input(scene.upcoming.batch.x if x is None else x)
    for k, (layer, memo) in enumerate(zip(scene.engine.layers, memos, strict=True)):
        a = wrong[k](w[k], a, memo) if k in wrong else layer.forward(w[k], a, memo)
    return a


def backward(
    scene: Scene, wrong: Mapping[int, Backward], *, weighted: bool = True, without_row: int | None = None
) -> dict[str, Tensor]:
    """The gradients by name, by the layers' own hand-derived backward."""
    engine, (_, y, weight) = scene.engine, scene.upcoming.batch
    memos, w, memo = memos_of(scene), weights_by_layer(scene), Memo(training=True)
    logits = forward(scene, {}, memos, w=w).clone()
    y = engine.criterion.match(logits, y)
    engine.criterion.rows(logits, y, memo)
    da = engine.criterion.logits_gradient(logits, y, weight if weighted else None, memo)
    if without_row is not None:
        da[without_row] = 0
    gradients: dict[str, Tensor] = {}
    for k in reversed(range(len(engine.layers))):
        layer = engine.layers[k]
        dw = {name: torch.zeros_like(w[k][name]) for name in layer.parameter_shapes()}
        da = wrong[k](w[k], dw, da, memos[k]) if k in wrong else layer.backward(w[k], dw, da, memos[k])
        gradients |= {f"{k}.{name}": value for name, value in dw.items()}
    return gradients


def memo_of_step_before(scene: Scene, k: int) -> Memo | None:
    """The memo of layer k in the step before; None if that had another number of rows."""
    last, batch = scene.last(1, 4), scene.lock.last_batch
    if last is None or batch is None or len(batch.x) != len(scene.upcoming.batch.x):
        return None
    w, memos = weights_by_layer(scene), memos_of(scene, steps_ago=1)
    for key, value in last.items():
        if key.kind == "parameter":
            layer, _, name = key.name.partition(".")
            w[int(layer)][name] = value.clone()
    forward(scene, {}, memos, batch.x, w)
    return memos[k]


def memos_of(scene: Scene, steps_ago: int = 0) -> list[Memo]:
    """New memos for all layers, with the draws of this or an earlier step."""
    draws = draws_at(scene, scene.step - 1 - steps_ago)
    return [Memo(training=True, draws=draws, layer=k) for k in range(len(scene.engine.layers))]


def draws_at(scene: Scene, step: int, seed: int | None = None) -> Draws:
    """The draws of a step (from 0)."""
    draws = Draws(scene.engine.plan.seed if seed is None else seed)
    draws.step = step
    return draws


def named(k: int, layer: Layer) -> str:
    """A layer's name, such as "layer 1 (tanh)"."""
    return f"layer {k} ({kind_of(layer)})"
