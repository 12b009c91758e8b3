"""What tables have before their layers, in a larger network: `periodic` in one pass each way, `percentiles` in one."""

from typing import final

import numpy as np
import torch
from torch import Tensor

from ....layer import Memo
from ....layers.percentiles import Percentiles
from ....layers.periodic import Periodic
from ..._engine import Engine
from .. import _compiled
from .._tables import LANES
from ..body.waves import Sides, Waves


@final
class PeriodicLayer:
    """y = each column's number with its learned functions, then the other numbers, as `layers/periodic.py` says."""

    has_parameters = True

    def __init__(self, engine: Engine, k: int) -> None:
        layer = engine.layers[k]
        assert isinstance(layer, Periodic)
        self._columns, self._others = np.array(layer.chosen), layer.others
        self._num_more, self._width = layer.dim - 1, len(layer.chosen) * layer.dim
        of = engine.params.weights[k], engine.params.gradients[k]
        self._waves, self._gradients = (Waves(*(each[name].numpy() for name in Waves._fields)) for each in of)
        self._memo, self._rest = Memo(training=True, reuse=True), torch.tensor(layer.others, dtype=torch.long)

    def release(self) -> None:
        """Forgets its last rows, of which the room has copies."""
        self._memo.clear()

    def forward(self, x: Tensor) -> Tensor:
        rows = x.flatten(0, -2).contiguous()
        room, y = self._room(rows), self._memo.buffer("y", (len(rows), self._width + len(self._others)), rows)
        assert y is not None, "a memo that reuses has one"
        _compiled.one_pass("make_waves")(rows.numpy(), self._columns, self._waves, room, y.numpy())
        if self._others:
            y[:, self._width :] = rows[:, self._rest]
        return y.view(*x.shape[:-1], y.shape[1])

    def backward(self, dy: Tensor, need_dx: bool) -> Tensor:
        dz = dy.flatten(0, -2).contiguous()
        room = self._room(dz)
        _compiled.one_pass("through_waves")(dz.numpy(), self._waves, room, self._gradients)
        if not need_dx:
            return dy
        dx = dz.new_empty(len(dz), len(self._columns) + len(self._others))
        dx[:, torch.from_numpy(self._columns)] = torch.from_numpy(room.e)[:: self._num_more + 1, : len(dz)].T
        dx[:, self._rest] = dz[:, self._width :]
        return dx.view(*dy.shape[:-1], dx.shape[1])

    def _room(self, like: Tensor) -> Sides:
        """The same for both ways, with as many lanes as there are rows, and more to fill them up."""
        rows, (columns, waves) = -(-len(like) // LANES) * LANES, self._waves.frequency.shape
        counts = columns, columns * waves, columns * waves, self._width
        buffers = (self._memo.buffer(str(k), (count, rows), like) for k, count in enumerate(counts))
        return Sides(*(buffer.numpy() for buffer in buffers if buffer is not None))


@final
class PercentilesLayer:
    """y = the level of each number among its knots, then all numbers, as `layers/percentiles.py` says: forward only."""

    has_parameters = False

    def __init__(self, engine: Engine, k: int) -> None:
        layer, w = engine.layers[k], engine.params.weights[k]
        assert isinstance(layer, Percentiles)
        self._columns, self._knots, self._levels = np.array(layer.chosen), w["knots"].numpy(), w["levels"].numpy()
        self._memo, self._least = Memo(training=True, reuse=True), np.finfo(self._knots.dtype).tiny

    def release(self) -> None:
        """Forgets its last rows."""
        self._memo.clear()

    def forward(self, x: Tensor) -> Tensor:
        rows = x.flatten(0, -2).contiguous()
        y = self._memo.buffer("y", (len(rows), len(self._columns) + rows.shape[1]), rows)
        assert y is not None, "a memo that reuses has one"
        _compiled.one_pass("find_levels")(
            rows.numpy(), self._columns, self._knots, self._levels, self._least, y.numpy()
        )
        return y.view(*x.shape[:-1], y.shape[1])

    def backward(self, dy: Tensor, need_dx: bool) -> Tensor:
        raise AssertionError("nothing below it learns")


def are_levels(engine: Engine, k: int) -> bool:
    """Whether layer k is `percentiles`, and no layer below it has parameters."""
    return isinstance(engine.layers[k], Percentiles) and not any(engine.params.gradients[:k])
