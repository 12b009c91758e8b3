"""Losses at other weights than the network's own."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ..draws import generator
from ..engines._base import FiveStepEngine
from ..engines._engine import Engine
from ..layer import Memo
from ..machine.threads import threads_for
from ..typing import Vector
from ._base import Lacking, Subject, spread

WORK = 2e9
"""Multiplications that a landscape may cost; of a large network fewer rows are measured, but at least a hundred."""

FEWEST_ROWS = 100


def random_direction(engine: FiveStepEngine, seed: int) -> Vector:
    """A direction (P,) that is normal at random, filter by filter as large as the weights: d_i |w_i| / |d_i|.

    A filter is what leads to one unit, a row of a weight matrix; biases and the like stay where they are. Li et al.
    2018, "Visualizing the loss landscape of neural nets", section 4: without it, layers of other scales could not be
    compared, nor networks with each other.
    """
    stream, direction = generator(seed, -2), torch.zeros_like(engine.params.flat)  # training draws have none below -1
    for view in engine.named_parameters().values():
        if view.dim() > 1:
            drawn = torch.randn(view.shape, generator=stream, dtype=torch.float64).to(view.device, view.dtype)
            drawn *= view.norm(dim=-1, keepdim=True) / drawn.norm(dim=-1, keepdim=True)
            where = slice(view.storage_offset(), view.storage_offset() + view.numel())
            direction[where] = drawn.flatten()
    return direction


def main_directions(weights: Tensor) -> Tensor:
    """The two directions (2, P) along which the trajectory (T, P), seen from its end, spreads most; each of length 1.

    The leading right singular vectors of w_t - w_T: Li et al. 2018, section 7.
    """
    directions: Tensor = torch.linalg.svd((weights - weights[-1]).double(), full_matrices=False).Vh[:2]
    return directions


def projected(weights: Tensor, center: Vector, directions: Tensor) -> Tensor:
    """The coordinates (T, 2) of weights (T, P) in the plane center + a d1 + b d2, by least squares."""
    away = (weights - center).double()
    solution: Tensor = torch.linalg.lstsq(directions.double().T, away.T).solution
    return solution.T


def needs_finite_loss(subject: Subject) -> Lacking | None:
    """For a picture of what lies around the weights; measured on a few rows, by the engine itself.

    A copy of a large network would cost much more than that.
    """
    loss = _own_loss(subject, subject.engine, FEWEST_ROWS)()
    return None if math.isfinite(loss) else Lacking("weights whose loss is finite", f"a loss of {loss}")


def loss_around(subject: Subject, engine: FiveStepEngine, num_places: int) -> Callable[[Vector], float]:
    """The loss as a function of the flat weights, on training rows in evaluation mode."""
    most = int(max(FEWEST_ROWS, WORK / num_places / (2 * engine.params.flat.numel())))
    own = _own_loss(subject, engine, most)

    def loss(flat: Vector) -> float:
        engine.params.flat.copy_(flat)
        return own()

    return loss


def _own_loss(subject: Subject, engine: Engine, num_rows: int) -> Callable[[], float]:
    """The loss at the weights that the engine has when asked, on that many training rows in evaluation mode."""
    rows = spread(num_rows, subject.data.train).to(engine.device, engine.dtype)
    x = engine.as_input(rows.inputs(engine.dtype))
    weight = None if rows.weight is None else rows.weight / rows.weight.sum()

    @torch.no_grad()
    def loss() -> float:
        with threads_for(engine, len(x)):
            logits = engine.predict(x)
            y = engine.criterion.match(logits, rows.y)
            return float(engine.criterion.value(logits, y, weight, Memo(training=False)))

    return loss
