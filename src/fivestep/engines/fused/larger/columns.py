"""What a network for tables begins with, as threads take it: `percentiles`, `periodic` and `scale` as one."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ....layers.percentiles import Percentiles
from ....layers.periodic import Periodic
from ....typing import Tensors
from ..._engine import Engine
from .._operations import place_of
from .._size import num_of_columns
from .._tables import aligned, in_lanes, type_of
from ..body.divided_columns import Columns
from ..body.waves import Sides, Waves


def columns_of(engine: Engine, num_units: int, num_rows: int) -> Columns:
    """The layers as one, with room for so many rows of all units that their panels have; without any, all is empty."""
    kind, tiny = type_of(engine.params), np.finfo(type_of(engine.params)).tiny
    sources = np.arange(engine.spec.in_features or 0)
    ranked, knots, levels = np.full_like(sources, -1), np.zeros((0, 2), kind), np.zeros((0, 2), kind)
    waves = gradients = Waves(*(np.zeros(shape, kind) for shape in ((0, 1), (0, 1), (0, 1, 1), (0, 1))))
    dim, scale = 1, -1
    for k, layer in enumerate(engine.layers[: num_of_columns(engine.spec.layers)]):
        w, dw = engine.params.weights[k], engine.params.gradients[k]
        if isinstance(layer, Percentiles):
            knots, levels = w["knots"].numpy(), w["levels"].numpy()
            sources = np.array([*layer.chosen, *sources])
            ranked = np.array([*range(len(layer.chosen)), *ranked])
        elif isinstance(layer, Periodic):
            waves, gradients, dim = _waves(w), _waves(dw), layer.dim
            order = [*layer.chosen, *layer.others]
            sources, ranked = sources[order], ranked[order]
        else:
            scale = place_of(w, "weight")
    (num_columns, num_waves), rows = waves.frequency.shape, in_lanes(num_rows)
    counts = num_columns, num_columns * num_waves, num_columns * num_waves, num_units
    sides = Sides(*(aligned(count * rows, kind).reshape(count, rows) for count in counts))
    scaled = aligned(num_units * rows, kind).reshape(num_units, rows)
    ranks = ranked, knots, levels, tiny
    return Columns(sources, *ranks, num_columns, dim, waves, gradients, scale, sides, scaled)


def parts_of_columns(engine: Engine, first: int, end: int) -> Iterator[tuple[int, int]]:
    """Where the parameters lie that some units of the first level are made with, from the first to the last one."""
    for k, layer in enumerate(engine.layers[: num_of_columns(engine.spec.layers)]):
        for name in engine.params.gradients[k]:
            w, reach = engine.params.weights[k], (first, end)
            if isinstance(layer, Periodic):
                reach = (min(first // layer.dim, len(layer.chosen)), min(end // layer.dim, len(layer.chosen)))
            each, place = w[name][:1].numel(), place_of(w, name)
            yield place + reach[0] * each, place + reach[1] * each


def _waves(of: Tensors) -> Any:
    return Waves(*(of[name].numpy() for name in Waves._fields))
