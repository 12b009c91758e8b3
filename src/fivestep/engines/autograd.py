"""The five steps with raw tensors and autograd: `loss.backward()` finds the gradient."""

from typing import final

import torch
from torch import Tensor

from ..layer import Memo
from ..net import NetSpec
from ..optim._base import Again
from ..plan import TrainPlan
from ..ranks import ALONE, Ranks
from ..typing import Features, Inputs, Logits, RowWeights, Scalar, Targets, Tensors, Vector
from ._base import FiveStepEngine
from ._order import after_loss
from ._parts import in_parts
from ._update import averaged_by_rules, clip_, move_, restore_state, rule_groups, state_of


@final
class AutogradEngine(FiveStepEngine):
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
        self._groups = rule_groups(self.params, self.optimizer, plan.ema)

    def forward(self, x: Features) -> Logits:
        a = self.as_input(x)
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
        for group in self._groups:  # one, unless the plan or the rule treats some parameters in their own way
            move_(group, self.lr * group.lr_factor, self.num_updates + 1, again)
        self.draws.step += 1

    @torch.no_grad()
    def predict(self, x: Features) -> Logits:
        return in_parts(self._outputs, self.as_input(x), self.spec)

    def _outputs(self, a: Inputs) -> Logits:
        """The evaluation pass over some rows."""
        for layer, w in zip(self.layers, self.params.weights, strict=True):
            a = layer.forward(w, a, Memo(training=False))
        return a

    def averaged(self) -> Vector | None:
        return averaged_by_rules(self.params, self._groups)

    def state(self, *, copied: bool = True) -> dict[str, Tensor]:
        return state_of(self.params, self._groups, copied=copied)

    def load_state(self, state: Tensors, num_updates: int) -> None:
        restore_state(self.params, self._groups, state)
        self.draws.step = num_updates


def _leaf(weight: Tensor, gradient: Tensor) -> Tensor:
    """A leaf of the graph in the memory of the flat vectors, so that `backward` adds into the flat gradient."""
    leaf = weight.detach().requires_grad_()
    leaf.grad = gradient
    return leaf
