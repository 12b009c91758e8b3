"""A network for our own kernels: its linear layers with their activations, its loss, its update rule."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ....find import Choice
from ....layers.linear import Linear
from ....plan import TrainPlan
from ..._engine import Engine
from ..._update import RuleGroup
from .._forms import LOSSES, OPERATIONS, RULES, Form, correction, decouples, is_activation, obstacle
from ..body import kinds as kind
from ..kernels.items import Known
from .feed import Feed


class Dense(NamedTuple):
    """A linear layer with the activation behind it: its index, its weights, the activation's encoding.

    `option` is the activation's number, if it has one.
    """

    place: int
    weight: Tensor
    bias: Tensor
    kind: int
    option: float


def dense(engine: Engine) -> list[Dense]:
    """The linear layers of a network, each with the activation behind it."""
    names = [choice.name for choice in engine.spec.layers]
    found = []
    for k, (name, w) in enumerate(zip(names, engine.params.weights, strict=True)):
        if name == "linear":
            after = names[k + 1] if k + 1 < len(names) else "linear"
            form = OPERATIONS["identity" if after == "linear" else after]
            option = form.numbers(engine.layers[k + 1]) if form.options else (0.0,)
            found.append(Dense(k, w["weight"], w["bias"], form.kind, float(*option)))
    return found


def is_dense(engine: Engine) -> bool:
    """Whether a network is linear layers with biases, two or more, and an activation behind some of them."""
    spec, plan = engine.spec, engine.plan
    names = [choice.name for choice in spec.layers]
    pairs = zip(["", *names], names, strict=False)
    return (
        names.count("linear") >= 2
        and names[-1] == "linear"
        and all(name == "linear" or before == "linear" for before, name in pairs)
        and all(choice.name == "linear" or is_activation(choice) for choice in spec.layers)
        and all(layer.bias for layer in engine.layers if isinstance(layer, Linear))
        and plan.clip_norm is None
        and plan.clip_value is None
        and plan.ema is None
        and not (plan.l2 or plan.lr_factors or plan.no_decay)
    )


def has_formulas(engine: Engine) -> bool:
    """Whether the kernels support a network's loss and its update rule, including their options."""
    return obstacle(engine.spec, engine.plan) is None and LOSSES[_name(engine.plan.loss)].kind != kind.QUANTILE


def loss_of(engine: Engine) -> dict[str, Any]:
    """The constants of a kernel that measures the loss: its kind and its option."""
    form = LOSSES[_name(engine.plan.loss)]
    return {"LOSS": form.kind, "OPTION": float(*form.numbers(engine.criterion) or (0.0,))}


class Descent(NamedTuple):
    """An update rule for the kernels: its form, its numbers, its memory, and its coupled and decoupled weight decay."""

    form: Form
    numbers: tuple[float, ...]
    memory: Mapping[str, Tensor]
    coupled: float
    decoupled: float

    @classmethod
    def of(cls, plan: TrainPlan, group: RuleGroup) -> "Descent":
        """The update rule of a plan, which must have a form."""
        rule, form = group.rule, RULES[_name(plan.optimizer)]
        decay = (0.0, rule.weight_decay) if decouples(plan.optimizer, rule) else (rule.weight_decay, 0.0)
        return cls(form, tuple(map(float, form.numbers(rule))), group.memory, *decay)

    @property
    def options(self) -> dict[str, Any]:
        """The constants of a kernel that updates weights."""
        slots = {self.form.slots[name] for name in self.memory}
        is_kept = tuple(place in slots for place in range(3))
        return {"RULE": Known((self.form.kind, self.numbers, is_kept)), "DECAY": self.coupled}

    def places(self, flat: Tensor) -> list[Tensor]:
        """Its three memories; the weights in place of one that it does not have."""
        kept = {self.form.slots[name]: value for name, value in self.memory.items()}
        return [kept.get(place, flat) for place in range(3)]

    def write_settings(self, feed: Feed) -> None:
        """Writes the settings of the next steps as `kernels.items.of_step` reads them."""
        corrections = correction(self.form, self.numbers, feed.numbers)
        feed.settings.copy_(torch.stack([feed.rates, *corrections, 1 - feed.rates * self.decoupled]))


def _name(choice: str | Choice) -> str:
    return Choice.parse(choice).name
