"""A user's `nn.Module` as an engine, with the same weights, batches, loss and update rule as any other."""

import copy
import math
from collections.abc import Mapping
from typing import Self, final

import torch
from torch import Tensor, nn

from ..check import InputError
from ..engines._base import FiveStepEngine
from ..engines._engine import Engine
from ..engines._twin_memory import packed, unpacked
from ..engines._update import numbers_of, restore_numbers, rule_of
from ..net import NetSpec
from ..optim._base import Again, MatrixOptimizer
from ..plan import TrainPlan
from ..typing import Features, Logits, RowWeights, Scalar, Targets, Tensors, Vector

DRAWING = (nn.modules.dropout._DropoutNd, nn.AlphaDropout, nn.FeatureAlphaDropout, nn.RReLU)


@final
class ModuleEngine(FiveStepEngine):
    """A copy of the module in an ordinary torch loop: `loss.backward()`, `optimizer.step()`.

    Its parameters and buffers are matched to those of `spec` (`matched`). They remain the module's own; before forward
    they are set to `params.flat`, and after each step they are copied back to `params`.
    """

    name = "module"

    def __init__(
        self, spec: NetSpec, plan: TrainPlan, dtype: torch.dtype, device: torch.device, *, module: nn.Module
    ) -> None:
        super().__init__(spec, plan, dtype, device)
        self.options = {"module": module}
        _check_draws(module)
        self.module = copy.deepcopy(module).to(device, dtype)
        self._theirs = matched(self.params.named_gradients(), dict(self.module.named_parameters()), "parameters", spec)
        buffers = {key: value for key, value in self.params.named_with_buffers().items() if key not in self._theirs}
        self._buffers = matched(buffers, dict(self.module.named_buffers()), "buffers", spec)
        self._mean_loss = self.criterion.twin(reduction="mean").to(device, dtype)
        self._row_losses = self.criterion.twin(reduction="none").to(device, dtype)
        self._optimizers = [
            (
                rule_of(group, self.optimizer, plan.ema).twin([self._parameter(name) for name in names], plan.lr),
                group.lr_factor,
            )
            for group, _, names in self.params.parts(matrices_apart=isinstance(self.optimizer, MatrixOptimizer))
        ]

    @classmethod
    def like(cls, engine: Engine, module: nn.Module) -> Self:
        """A module engine with the network, the plan, the dtype and the device of another engine."""
        return cls(engine.spec, engine.plan, engine.dtype, engine.device, module=module)

    def forward(self, x: Features) -> Logits:
        self._set_weights()
        self.module.train()
        logits = self._outputs(x)
        self._show_buffers()
        return logits

    def loss(self, logits: Logits, y: Targets, weight: RowWeights | None = None) -> Scalar:
        num_rows = len(logits)
        y = self.criterion.match(logits, y).flatten(0, logits.dim() - 2)
        logits = logits.flatten(0, -2)
        if weight is None:
            self._loss: Tensor = self._mean_loss(logits, y)
        else:
            self._loss = self._row_losses(logits, y).reshape(num_rows, -1).mean(1) @ weight
        return self._loss

    def zero_grad(self) -> None:
        self.module.zero_grad()
        self._show_gradients()

    def backward(self) -> None:
        self._loss.backward()
        self._show_gradients()

    def update(self, again: Again | None = None) -> None:
        self._add_penalty_gradient()
        parameters = list(self.module.parameters())
        if self.plan.clip_value is not None:
            nn.utils.clip_grad_value_(parameters, self.plan.clip_value)
        if self.plan.clip_norm is not None:
            nn.utils.clip_grad_norm_(parameters, self.plan.clip_norm)
        for optimizer, lr_factor in self._optimizers:
            optimizer.param_groups[0]["lr"] = self.lr * lr_factor
            optimizer.step(None if again is None else lambda: self._again(again))  # type: ignore[arg-type]
        self._show_weights()
        self.draws.step += 1

    @torch.no_grad()
    def predict(self, x: Features) -> Logits:
        self._set_weights()
        self.module.eval()
        return self._outputs(x)

    def averaged(self) -> Vector | None:
        return None

    def state(self, *, copied: bool = True) -> dict[str, Tensor]:
        memory = {
            f"{k}.{place}.{name}": value
            for k, (optimizer, _) in enumerate(self._optimizers)
            for place, w in enumerate(optimizer.param_groups[0]["params"])
            for name, value in packed(optimizer.state.get(w, {}), copied=copied).items()
        }
        return {**numbers_of(self.params, copied=copied), **memory}

    def load_state(self, state: Tensors, num_updates: int) -> None:
        restore_numbers(self.params, state)
        self._set_weights()
        self.module.zero_grad()
        for k, (optimizer, _) in enumerate(self._optimizers):
            optimizer.state.clear()
            for place, w in enumerate(optimizer.param_groups[0]["params"]):
                start = f"{k}.{place}."
                memory = {name.removeprefix(start): value for name, value in state.items() if name.startswith(start)}
                if memory:
                    optimizer.state[w] = unpacked(memory)
        self.draws.step = num_updates

    def _outputs(self, x: Features) -> Logits:
        """The module's output; an error in it becomes an `InputError`."""
        x = self.as_input(x)
        try:
            logits = self.module(x)
        except Exception as error:
            raise InputError(
                f"the module must take rows of the shape {tuple(x.shape)}, got {type(error).__name__}: "
                f"{_first_line(error)}; fix its forward."
            ) from error
        if not isinstance(logits, Tensor):
            raise InputError(
                f"the module must return one tensor of logits, got {type(logits).__name__}; return it alone."
            )
        if logits.shape == x.shape[:-1] and self.spec.out_features == 1:
            return logits[..., None]  # (N,) are the same numbers as (N, 1)
        expected = (*x.shape[:-1], self.spec.out_features)
        if logits.shape != expected:
            raise InputError(
                f"the module must return logits of the shape {expected}, got {tuple(logits.shape)}; fix its forward."
            )
        return logits

    def _again(self, again: Again) -> Tensor:
        """Steps 1 to 4 at the module's current weights, which the rule has just moved."""
        self._show_weights()
        return again()

    @torch.no_grad()
    def _add_penalty_gradient(self) -> None:
        """Adds the L2 term's gradient at the start of step 5."""
        if self.l2:
            self.add_penalty_gradient_()
            for name, gradient in self.named_gradients().items():
                theirs = self._theirs[name]
                theirs.tensor.grad = theirs.to_theirs(gradient).clone()

    def _parameter(self, name: str) -> nn.Parameter:
        tensor = self._theirs[name].tensor
        assert isinstance(tensor, nn.Parameter)
        return tensor

    @torch.no_grad()
    def _set_weights(self) -> None:
        own = self.params.named_with_buffers()
        for name, theirs in {**self._theirs, **self._buffers}.items():
            theirs.tensor.copy_(theirs.to_theirs(own[name]))

    @torch.no_grad()
    def _show_weights(self) -> None:
        own = self.params.named()
        for name, theirs in self._theirs.items():
            own[name].copy_(theirs.to_ours(theirs.tensor))

    @torch.no_grad()
    def _show_buffers(self) -> None:
        own = self.params.named_with_buffers()
        for name, theirs in self._buffers.items():
            own[name].copy_(theirs.to_ours(theirs.tensor))

    @torch.no_grad()
    def _show_gradients(self) -> None:
        for name, gradient in self.named_gradients().items():
            theirs = self._theirs[name]
            gradient.zero_() if theirs.tensor.grad is None else gradient.copy_(theirs.to_ours(theirs.tensor.grad))


