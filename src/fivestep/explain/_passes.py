"""Steps 1 to 4 as blocks: forward through the layers, the loss, the gradient as it was, and back."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from ..activations._base import Activation
from ..batches import Batch
from ..engines._engine import Engine
from ..layer import Memo
from ..losses._base import Loss
from ..typing import Logits, Scalar
from . import _docstrings
from ._data import Block, Entry
from ._watched import Watched, formulas_of, names_of, parameters_of, sent_name


def predict_blocks(layers: list[Watched]) -> list[Block]:
    """The batch, and for each layer its parameters, what it keeps for the backward pass, and its output."""
    blocks = [Block("the batch", [Entry("x", layers[0].seen["x"], note="one row of inputs for each example")])]
    for watched in layers:
        blocks += _predict_layer(watched)
    return blocks


def _predict_layer(watched: Watched) -> Iterator[Block]:
    """The block of a layer; for a layer of layers, those of its inner layers, and then its own result."""
    names, formulas = names_of(watched), formulas_of(watched)
    if watched.inner:
        claim = _docstrings.claim(watched.layer)
        yield Block(f"layer {watched.label}: {watched.layer!r}", [], claim, watched.number)
        for one in watched.inner.values():
            yield from _predict_layer(one)
        output = Entry(names["y"], watched.seen["y"], formulas.get("y", ""))
        yield Block(f"layer {watched.label}, what comes out", [output], "", watched.number)
        return
    text = "" if "y" in watched.layer.formulas else _docstrings.rule(watched.layer)
    entries = [Entry(names.get(name, watched.parameter_name(name)), value) for name, value in watched.before.items()]
    entries += [
        Entry(f"{watched.parameter_name(name)} after", value, note="has followed the rows")
        for name, value in watched.after.items()
        if not torch.equal(value, watched.before[name])
    ]
    entries += [Entry(names[name], value, formulas.get(name, "")) for name, value in watched.kept.items()]
    entries.append(Entry(names["y"], watched.seen["y"], formulas.get("y", "")))
    yield Block(f"layer {watched.label}: {watched.layer!r}", entries, text, watched.number)


def measure_block(engine: Engine, logits: Logits, y: Tensor, weight: Tensor | None, loss: Scalar) -> Block:
    """Targets, what the logits stand for, the loss of each row, the loss."""
    criterion = engine.criterion
    y = criterion.match(logits, y)
    entries = [Entry("y", y.clone(), note="the targets")]
    if criterion.inverse_link != "identity":
        answer = criterion.predicted(logits)
        entries.append(Entry("p", answer, f"{criterion.inverse_link}(logits)", "what the logits stand for"))
    rows, formulas = criterion.rows(logits, y, Memo(training=True)), _formulas_of_loss(criterion)
    several = logits[0].numel() > 1 and criterion.target != "classes"
    of_pairs = f"{logits[0].numel() // 2} targets" if any(criterion.spreads) else f"{logits[0].numel()} outputs"
    words = f"the loss of each row{f', the mean over its {of_pairs}' if several else ''}"
    entries.append(Entry("l", rows, formulas.get("rows", ""), words))
    if weight is not None:
        entries.append(Entry("weight", weight.clone(), note="what each row counts"))
    entries.append(Entry("loss", loss.clone(), "mean of l" if weight is None else "sum of weight * l"))
    text = "" if "rows" in formulas else _docstrings.rule(criterion)
    return Block(f"loss: {criterion!r}", entries, text)


def _formulas_of_loss(criterion: Loss) -> Mapping[str, str]:
    return {} if _docstrings.options_set(criterion) else criterion.formulas


def gradient_entries(engine: Engine, watched: Watched, formulas: Mapping[str, str]) -> list[Entry]:
    """Copies of the gradients of one layer's parameters."""
    own = parameters_of(watched, engine.params.gradients[watched.number])
    return [
        Entry(f"d{watched.parameter_name(name)}", value.clone(), formulas.get(f"d{name}", ""))
        for name, value in own.items()
    ]


def forget_blocks(engine: Engine, layers: list[Watched]) -> list[Block]:
    """The gradient before it was cleared."""
    held = {one.label: (one, gradient_entries(engine, one, {})) for whole in layers for one in whole.leaves()}
    blocks = [
        Block(f"layer {label}", [entry._replace(note="what it held before") for entry in own], layer=one.number)
        for label, (one, own) in held.items()
        if own
    ]
    return blocks if engine.params.grad.any() else [Block("nothing to forget yet", []), *blocks]


def find_blocks(engine: Engine, layers: list[Watched], batch: Batch) -> list[Block]:
    """The gradients in the order of their computation: from the logits to the first layer with parameters."""
    criterion, dlogits, of_loss = engine.criterion, layers[-1].seen["dy"], _formulas_of_loss(engine.criterion)
    own = of_loss.get("gradient", "(gradient of l)").format(O=dlogits[0].numel()).removesuffix(" / 1")
    share, note = f"/ {len(batch.x)}", f"because the loss is the mean of {len(batch.x)} rows"
    if batch.weight is not None:
        share, note = "* weight", "because the loss is the weighted sum of the rows"
    text = "" if "gradient" in of_loss else _docstrings.about(criterion, "gradient")
    blocks = [Block(f"loss: {criterion!r}", [Entry("dlogits", dlogits, f"{own} {share}", note)], text)]
    for watched in reversed(layers):
        blocks += _find_in_layer(engine, watched)
    return blocks


def _find_in_layer(engine: Engine, watched: Watched, outer: Watched | None = None) -> Iterator[Block]:
    """The block of a layer; for a layer of layers, those of its inner layers from the last one, and then the sum."""
    if "dy" not in watched.seen:
        return  # no gradient is needed below the first parameters
    names, formulas = names_of(watched), formulas_of(watched)
    dx = names["dx"] if outer is None else sent_name(outer, watched)
    title = f"layer {watched.label}: {watched.layer!r}"
    if watched.inner:
        yield Block(title, [], "", watched.number)
        for name, one in reversed(watched.inner.items()):
            for_last = formulas.get("dlast", "") if one is list(watched.inner.values())[-1] else ""
            given = formulas.get(f"d{name}", for_last)
            if given and "dy" in one.seen:
                entry = Entry(f"d{one.output_name}", one.seen["dy"], given)
                yield Block(f"layer {watched.label}, on the way to {one.label}", [entry], "", watched.number)
            yield from _find_in_layer(engine, one, watched)
        if "dx" in watched.seen:
            entry = Entry(dx, watched.seen["dx"], formulas.get("dx", ""))
            yield Block(f"layer {watched.label}, what goes on", [entry], "", watched.number)
        return
    entries = gradient_entries(engine, watched, formulas)
    if "dx" in watched.seen:
        if isinstance(watched.layer, Activation):
            slope = watched.layer.derivative(watched.seen["x"], watched.seen["y"])
            entries.append(Entry(names["slope"], slope, formulas["slope"]))
        entries.append(Entry(dx, watched.seen["dx"], formulas.get("dx", "")))
    yield Block(title, entries, layer=watched.number)
