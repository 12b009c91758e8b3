"""The five steps as a professional writes them: `torch.nn`, `torch.optim`, `loss.backward()`, `optimizer.step()`.

In float64 on the CPU this engine is the oracle that the others are held against.
"""

import os
import shutil
from contextlib import nullcontext
from functools import partial
from typing import NamedTuple, final

import torch
from torch import Tensor, nn

from ..check import InputError, one_of, refuse
from ..layer import Memo
from ..losses._base import weighted
from ..net import NetSpec
from ..optim._base import Again, MatrixOptimizer, Optimizer
from ..plan import TrainPlan
from ..ranks import ALONE, Ranks
from ..typing import Features, Logits, RowWeights, Scalar, Targets, Tensors, Vector
from ._base import FiveStepEngine
from ._parts import in_parts
from ._step_order import after_loss
from ._twin_memory import packed, unpacked
from ._update import RuleGroup, averaged_by_rules, numbers_of, restore_numbers, rule_of


@final
class _TorchGroup(NamedTuple):
    """A torch optimizer, the rule it is the twin of, and the factor on its learning rate."""

    optimizer: torch.optim.Optimizer
    rule: Optimizer
    lr_factor: float


@final
class NnEngine(FiveStepEngine):
    """`nn.Sequential` and a `torch.optim` optimizer. The module's parameters are views of the flat vector.

    With `compile`, `torch.compile` makes one program of the module; draws, such as dropout's masks, stay outside it.
    With `autocast="bfloat16"` the module works in bfloat16 wherever torch's autocast says so, in training and in
    `predict`; parameters, gradients, logits, loss and update stay float32, so it needs `dtype="float32"`.
    """

    name = "nn"
    _loss: Tensor | None = None

    def __init__(
        self,
        spec: NetSpec,
        plan: TrainPlan,
        dtype: torch.dtype,
        device: torch.device,
        ranks: Ranks = ALONE,
        *,
        compile: bool = False,  # noqa: A002  (torch's own name for it)
        autocast: str | None = None,
    ) -> None:
        super().__init__(spec, plan, dtype, device, ranks)
        _check_options(compile, autocast, dtype)
        self.options = {key: value for key, value in (("compile", compile), ("autocast", autocast)) if value}
        if compile:  # a generator cannot be part of a compiled graph
            self.draws.bits = torch.compiler.disable(self.draws.bits)  # type: ignore[method-assign]
        self.model = nn.Sequential()
        with torch.random.fork_rng(devices=[]):  # torch draws initial weights of its own, which are replaced
            views = zip(self.layers, self.params.weights, self.params.gradients, strict=True)
            for k, (layer, w, dw) in enumerate(views):
                self.model.append(module := layer.module(self.memo(k)).to(device, dtype))
                _bind(module, w, dw)  # one by one: a module has weights of its own until then
        self._compiled = torch.compile(self.model) if compile else self.model
        self._precision = partial(torch.autocast, device.type, torch.bfloat16) if autocast else nullcontext
        self.mean_loss = self.criterion.twin(reduction="mean").to(device, dtype)
        self.row_losses = self.criterion.twin(reduction="none").to(device, dtype)
        self.torch_optimizers = self._twins_by_group()

    def forward(self, x: Features) -> Logits:
        self.model.train()
        return self._outputs(self.training_input(x))

    def loss(self, logits: Logits, y: Targets, weight: RowWeights | None = None) -> Scalar:
        num_rows = len(logits)
        y = self.criterion.match(logits, y).flatten(0, logits.dim() - 2)
        logits = logits.flatten(0, -2)  # tokens are rows to torch
        try:
            loss: Tensor
            if weight is None:
                loss = self.mean_loss(logits, y)
            else:
                loss = weighted(self.row_losses(logits, y).reshape(num_rows, -1).mean(1), weight)
        except IndexError:  # torch's message is "Target 5 is out of bounds"
            self.criterion.rows(logits, y, Memo(training=False))  # raises the sentence of all engines instead
            raise
        self._loss = loss
        return loss

    def zero_grad(self) -> None:
        for optimizer, _, _ in self.torch_optimizers:
            optimizer.zero_grad(set_to_none=False)  # None would detach the gradients from the flat vector

    def backward(self) -> None:
        after_loss(self._loss).backward()

    def update(self, again: Again | None = None) -> None:
        self.add_penalty_gradient_()
        if self.plan.clip_value is not None:
            nn.utils.clip_grad_value_(self.model.parameters(), self.plan.clip_value)
        if self.plan.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.plan.clip_norm)
        for optimizer, _, lr_factor in self.torch_optimizers:
            optimizer.param_groups[0]["lr"] = self.lr * lr_factor
            optimizer.step(again)  # type: ignore[arg-type]  # torch's own signature knows closures of floats only
        self.draws.step += 1

    @torch.no_grad()
    def predict(self, x: Features) -> Logits:
        self.model.eval()
        return in_parts(self._outputs, self.as_input(x), self.spec)

    def averaged(self) -> Vector | None:
        groups = [
            RuleGroup(w.detach(), w.new_empty(0), rule, lr_factor, optimizer.state.get(w, {}))
            for optimizer, rule, lr_factor in self.torch_optimizers
            for w in optimizer.param_groups[0]["params"]
        ]
        return averaged_by_rules(self.params, groups)

    def state(self, *, copied: bool = True) -> dict[str, Tensor]:
        memory = {
            f"{k}.{place}.{name}": value
            for k, (optimizer, _, _) in enumerate(self.torch_optimizers)
            for place, w in enumerate(optimizer.param_groups[0]["params"])
            for name, value in packed(optimizer.state.get(w, {}), copied=copied).items()
        }
        return {**numbers_of(self.params, copied=copied), **memory}

    def load_state(self, state: Tensors, num_updates: int) -> None:
        restore_numbers(self.params, state)
        for k, (optimizer, _, _) in enumerate(self.torch_optimizers):
            optimizer.state.clear()
            for place, w in enumerate(optimizer.param_groups[0]["params"]):
                start = f"{k}.{place}."
                memory = {name.removeprefix(start): state[name] for name in state if name.startswith(start)}
                if memory:
                    optimizer.state[w] = unpacked(memory)
        self.draws.step = num_updates

    def _outputs(self, x: Features) -> Logits:
        """The module's outputs in the network's type, whatever it works in."""
        with self._precision():
            logits: Tensor = self._compiled(self.as_input(x))
        return logits.to(self.dtype)

    def _twins_by_group(self) -> list[_TorchGroup]:
        """One torch optimizer, or one for each group of parameters with a rule or a learning rate of its own."""
        named, twins = dict(self.model.named_parameters()), []
        for group, _, names in self.params.parts(matrices_apart=isinstance(self.optimizer, MatrixOptimizer)):
            rule = rule_of(group, self.optimizer, self.plan.ema)
            twins.append(_TorchGroup(rule.twin([named[name] for name in names], self.lr), rule, group.lr_factor))
        return twins


