"""A network as a flat sequence of operations of the small body; composite layers are expanded."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, final

import numpy as np

from ...find import Choice
from ...layer import MAX_CHILDREN, Layer
from ...layers._composite import within
from ...layers.gated import Gated
from ...layers.parametric import Parametric
from ...layers.residual import Residual
from ...net import NetSpec
from ...params import Params
from ...typing import Tensors
from ._forms import LAYERS
from .body import kinds as kind
from .body.branched import Branched
from .body.network import Network

NEED_EXTRA_UNIT = (kind.LAYER_NORM, kind.RMS_NORM)
"""Norms that need memory for one more unit."""


@final
class Operation(NamedTuple):
    """One operation: its kind and options, its width, the places of its parameters, and as which layer it draws.

    Its input is the output of the operation before it, or the input of the operation `back` places before it; for a
    join, that is its other side.
    """

    kind: int
    width: int
    numbers: tuple[float, ...] = ()
    weight: int = -1
    bias: int = -1
    running: int = -1
    draws: int = -1
    back: int = 0


@final
class LayerToExpand(NamedTuple):
    """A layer to expand: its choice, the sized layer, its tensors, and as which layer it draws."""

    choice: Choice
    layer: Layer
    w: Tensors
    draws: int


def operations_of(spec: NetSpec, layers: Sequence[Layer], params: Params, first: int = 0) -> list[Operation]:
    """All operations of a network, from its layer `first` on."""
    found: list[Operation] = []
    width = spec.in_features or 0
    for k, (choice, layer) in enumerate(zip(spec.layers, layers, strict=True)):
        if k >= first:
            found += _expanded(LayerToExpand(choice, layer, params.weights[k], k), width)
        width = layer.output_shape((width,))[-1]
    return found


def network_of(operations: Sequence[Operation], in_features: int, rows_at_once: int) -> Network | Branched:
    """The operations as arrays."""
    plain = _plain(operations, in_features, rows_at_once)
    if not any(kind.BATCH_NORM <= one.kind <= kind.TIMES for one in operations):
        return plain
    return Branched(
        plain=plain,
        momenta=np.array([(*one.numbers, 0.0, 0.0)[1] for one in operations]),
        running=_int_array(one.running for one in operations),
        num_out=plain.num_out,
        rows_at_once=rows_at_once,
        keeps_inputs=plain.keeps_inputs,
    )


def plain_of(network: Network | Branched) -> Network:
    """The plain operations of a network, without what branches need."""
    return network.plain if isinstance(network, Branched) else network


def _plain(operations: Sequence[Operation], in_features: int, rows_at_once: int) -> Network:
    widths = [in_features, *(one.width for one in operations)]
    rooms = [width + (one.kind in NEED_EXTRA_UNIT) for width, one in zip(widths, operations, strict=False)]
    return Network(
        kinds=_int_array(one.kind for one in operations),
        inputs=_int_array(widths[k - one.back] for k, one in enumerate(operations)),
        outputs=_int_array(widths[1:]),
        weights=_int_array(one.weight for one in operations),
        biases=_int_array(one.bias for one in operations),
        numbers=np.array([(*one.numbers, 0.0)[0] for one in operations]),
        places=_int_array(np.cumsum([0, *rooms])),
        sources=_int_array(k - one.back for k, one in enumerate(operations)),
        first=next(k for k, one in enumerate(operations) if one.weight >= 0 or one.bias >= 0),
        num_out=widths[-1],
        rows_at_once=rows_at_once,
        keeps_inputs=operations[0].kind in (kind.LINEAR, kind.BRANCH, kind.SCALE),
    )


def _expanded(one: LayerToExpand, width: int) -> Iterator[Operation]:
    """The operations of a layer."""
    layer, w = one.layer, one.w
    if isinstance(layer, Residual):
        yield from _residual(one, layer, width)
    elif isinstance(layer, Gated):
        yield from _gated(one, layer, width)
    elif isinstance(layer, Parametric):
        yield Operation(kind.BRANCH, width)
        function = [*_expanded(LayerToExpand(Choice.parse(layer.activation), layer.function, {}, -1), width)]
        yield from function
        yield Operation(kind.MIX, width, weight=place_of(w, "weight"), back=len(function) + 1)
    else:
        form, numbers = LAYERS[one.choice.name], LAYERS[one.choice.name].numbers(layer)
        for before, number in zip(form.before, numbers, strict=False):
            yield Operation(before, width, (number,))
        yield Operation(
            kind=form.kind,
            width=layer.output_shape((width,))[-1],
            numbers=numbers[len(form.before) :],
            weight=place_of(w, "weight"),
            bias=place_of(w, "bias"),
            running=place_of(w, "running_mean"),
            draws=one.draws,
        )


def _residual(one: LayerToExpand, layer: Residual, width: int) -> Iterator[Operation]:
    yield Operation(kind.BRANCH, width)
    inside: list[Operation] = []
    for j, (text, inner) in enumerate(zip(layer.layers, layer.body, strict=True)):
        draws = (one.draws + 1) * MAX_CHILDREN + j  # as `Memo.child` has it
        inside += _expanded(LayerToExpand(Choice.parse(text), inner, within(one.w, f"body.{j}"), draws), width)
        width = inside[-1].width
    yield from inside
    yield Operation(kind.JOIN, width, back=len(inside) + 1)


def _gated(one: LayerToExpand, layer: Gated, width: int) -> Iterator[Operation]:
    yield Operation(kind.BRANCH, width)
    for name, back in (("up", 0), ("gate", 2)):  # the second one has the branch's input
        w = within(one.w, name)
        yield Operation(kind.LINEAR, layer.out_features, (), place_of(w, "weight"), place_of(w, "bias"), back=back)
    function = [*_expanded(LayerToExpand(Choice.parse(layer.activation), layer.gate, {}, -1), layer.out_features)]
    yield from function
    yield Operation(kind.TIMES, layer.out_features, back=len(function) + 1)


def place_of(weights: Tensors, name: str) -> int:
    """Where a layer's weight, bias or buffer begins in its flat vector; -1 where it has none."""
    return int(weights[name].storage_offset()) if name in weights else -1


def _int_array(numbers: Iterable[int]) -> Any:
    return np.array([*numbers], dtype=np.int64)
