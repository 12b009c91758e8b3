"""One number of the gradient by hand, from numbers on the page, and checked without the chain rule."""

import torch
from torch import Tensor

from ..activations._base import Activation
from ..batches import Batch
from ..engines.scratch import ScratchEngine
from ..layers.linear import Linear
from ._data import Block
from ._tensors import decimals, number
from ._watched import Watched, names_of

MOST_ROWS = 10
"""The most terms that someone would sum by hand."""

NUDGE = 0.001
"""The change of the weight whose effect on the loss is shown."""


def by_hand_blocks(engine: ScratchEngine, layers: list[Watched], batch: Batch) -> list[Block]:
    """The weight of the first linear layer with the largest gradient: its terms, the origin of one, a check."""
    first = next((one for one in layers if one.layer.parameter_shapes()), None)
    if first is None or not isinstance(first.layer, Linear) or first.seen["x"].dim() != 2 or len(batch.x) > MOST_ROWS:
        return []
    gradient = engine.params.gradients[first.number]["weight"]
    unit, place = divmod(int(gradient.abs().argmax()), gradient.shape[1])
    names = names_of(first)
    weight = f"{names['weight']}[{unit},{place}]"
    lines = [
        f"How the loss answers to {weight}, the weight that leads from number {place} of {names['x']} to unit {unit} "
        f"(all counted from 0): column {unit} of {names['dy']} times column {place} of {names['x']}, row by row, and "
        f"the products added up.",
        *_terms(first, gradient, unit, place),
        *_where_from(first, layers, unit),
        _check(engine, batch, (first.number, unit, place), weight),
    ]
    return [Block(f"one number by hand: d{weight}", [], "\n".join(lines), first.number)]


def _terms(first: Watched, gradient: Tensor, unit: int, place: int) -> list[str]:
    x, dz = first.seen["x"], first.seen["dy"]
    columns = [
        (number(float(a), decimals(dz)), number(float(b), decimals(x)), number(float(a * b), decimals(gradient)))
        for a, b in zip(dz[:, unit], x[:, place], strict=True)
    ]
    widths = [max(len(row[k]) for row in columns) for k in range(3)]
    lines = [
        f"  row {n}: {a.rjust(widths[0])} * {b.rjust(widths[1])} = {product.rjust(widths[2])}"
        for n, (a, b, product) in enumerate(columns)
    ]
    total = number(float(gradient[unit, place]), decimals(gradient))
    return [*lines, f"  added up: {total}"]


def _where_from(first: Watched, layers: list[Watched], unit: int) -> list[str]:
    """The chain rule for the row with the largest gradient, if an activation and the last layer follow."""
    above = layers[first.number + 1 :]
    if len(above) != 2 or not isinstance(above[0].layer, Activation) or not isinstance(above[1].layer, Linear):
        return []
    activation, last = above
    dlogits, da, dz = last.seen["dy"], activation.seen["dy"], first.seen["dy"]
    n = int(dz[:, unit].abs().argmax())
    slope = activation.layer.derivative(activation.seen["x"], activation.seen["y"])  # type: ignore[attr-defined]
    weights, own = last.before["weight"], names_of(last)
    products = " + ".join(
        f"{number(float(dlogits[n, o]), decimals(dlogits))} * {number(float(weights[o, unit]), decimals(weights))}"
        for o in range(len(weights))
    )
    sent, found = f"d{activation.output_name}[{n},{unit}]", f"{names_of(first)['dy']}[{n},{unit}]"
    f_slope = f"{names_of(activation)['slope']}[{n},{unit}]"
    return [
        f"Where {found} comes from: the loss answers to the logits of row {n} by dlogits, these answer to unit {unit} "
        f"by its weights in {own['weight']}, and the unit to its sum by the slope of the activation there.",
        f"  {sent} = {products}",
        f"  = {number(float(da[n, unit]), decimals(da))}",
        f"  {found} = {sent} * {f_slope}",
        f"  = {number(float(da[n, unit]), decimals(da))} * {number(float(slope[n, unit]), decimals(slope))}",
        f"  = {number(float(dz[n, unit]), decimals(dz))}",
    ]


def _check(engine: ScratchEngine, batch: Batch, where: tuple[int, int, int], weight: str) -> str:
    """The loss before and after a small change of that weight alone, in float64."""
    layer, unit, place = where
    exact = ScratchEngine(engine.spec, engine.plan, torch.float64, engine.device)
    exact.load_weights(engine.params.named_with_buffers())
    exact.draws.step = engine.draws.step
    x, y = (part.double() if part.is_floating_point() else part for part in batch[:2])
    rows = None if batch.weight is None else batch.weight.double()
    before = float(exact.loss(exact.forward(x), y, rows))
    exact.params.weights[layer]["weight"][unit, place] += NUDGE
    after = float(exact.loss(exact.forward(x), y, rows))
    return (
        f"Without any of this: with {NUDGE:g} added to {weight} alone, the loss of these rows goes from {before:.8f} "
        f"to {after:.8f}, which is {(after - before) / NUDGE:.5f} for each unit of the weight."
    )
