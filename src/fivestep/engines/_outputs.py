"""The outputs of a network's layers, one by one, without changing the engine."""

from typing import NamedTuple

from torch import Tensor

from ..layer import Layer, Memo
from ..typing import Features
from ._engine import Engine


class Output(NamedTuple):
    """The output of layer `number` for a batch."""

    number: int
    layer: Layer
    a: Tensor


def outputs_by_layer(engine: Engine, x: Features) -> list[Output]:
    """The outputs of a training pass over x with the current weights; running statistics are not changed."""
    a, outputs = engine.as_input(x), []
    for k, (layer, w) in enumerate(zip(engine.layers, engine.params.weights, strict=True)):
        copies = {name: value.clone() for name, value in w.items()}
        a = layer.forward(copies, a, Memo(training=True, draws=engine.draws, layer=k))
        outputs.append(Output(k, layer, a))
    return outputs
