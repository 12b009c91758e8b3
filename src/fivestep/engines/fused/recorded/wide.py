"""The five steps of a wide network on a CUDA device: torch's products, and one kernel of ours between two of them.

In a step of the transformer's block, products take nine tenths of the time, and torch's are the fastest. What `scratch`
does between them in dozens of passes over memory is one pass each here (`kernels/passes.py`): an activation; the loss
with its gradient; the gradient times the derivative, with the sums for the bias; the update of all parameters, with the
copy in bfloat16 by which the next step multiplies. The formulas are those of `scratch`, its oracle.
"""

from collections.abc import Sequence
from typing import final

import torch
import triton
from torch import Tensor

from ....layer import Memo
from ....losses.mse import MSE
from ..._engine import Engine
from ..._update import RuleGroup
from .._forms import rule_form
from ..body import kinds as kind
from ..kernels import passes
from .dense import Dense, Descent, dense, is_dense
from .feed import Feed
from .precision import Rounded, Weights

SIZE, ROWS, TILE = 1024, 256, (16, 128)
"""Elements of one program of an elementwise pass; the rows whose columns one program adds up, and its tile of them."""


def suits_passes(engine: Engine) -> bool:
    """Whether `kernels/passes.py` has a kernel for everything between the products."""
    return is_dense(engine) and rule_form(engine.plan) is not None


@final
class Wide:
    """The steps of one engine, with torch's products in the type of its `weights`."""

    def __init__(self, engine: Engine, groups: Sequence[RuleGroup], weights: Weights) -> None:
        assert len(groups) == 1, "suits_passes has looked"
        self._engine, self._weights = engine, weights
        self._layers, self._descent = dense(engine), Descent.of(engine.plan, groups[0])
        self._memo = Memo(training=True)

    def takes(self, feed: Feed) -> bool:
        """Whether the rows are contiguous."""
        return feed.is_contiguous

    def release(self) -> None:
        """It keeps nothing between two steps."""

    def steps(self, feed: Feed, count: int) -> None:
        """Does the first `count` steps of the feed."""
        self._descent.write_settings(feed)
        for s in range(count):
            self._step(feed, s)

    def _step(self, feed: Feed, s: int) -> None:
        weights = self._weights
        each = [(weights.w[layer.place], weights.dw[layer.place], layer) for layer in self._layers]

        # 1  predict
        x = feed.inputs(s)
        a, inputs, sums = weights.into(x).flatten(0, -2), [], []
        for w, _, layer in each:
            inputs.append(a)
            sums.append(torch.addmm(w["bias"], a, w["weight"].T))  # z (N, O)
            a = _activated(sums[-1], layer)

        # 2  measure, and with it find the gradient of the outputs and its columns' sums
        loss, dz, db = self._measured(feed, s, a.view(*x.shape[:-1], -1))
        feed.losses[s].copy_(loss)

        # 3  forget the last gradient: the products write over it

        # 4  find the new one
        for k in reversed(range(len(each))):
            w, dw, _ = each[k]
            dw["bias"].copy_(db)
            torch.mm(dz.T, inputs[k], out=dw["weight"])
            if k:
                dz, db = _back(torch.mm(dz, w["weight"]), sums[k - 1], each[k - 1][2])

        # 5  step downhill
        self._update(feed, s)

    def _measured(self, feed: Feed, s: int, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The loss of step s for outputs z, its gradient (N, O), and the sums of the gradient's columns (O,)."""
        criterion, (y, shares) = self._engine.criterion, feed.targets(s)
        is_plain = z.dim() == 2 or shares is None  # each token of a weighted row would need the weight of its row
        if not (isinstance(criterion, MSE) and is_plain and y.numel() == z.numel()):
            logits = z.to(self._engine.dtype)
            measured = logits, criterion.match(logits, y), shares, self._memo
            loss = criterion.value(*measured)
            dz = self._weights.into(criterion.logits_gradient(*measured)).flatten(0, -2)
            return loss, dz, dz.sum(0)
        z = z.flatten(0, -2)
        n, width = z.shape
        grid = triton.cdiv(n, ROWS), triton.cdiv(width, TILE[1])
        dz, parts = torch.empty_like(z), z.new_empty((grid[0], width), dtype=torch.float32)
        losses = parts.new_empty(grid)
        weighted = {"WEIGHTED": shares is not None, "ROWS": ROWS, "TN": TILE[0], "TO": TILE[1]}
        passes.squares[grid](z, y, losses if shares is None else shares, dz, parts, losses, n, width, **weighted)
        return losses.sum(), dz, parts.sum(0)

    def _update(self, feed: Feed, s: int) -> None:
        params, weights = self._engine.params, self._weights
        rounds, count = isinstance(weights, Rounded), params.flat.numel()
        passes.update[(triton.cdiv(count, SIZE),)](
            params.flat,
            weights.grad,
            *self._descent.places(params.flat),
            weights.flat if isinstance(weights, Rounded) else params.flat,
            feed.settings,
            feed.longest,
            count,
            s,
            **self._descent.options,
            ROUNDS=rounds,
            SIZE=SIZE,
        )


def _activated(z: Tensor, layer: Dense) -> Tensor:
    """The activation a = f(z)."""
    if layer.kind == kind.IDENTITY:
        return z
    a, grid = torch.empty_like(z), (triton.cdiv(z.numel(), SIZE),)
    passes.activate[grid](z, a, z.numel(), KIND=layer.kind, OPTION=layer.option, SIZE=SIZE)
    return a


def _back(da: Tensor, z: Tensor, layer: Dense) -> tuple[Tensor, Tensor]:
    """The gradient dz = da f'(z), which overwrites da, and the sums of its columns."""
    n, width = z.shape
    grid = triton.cdiv(n, ROWS), triton.cdiv(width, TILE[1])
    parts = z.new_empty((grid[0], width), dtype=torch.float32)
    known = {"KIND": layer.kind, "OPTION": layer.option, "ROWS": ROWS, "TN": TILE[0], "TO": TILE[1]}
    passes.back[grid](da, z, da, parts, n, width, **known)
    return da, parts.sum(0)
