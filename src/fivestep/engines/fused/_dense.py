"""What kernels of our own ask of a network: its linear layers with their activations, and the numbers of its update."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from ...layers.linear import Linear
from ...losses._base import Loss
from ...losses.binary_cross_entropy import BinaryCrossEntropy
from ...losses.cross_entropy import CrossEntropy
from ...losses.mse import MSE
from ...optim._base import Optimizer
from ...optim.adam import Adam
from ...optim.adamw import AdamW
from ...optim.sgd import SGD
from .._base import Engine
from ._feed import Feed

LOSSES: dict[type[Loss], int] = {CrossEntropy: 0, MSE: 1, BinaryCrossEntropy: 2}


class Dense(NamedTuple):
    """A linear layer with the activation behind it: where it stands, its weights, its kind as a kernel numbers it."""

    place: int
    weight: Tensor
    bias: Tensor
    kind: int


def dense(engine: Engine, kinds: dict[str, int]) -> list[Dense]:
    """The linear layers of a network, each with the activation behind it."""
    names = [choice.name for choice in engine.spec.layers]
    each = enumerate(zip(names, [*names[1:], "linear"], engine.params.weights, strict=True))
    return [Dense(k, w["weight"], w["bias"], kinds.get(next_, 0)) for k, (name, next_, w) in each if name == "linear"]


def is_dense(engine: Engine, kinds: dict[str, int]) -> bool:
    """Whether a network is linear layers with biases, two or more, and one of these activations behind some of them."""
    spec, plan = engine.spec, engine.plan
    names = [choice.name for choice in spec.layers]
    pairs = zip(["", *names], names, strict=False)
    return (
        names.count("linear") >= 2
        and names[-1] == "linear"
        and all(name == "linear" or (name in kinds and before == "linear") for before, name in pairs)
        and all(not choice.options for choice in spec.layers if choice.name in kinds)
        and all(layer.bias for layer in engine.layers if isinstance(layer, Linear))
        and plan.clip_norm is None
        and plan.clip_value is None
        and plan.ema is None
        and not (plan.l2 or plan.lr_factors or plan.no_decay)
    )


def has_formula(item: Loss | Optimizer) -> bool:
    """Whether the kernels know a loss, or an update rule, with the options that it has."""
    if isinstance(item, Loss):
        return type(item) in LOSSES and not getattr(item, "label_smoothing", 0.0)
    if isinstance(item, SGD):
        return not item.momentum
    return isinstance(item, Adam | AdamW) and not item.amsgrad


class Descent(NamedTuple):
    """An update rule as the kernels take it: Adam's or plain descent, what of it never changes."""

    is_adam: bool
    beta1: float
    beta2: float
    eps: float
    coupled: float
    decoupled: float

    @classmethod
    def of(cls, rule: Optimizer) -> "Descent":
        """That of a rule that has a formula."""
        assert isinstance(rule, SGD | Adam | AdamW)
        is_decoupled = isinstance(rule, AdamW) or rule.decoupled_weight_decay
        decay = (0.0, rule.weight_decay) if is_decoupled else (rule.weight_decay, 0.0)
        if isinstance(rule, SGD):
            return cls(False, 0.0, 0.0, 0.0, *decay)
        return cls(True, *rule.betas, rule.eps, *decay)

    @property
    def options(self) -> dict[str, Any]:
        """The constants of a kernel that descends."""
        names = ("RULE", "BETA1", "BETA2", "EPS", "DECAY")
        return dict(zip(names, (int(self.is_adam), *self[1:5]), strict=True))

    def settle(self, feed: Feed) -> None:
        """Writes `settings` of the next steps: the rate, the root of Adam's correction, the share of w that stays."""
        rates, t = feed.rates, feed.numbers
        shrink, root = 1 - rates * self.decoupled, torch.ones_like(rates)
        if self.is_adam:
            rates, root = rates / (1 - self.beta1**t), (1 - self.beta2**t).sqrt()
        feed.settings.copy_(torch.stack([rates, root, shrink]))
