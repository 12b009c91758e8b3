"""The five steps with raw tensors and autograd: `loss.backward()` finds the gradient."""

from typing import final

import torch
from torch import Tensor

from ..layer import Memo
from ..net import NetSpec
from ..optim._base import Again
from ..plan import TrainPlan
from ..ranks import ALONE, Ranks
from ..typing import Features, Logits, RowWeights, Scalar, Targets
from ._raw import RawEngine
from ._step_order import after_loss
from ._update import clip_, move_


@final
class AutogradEngine(RawEngine):
    """Raw tensors, gradients by autograd. The update is not part of the graph: the flat vector has no history."""

    name = "autograd"
    _loss: Tensor | None = None

    def __init__(
        self, spec: NetSpec, plan: TrainPlan, dtype: torch.dtype, device: torch.device, ranks: Ranks = ALONE
    ) -> None:
        super().__init__(spec, plan, dtype, device, ranks)
        self._leaves = [
            {name: _leaf(w[name], dw[name]) if name in dw else w[name] for name in w}  # buffers stay as they are
            for w, dw in zip(self.params.weights, self.params.gradients, strict=True)
        ]

    def forward(self, x: Features) -> Logits:
        a = self.training_input(x)
        for k, (layer, w) in enumerate(zip(self.layers, self._leaves, strict=True)):
            a = layer.forward(w, a, self.memo(k))
        return a

    def loss(self, logits: Logits, y: Targets, weight: RowWeights | None = None) -> Scalar:
        y = self.criterion.match(logits, y)
        self._loss = loss = self.criterion.value(logits, y, weight, Memo(training=True))
        return loss

    def zero_grad(self) -> None:
        self.params.grad.zero_()

    def backward(self) -> None:
        after_loss(self._loss).backward()

    def update(self, again: Again | None = None) -> None:
        self.add_penalty_gradient_()
        clip_(self.params.grad, self.plan)
        for group in self._groups:  # one, unless the plan or the rule treats some parameters differently
            move_(group, self.lr * group.lr_factor, self.num_updates + 1, again)
        self.draws.step += 1


def _leaf(weight: Tensor, gradient: Tensor) -> Tensor:
    """A leaf of the graph in the memory of the flat vectors: `backward` adds into the flat gradient."""
    leaf = weight.detach().requires_grad_()
    leaf.grad = gradient
    return leaf