def _check_options(compiled: bool, autocast: str | None, dtype: torch.dtype) -> None:
    """Raises an `InputError` for a value that is not valid, or that cannot work here."""
    if not isinstance(compiled, bool):
        raise refuse("compile", compiled, "true or false", "write nn:compile=true")
    if autocast is not None:
        one_of("autocast", str(autocast), ("bfloat16",))
        if dtype != torch.float32:
            raise refuse("autocast", autocast, "used with dtype float32", "leave one of the two out")
    compilers = (os.environ.get("CXX"), "g++", "clang++", "c++", "cl")
    if compiled and not any(name and shutil.which(name) for name in compilers):
        raise InputError(
            "compile must be used where there is a C++ compiler, got none on the PATH; install g++ or clang++, "
            "or leave compile out."
        )


def _bind(module: nn.Module, w: dict[str, Tensor], dw: dict[str, Tensor]) -> None:
    """Makes the module's parameters and buffers views of the flat vectors; no bit of what torch computes changes."""
    for name, view in w.items():
        path, _, own_name = name.rpartition(".")
        owner = module.get_submodule(path)
        if name in dw:
            parameter = nn.Parameter(view)
            parameter.grad = dw[name]
            setattr(owner, own_name, parameter)
        else:
            setattr(owner, own_name, view.data)  # else autograd would take a change of one view for a change of all
