"""One step of the loop with each of its tensors: name, formula and values, as plain data in the order of the steps.

The numbers are those that the engine `scratch` computes: its layers are watched while the five lines run. The formulas
are the items' own, from their `formulas` and their docstrings. Names carry the number of their layer: W0 is
"0.weight", z0 is the output of layer 0, dz0 is the gradient of the loss with respect to it.
"""

from collections.abc import Sequence
from typing import cast

from ..batches import Batch, shares_of
from ..check import instance, instances, plain, refuse
from ..datasets._base import Rows
from ..engines._engine import Engine
from ..engines.scratch import ScratchEngine
from ..find import names
from ..layer import Layer
from ._agreement import agreement_blocks
from ._by_hand import by_hand_blocks
from ._data import Block, Entry, Place, Section
from ._passes import find_blocks, forget_blocks, measure_block, predict_blocks
from ._reach import first_rows, train_to
from ._source import places_of
from ._update import update_blocks
from ._watched import Names, Watched

__all__ = ["Block", "Entry", "Place", "Section", "explain", "first_rows", "train_to"]

PURPOSES = {
    "predict": "Each row of x goes through the layers, from the first to the last. A linear layer multiplies what it "
    "is given by weights, adds it up and adds a bias; an activation bends every number by itself. What the last "
    "layer gives is called the logits, also where it is the answer itself.",
    "measure": "The loss says in one number how far the logits are from the targets. Training makes it smaller.",
    "forget": "Step 4 adds to the gradient. What the last step left there is set to zero, or it would count again.",
    "find": "The gradient says how the loss answers to each number: with dv for a number v, if v grows by a tiny h, "
    "the loss grows by h dv. It is found from the loss back to the first layer by the chain rule: each layer takes "
    "the gradient of its output, and makes from it those of its parameters and of its input.",
    "step": "Against its gradient, each parameter moves the way in which the loss falls.",
}
"""The purpose of each of the five steps."""


def explain(
    engine: Engine, batch: Batch | Rows, layer: int | None = None, engines: Sequence[str] | None = None
) -> list[Section]:
    """Does one step on the batch, as `engine.train_step` would, and returns the five sections with all its tensors.

    `batch` may be some rows of the data, such as `data.train.take(slice(4))`. With `layer`, the blocks of other layers
    are left out. `engines` are those whose source is shown beside each step, and whose gradients are compared with this
    one's; by default all. Raises an `InputError` if the engine is not `scratch`, the only one that exposes every
    tensor, or has no such layer.
    """
    instances(engine=(engine, Engine))
    if not isinstance(engine, ScratchEngine):
        raise refuse("engine", engine.name, "'scratch'", "it alone computes every gradient by hand")
    if isinstance(batch, Rows):
        rows = batch.to(engine.device, engine.dtype)
        batch = Batch(rows.inputs(engine.dtype), rows.y, None if rows.weight is None else shares_of(rows.weight))
    instance("batch", batch, Batch, "pass some rows, such as data.train.take(slice(4))")
    if layer is not None and not (isinstance(plain(layer), int) and 0 <= layer < len(engine.layers)):
        raise refuse("layer", layer, f"a layer's number, 0 to {len(engine.layers) - 1}", "leave it out to see all")
    shown = sorted(names("engines") if engines is None else engines, key=lambda name: name != engine.name)
    blocks = _five_steps(engine, batch, shown)
    return [
        Section(
            number,
            name,
            PURPOSES[name],
            [block for block in of_step if _shown(block, layer)],
            tuple(places_of(engine, name, number, shown)),
        )
        for number, (name, of_step) in enumerate(blocks.items(), start=1)
    ]


def _shown(block: Block, layer: int | None) -> bool:
    return layer is None or block.layer in (None, layer)


def _five_steps(engine: ScratchEngine, batch: Batch, engines: Sequence[str]) -> dict[str, list[Block]]:
    """The five lines of `train_step`, with every tensor recorded between them."""
    x, y, weight = batch
    called, last = Names(), len(engine.layers) - 1
    layers = [
        Watched(layer, str(k), called, output_name="logits" if k == last else None)
        for k, layer in enumerate(engine.layers)
    ]
    blocks: dict[str, list[Block]] = {}
    unwatched, engine.layers = engine.layers, cast("tuple[Layer, ...]", tuple(layers))  # a step calls only these two
    try:
        logits = engine.forward(x)
        blocks["predict"] = predict_blocks(layers)
        loss = engine.loss(logits, y, weight)
        blocks["measure"] = [measure_block(engine, logits, y, weight, loss)]
        blocks["forget"] = forget_blocks(engine, layers)
        engine.zero_grad()
        engine.backward()
        blocks["find"] = [*find_blocks(engine, layers, batch), *by_hand_blocks(engine, layers, batch)]
    finally:
        engine.layers = unwatched
    blocks["find"] += agreement_blocks(engine, batch, engines)
    blocks["step"] = update_blocks(engine, layers, batch)
    return blocks