@final
class Theirs:
    """A tensor of the module for one of ours: the same, its transpose, or one with additional axes of size 1."""

    def __init__(self, tensor: Tensor, ours: torch.Size) -> None:
        self.tensor, self._ours = tensor, ours
        self._is_transposed = tensor.dim() == 2 and len(ours) == 2 and tensor.shape != ours

    def to_ours(self, theirs: Tensor) -> Tensor:
        """In our layout, (out, in) as in `torch.nn.Linear`."""
        return theirs.T if self._is_transposed else theirs.reshape(self._ours)

    def to_theirs(self, ours: Tensor) -> Tensor:
        """In the module's layout."""
        return ours.T if self._is_transposed else ours.reshape(self.tensor.shape)


def matched(ours: Tensors, theirs: Mapping[str, Tensor], what: str, spec: NetSpec) -> dict[str, Theirs]:
    """The module's tensor for each of ours.

    First in the order of registration; if that does not fit, by shapes that occur once. A matrix (in, out) counts as
    the transpose of one (out, in). Raises an `InputError` with both lists.
    """
    if len(ours) == len(theirs):
        pairs = dict(zip(ours, theirs, strict=True))
        if not all(_fits(ours[name], theirs[its]) for name, its in pairs.items()):
            pairs = _by_shape(ours, theirs)
        if len(pairs) == len(ours):
            return {name: Theirs(theirs[its], ours[name].shape) for name, its in pairs.items()}
    raise InputError(
        f"the module must have the {what} of {spec.title} {spec.sizes_text()}, {_listed(ours)}, got {_listed(theirs)}; "
        f"describe the same network by --model, --hidden, --activation and --norm, or fix the module."
    )


def _by_shape(ours: Tensors, theirs: Mapping[str, Tensor]) -> dict[str, str]:
    """Each of ours with the only one of theirs that fits it; empty if that is ambiguous."""
    fitting = {name: [its for its, other in theirs.items() if _fits(value, other)] for name, value in ours.items()}
    return (
        {name: found[0] for name, found in fitting.items()}
        if all(len(found) == 1 for found in fitting.values())
        else {}
    )


def _fits(ours: Tensor, theirs: Tensor) -> bool:
    same = [size for size in ours.shape if size != 1] == [size for size in theirs.shape if size != 1]
    return same or (theirs.dim() == 2 and theirs.T.shape == ours.shape)


def _listed(tensors: Mapping[str, Tensor]) -> str:
    return ", ".join(f"{name} {tuple(value.shape)}" for name, value in tensors.items()) or "none"


def _check_draws(module: nn.Module) -> None:
    """Raises an `InputError` for a layer with random draws of its own, which no other engine can reproduce."""
    for name, layer in module.named_modules():
        p = getattr(layer, "p", 1.0)
        if isinstance(layer, DRAWING) and p:
            raise InputError(
                f"the module must draw nothing in training to be compared, got {type(layer).__name__} at {name!r}; "
                f"set its probability to 0."
            )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no message"])[0].rstrip(".")


def num_parameters(module: nn.Module) -> int:
    """The module's number of parameters."""
    return sum(math.prod(value.shape) for value in module.parameters())
