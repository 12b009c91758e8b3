"""The five steps with raw tensors and autograd: `loss.backward()` finds the gradient."""

from typing import final

import torch
from torch import Tensor

from ..layer import Memo
from ..net import NetSpec
from ..plan import TrainPlan
from ..typing import Features, Logits, RowWeights, Scalar, Targets, Tensors
from ._base import FiveStepEngine
from ._update import clip_, copy_of_state, restore_state


@final
class AutogradEngine(FiveStepEngine):
    """Raw tensors, gradients by autograd. The update is not part of the graph: the flat vector has no history."""

    name = "autograd"

    def __init__(self, spec: NetSpec, plan: TrainPlan, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__(spec, plan, dtype, device)
        self._leaves = [
            {name: _leaf(w[name], dw[name]) for name in w}
            for w, dw in zip(self.params.weights, self.params.gradients, strict=True)
        ]
        self._momenta = self.optimizer.state(self.params.flat)

    def forward(self, x: Features) -> Logits:
        a = self.as_input(x)
        for k, (layer, w) in enumerate(zip(self.layers, self._leaves, strict=True)):
            a = layer.forward(w, a, Memo(training=True, draws=self.draws, layer=k))
        return a

    def loss(self, logits: Logits, y: Targets, weight: RowWeights | None = None) -> Scalar:
        y = self.criterion.match(logits, y)
        self._loss = self.criterion.value(logits, y, weight, Memo(training=True))
        return self._loss

    def zero_grad(self) -> None:
        self.params.grad.zero_()

    def backward(self) -> None:
        self._loss.backward()  # type: ignore[no-untyped-call]  # torch's own signature has no types

    def update(self) -> None:
        self.draws.step += 1
        clip_(self.params.grad, self.plan)
        self.optimizer.update_(self.params.flat, self.params.grad, self._momenta, self.lr, self.num_updates)

    @torch.no_grad()
    def predict(self, x: Features) -> Logits:
        a = self.as_input(x)
        for layer, w in zip(self.layers, self.params.weights, strict=True):
            a = layer.forward(w, a, Memo(training=False))
        return a

    def state(self) -> dict[str, Tensor]:
        return copy_of_state(self.params, self._momenta)

    def load_state(self, state: Tensors, num_updates: int) -> None:
        restore_state(self.params, self._momenta, state)
        self.draws.step = num_updates


def _leaf(weight: Tensor, gradient: Tensor) -> Tensor:
    """A leaf of the graph in the memory of the flat vectors, so that `backward` adds into the flat gradient."""
    leaf = weight.detach().requires_grad_()
    leaf.grad = gradient
    return leaf
