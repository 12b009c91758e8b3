"""The five steps by hand: raw tensors, no autograd.

For a network of layers f_1 ... f_L the training pass computes

    a_0 = x,    a_k = f_k(a_{k-1}; w_k),    loss = l(a_L, y)

and the chain rule, read from right to left, gives every gradient in one sweep. With da_k = dloss/da_k,

    da_L     = dl/da_L                          the loss's own gradient, in losses/
    dw_k     = da_k df_k/dw_k                   added to the gradient of layer k
    da_{k-1} = da_k df_k/da_{k-1}               handed to the layer below

The two local derivatives of each layer are derived in its file: `layers/linear.py` for z = x W^T + b,
`activations/tanh.py` for a = tanh(z), and so on. Everything works in place in memory that is allocated once.
"""

from typing import final

import torch

from ..layer import Memo
from ..net import NetSpec
from ..optim._base import Again
from ..plan import TrainPlan
from ..ranks import ALONE, Ranks
from ..typing import Features, Logits, RowWeights, Scalar, Targets
from ._memory import is_large
from ._raw import RawEngine
from ._step_order import after_loss
from ._update import clip_, move_


@final
class ScratchEngine(RawEngine):
    """Raw tensors, gradients derived by hand."""

    name = "scratch"
    _loss_inputs: tuple[Logits, Targets, RowWeights | None, Memo] | None = None

    def __init__(
        self, spec: NetSpec, plan: TrainPlan, dtype: torch.dtype, device: torch.device, ranks: Ranks = ALONE
    ) -> None:
        super().__init__(spec, plan, dtype, device, ranks)
        trained = [k for k, layer in enumerate(self.layers) if layer.parameter_shapes()]
        self._first = trained[0]
        # Each step reuses the memory of the last, except for the outputs, which the caller may keep. A large network
        # gives it back, layer by layer. What the layer below does not look at again may be written over.
        reuses = not is_large(spec)
        self._memos = [self.memo(k, reuse=reuses and k < trained[-1]) for k in range(len(self.layers))]
        for memo, below in zip(self._memos[1:], self.layers, strict=False):
            memo.x_is_free = not below.remembers_y

    def forward(self, x: Features) -> Logits:
        a = self.training_input(x)
        for layer, w, memo in zip(self.layers, self.params.weights, self._memos, strict=True):
            a = layer.forward(w, a, memo)
        return a

    def loss(self, logits: Logits, y: Targets, weight: RowWeights | None = None) -> Scalar:
        self._loss_inputs = inputs = logits, self.criterion.match(logits, y), weight, Memo(training=True)
        return self.criterion.value(*inputs)

    def zero_grad(self) -> None:
        self.params.grad.zero_()

    def backward(self) -> None:
        da = self.criterion.logits_gradient(*after_loss(self._loss_inputs))
        for k in reversed(range(self._first, len(self.layers))):  # nothing below needs a gradient
            w, dw = self.params.weights[k], self.params.gradients[k]
            da = self.layers[k].backward(w, dw, da, self._memos[k], need_dx=k > self._first)
            self._memos[k].forget()

    def update(self, again: Again | None = None) -> None:
        self.add_penalty_gradient_()
        clip_(self.params.grad, self.plan)
        for group in self._groups:  # one, unless the plan or the rule treats some parameters differently
            move_(group, self.lr * group.lr_factor, self.num_updates + 1, again)
        self.draws.step += 1
