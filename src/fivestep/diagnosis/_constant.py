"""The loss of the best constant answer, which every network must beat.

    min over c of  sum_n w_n l(c, y_n),  with one vector of logits c for all rows

For cross-entropy that is the entropy of the class shares, for a squared error the variance of the targets.
"""

import math

import torch
from torch import Tensor

from ..datasets._base import Rows
from ..engines._engine import Engine
from ..evaluation import loss_of_answers
from ..layer import Memo
from ..optim.lbfgs import LBFGS
from ..typing import RowWeights, Scalar, Targets

STEPS = 100
"""The most steps of L-BFGS; the losses are convex in c, which has as many numbers as the network has outputs."""


def constant_answer(engine: Engine, rows: Rows) -> Tensor:
    """The best constant logits (O,) for all rows, in float64."""
    shape, y, weight = _matched(engine, rows)
    c, criterion = _begin(engine, y, shape[-1]), loss_of_answers(engine)
    gradient, rule = torch.zeros_like(c), LBFGS(max_iter=STEPS, tolerance_grad=1e-10)  # torch's own takes 0.8 s to load

    def loss() -> Scalar:
        with torch.enable_grad():
            leaf = c.detach().requires_grad_()
            value: Tensor = criterion.rows(leaf.expand(shape), y, Memo(training=False)) @ weight
            gradient.copy_(torch.autograd.grad(value, leaf)[0])
        return value.detach()

    with torch.no_grad():
        rule.update_(c, gradient, rule.state(c), lr=1.0, step=1, again=loss)
    return c


@torch.no_grad()
def constant_loss(engine: Engine, rows: Rows, answer: Tensor) -> float:
    """The loss on `rows` of a constant answer (O,)."""
    shape, y, weight = _matched(engine, rows)
    loss = float(loss_of_answers(engine).rows(answer.expand(shape), y, Memo(training=False)) @ weight)
    return loss if math.isfinite(loss) else math.inf


def _matched(engine: Engine, rows: Rows) -> tuple[tuple[int, ...], Targets, RowWeights]:
    """The shape of the outputs for the rows, their targets beside such, and weights that sum to 1."""
    one = rows.take(slice(1)).to(engine.device, engine.dtype)
    shape = (len(rows), *engine.predict(one.inputs(engine.dtype)).shape[1:])
    y = rows.y.cpu()
    y = engine.criterion.match(
        torch.zeros((), dtype=torch.float64).expand(shape), y.double() if y.is_floating_point() else y
    )
    weight = torch.ones(len(rows), dtype=torch.float64) if rows.weight is None else rows.weight.cpu().double()
    return shape, y, weight / weight.sum()


def _begin(engine: Engine, y: Targets, num_outputs: int) -> Tensor:
    """The starting point: the median of numbers, which minimizes an absolute error, else 0."""
    if engine.criterion.target != "numbers" or engine.criterion.inverse_link != "identity":
        return torch.zeros(num_outputs, dtype=torch.float64)
    return y.reshape(-1, num_outputs).median(0).values.clone()
