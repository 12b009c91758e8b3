"""The five steps as a professional writes them: `torch.nn`, `torch.optim`, `loss.backward()`, `optimizer.step()`.

In float64 on the CPU this engine is the oracle that the others are held against.
"""

from typing import final

import torch
from torch import Tensor, nn

from ..layer import Memo
from ..net import NetSpec
from ..plan import TrainPlan
from ..typing import Features, Logits, RowWeights, Scalar, Targets, Tensors
from ._base import FiveStepEngine


@final
class NnEngine(FiveStepEngine):
    """`nn.Sequential` and a `torch.optim` optimizer. The module's parameters are views of the flat vector."""

    name = "nn"

    def __init__(self, spec: NetSpec, plan: TrainPlan, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__(spec, plan, dtype, device)
        memos = [Memo(training=True, draws=self.draws, layer=k) for k in range(len(self.layers))]
        modules = [layer.module(memo).to(device, dtype) for layer, memo in zip(self.layers, memos, strict=True)]
        for module, w, dw in zip(modules, self.params.weights, self.params.gradients, strict=True):
            _bind(module, w, dw)
        self.model = nn.Sequential(*modules)
        self.mean_loss = self.criterion.twin(reduction="mean").to(device, dtype)
        self.row_losses = self.criterion.twin(reduction="none").to(device, dtype)
        self.torch_optimizer = self.optimizer.twin(self.model.parameters(), plan.lr)

    def forward(self, x: Features) -> Logits:
        self.model.train()
        logits: Tensor = self.model(self.as_input(x))
        return logits

    def loss(self, logits: Logits, y: Targets, weight: RowWeights | None = None) -> Scalar:
        num_rows = len(logits)
        y = self.criterion.match(logits, y).flatten(0, logits.dim() - 2)
        logits = logits.flatten(0, -2)  # tokens are rows to torch
        if weight is None:
            self._loss: Tensor = self.mean_loss(logits, y)
        else:
            self._loss = self.row_losses(logits, y).reshape(num_rows, -1).mean(1) @ weight
        return self._loss

    def zero_grad(self) -> None:
        self.torch_optimizer.zero_grad(set_to_none=False)  # None would cut the gradients loose from the flat vector

    def backward(self) -> None:
        self._loss.backward()  # type: ignore[no-untyped-call]  # torch's own signature has no types

    def update(self) -> None:
        self.draws.step += 1
        if self.plan.clip_value is not None:
            nn.utils.clip_grad_value_(self.model.parameters(), self.plan.clip_value)
        if self.plan.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.plan.clip_norm)
        for group in self.torch_optimizer.param_groups:
            group["lr"] = self.lr
        self.torch_optimizer.step()

    @torch.no_grad()
    def predict(self, x: Features) -> Logits:
        self.model.eval()
        logits: Tensor = self.model(self.as_input(x))
        return logits

    def state(self) -> dict[str, Tensor]:
        memory = {
            f"{name}.{key}": value.clone()
            for name, parameter in self.model.named_parameters()
            for key, value in self.torch_optimizer.state[parameter].items()
            if isinstance(value, Tensor)
        }
        return {"flat": self.params.flat.clone(), **memory}

    def load_state(self, state: Tensors, num_updates: int) -> None:
        self.params.flat.copy_(state["flat"])
        self.torch_optimizer.state.clear()
        for name, parameter in self.model.named_parameters():
            keys = [key for key in state if key.startswith(f"{name}.")]
            if keys:
                self.torch_optimizer.state[parameter] = {
                    key.removeprefix(f"{name}."): state[key].clone() for key in keys
                }
        self.draws.step = num_updates


def _bind(module: nn.Module, w: dict[str, Tensor], dw: dict[str, Tensor]) -> None:
    """Makes the module's parameters views of the flat vectors, which changes no bit of what torch computes."""
    for name, view in w.items():
        parameter = nn.Parameter(view)
        parameter.grad = dw[name]
        setattr(module, name, parameter)
