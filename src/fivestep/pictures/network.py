"""The network as a drawing."""

from dataclasses import dataclass
from typing import ClassVar, final

from matplotlib.figure import Figure

from ..activations._base import Activation
from ..layers.batch_norm import BatchNorm
from ..layers.parametric import Parametric
from ..layers.scale import Scale
from ..plots._column import Column
from ..plots.network import network
from ._base import Lacking, Picture, Subject

UNIT_BY_UNIT = (Activation, BatchNorm, Parametric, Scale)
"""Layers whose every output depends on one input of the row."""

MOST_TENSORS = 8
"""Lines of parameters below a layer, at most: there is room for that many."""


@final
@dataclass(frozen=True)
class Network(Picture):
    """Units, layers and shapes, from the inputs to the outputs: logits where classes are told apart."""

    description: ClassVar[str] = "the network's units and layers, with the shapes of its tensors"

    def lacks(self, subject: Subject) -> Lacking | None:
        return None

    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        spec = subject.engine.spec
        outputs = "logits" if subject.num_classes else "outputs"
        shape: tuple[int, ...] = (spec.in_features or 0,)
        columns = [Column("input x", shape[-1], f"(N, {shape[-1]})")]
        for k, layer in enumerate(subject.engine.layers):
            shape = layer.output_shape(shape)
            name = type(layer).__name__
            sizes = _listed([f"{key} {tuple(size)}" for key, size in layer.parameter_shapes().items()])
            words = f"layer {k}\n{name}" + (f", {outputs}" if k == len(subject.engine.layers) - 1 else "")
            of = f"(N, {', '.join(map(str, shape))})"
            columns.append(
                Column(words, shape[-1], of, sizes, is_dense=not isinstance(layer, UNIT_BY_UNIT) and bool(sizes))
            )
        return network(columns, title or f"{subject.title}: {spec.num_parameters:,} parameters", dark=dark)


def _listed(parameters: list[str]) -> tuple[str, ...]:
    """The parameters of a layer, or the first of them and how many there are besides."""
    if len(parameters) <= MOST_TENSORS:
        return tuple(parameters)
    shown = parameters[: MOST_TENSORS - 1]
    return (*shown, f"and {len(parameters) - len(shown)} more")
