"""Which items have a compiled form, the encoding of their options, and what prevents the compiled body."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, final

from torch import Tensor

from ...find import Choice, layer_family, settings_of
from ...net import NetSpec
from ...optim._base import Optimizer
from ...plan import TrainPlan
from .body import kinds as kind


@final
class Form(NamedTuple):
    """An item's encoding for the body: its kind, the supported options as numbers, and its memory slots.

    `before` are elementwise operations that come before it, each with one of the `numbers`, from the first one on.
    """

    kind: int
    options: tuple[str, ...] = ()
    numbers: Callable[[Any], tuple[float, ...]] = lambda _item: ()
    slots: Mapping[str, int] = {}
    before: tuple[int, ...] = ()


OPERATIONS: Mapping[str, Form] = {
    "linear": Form(kind.LINEAR, ("out_features", "in_features", "bias")),
    "dropout": Form(kind.DROPOUT, ("p",), lambda layer: (layer.p,)),
    "identity": Form(kind.IDENTITY),
    "relu": Form(kind.RELU),
    "tanh": Form(kind.TANH),
    "sigmoid": Form(kind.SIGMOID),
    "leaky_relu": Form(kind.LEAKY_RELU, ("slope",), lambda layer: (layer.slope,)),
    "relu_squared": Form(kind.RELU_SQUARED),
    "elu": Form(kind.ELU, ("alpha",), lambda layer: (layer.alpha,)),
    "selu": Form(kind.SELU),
    "silu": Form(kind.SILU),
    "softplus": Form(kind.SOFTPLUS, ("beta",), lambda layer: (layer.beta,)),
    "gelu": Form(kind.GELU),
    "gelu_tanh": Form(kind.GELU_TANH),
    "hardswish": Form(kind.HARDSWISH),
    "mish": Form(kind.MISH),
}

LAYERS: Mapping[str, Form] = {
    **OPERATIONS,
    "layer_norm": Form(
        kind.LAYER_NORM, ("num_features", "eps", "elementwise_affine", "bias"), lambda layer: (layer.eps,)
    ),
    "rms_norm": Form(kind.RMS_NORM, ("num_features", "eps", "elementwise_affine"), lambda layer: (layer.eps or 0.0,)),
    "batch_norm": Form(
        kind.BATCH_NORM,
        ("num_features", "eps", "momentum", "affine"),
        lambda layer: (layer.eps, layer.momentum or 0.0),
    ),
    "scale": Form(kind.SCALE, ("num_features",)),
    "standardize": Form(
        kind.FACTOR, ("mean", "std"), lambda layer: (-layer.mean, 1.0 / layer.std), before=(kind.SHIFT,)
    ),
    "ntk_linear": Form(
        kind.LINEAR,
        ("out_features", "zero_init", "in_features"),
        lambda layer: (layer.factor,),
        before=(kind.FACTOR,),
    ),
    "celu": Form(
        kind.FACTOR, ("alpha",), lambda layer: (1.0 / layer.alpha, 1.0, layer.alpha), before=(kind.FACTOR, kind.ELU)
    ),
    "relu6": Form(kind.MOST, (), lambda _layer: (0.0, 6.0), before=(kind.RELU,)),
    "hardtanh": Form(
        kind.MOST, ("min_val", "max_val"), lambda layer: (layer.min_val, layer.max_val), before=(kind.LEAST,)
    ),
    "hardsigmoid": Form(
        kind.FACTOR, (), lambda _layer: (3.0, 0.0, 6.0, 1.0 / 6.0), before=(kind.SHIFT, kind.RELU, kind.MOST)
    ),
    "softsign": Form(kind.SOFTSIGN),
    "residual": Form(kind.JOIN, ("layers", "input_shape")),
    "gated": Form(kind.TIMES, ("out_features", "activation", "bias", "in_features")),
    "parametric": Form(kind.MIX, ("num_features", "activation")),
}
"""With those that only the body for small networks supports; `_operations.py` expands the last three."""

LOSSES: Mapping[str, Form] = {
    "mse": Form(kind.MSE),
    "mae": Form(kind.MAE),
    "huber": Form(kind.HUBER, ("delta",), lambda loss: (loss.delta,)),
    "quantile": Form(kind.QUANTILE, ("levels",), lambda loss: _several(loss.levels)),
    "poisson": Form(kind.POISSON),
    "binary_cross_entropy": Form(kind.BINARY_CROSS_ENTROPY, ("label_smoothing",), lambda loss: (loss.label_smoothing,)),
    "hinge": Form(kind.HINGE),
    "cross_entropy": Form(kind.CROSS_ENTROPY, ("label_smoothing",), lambda loss: (loss.label_smoothing,)),
}

MORE_LOSSES: Mapping[str, Form] = {
    **LOSSES,
    "smooth_l1": Form(kind.SMOOTH_L1, ("beta",), lambda loss: (loss.beta,)),
    "gamma": Form(kind.GAMMA),
    "tweedie": Form(kind.TWEEDIE, ("power",), lambda loss: (loss.power,)),
    "gaussian_nll": Form(kind.GAUSSIAN_NLL),
}
"""With those that only the bodies on the CPU support."""

_DECAY = ("weight_decay", "decoupled_weight_decay")

RULES: Mapping[str, Form] = {
    "sgd": Form(
        kind.SGD,
        ("momentum", "nesterov", *_DECAY),
        lambda rule: (rule.momentum, float(rule.nesterov)),
        {"velocity": 0},
    ),
    "adam": Form(kind.ADAM, ("betas", "eps", *_DECAY), lambda rule: (*rule.betas, rule.eps), {"m": 0, "v": 1}),
    "adamw": Form(kind.ADAM, ("betas", "eps", *_DECAY), lambda rule: (*rule.betas, rule.eps), {"m": 0, "v": 1}),
    "adam_hat": Form(kind.ADAM_HAT, ("betas", "eps", *_DECAY), lambda rule: (*rule.betas, rule.eps), {"m": 0, "v": 1}),
    "momentum": Form(
        kind.MOMENTUM,
        ("momentum", "nesterov", *_DECAY),
        lambda rule: (rule.momentum, float(rule.nesterov)),
        {"velocity": 0},
    ),
    "rmsprop": Form(
        kind.RMSPROP,
        ("alpha", "eps", "momentum", "centered", *_DECAY),
        lambda rule: (rule.alpha, rule.eps, rule.momentum, float(rule.centered)),
        {"g": 0, "v": 1, "u": 2},
    ),
    "adagrad": Form(
        kind.ADAGRAD,
        ("lr_decay", "initial_accumulator_value", "eps", *_DECAY),
        lambda rule: (rule.lr_decay, rule.eps),
        {"s": 1},
    ),
    "lion": Form(kind.LION, ("betas", *_DECAY), lambda rule: tuple(rule.betas), {"m": 0}),
    "adadelta": Form(kind.ADADELTA, ("rho", "eps", *_DECAY), lambda rule: (rule.rho, rule.eps), {"v": 1, "u": 2}),
}
"""The slots say which of the three numbers that the body keeps for each parameter is which of the rule's memories."""

_ADAM = ("betas", "eps", "amsgrad", *_DECAY)

FURTHER_RULES: Mapping[str, Form] = {
    "adam": Form(kind.AMSGRAD, _ADAM, lambda rule: (*rule.betas, rule.eps), {"m": 0, "v": 1, "v_max": 2}),
    "adamw": Form(kind.AMSGRAD, _ADAM, lambda rule: (*rule.betas, rule.eps), {"m": 0, "v": 1, "v_max": 2}),
    "nadam": Form(
        kind.NADAM,
        ("betas", "eps", "momentum_decay", *_DECAY),
        lambda rule: (*rule.betas, rule.eps, 0.96**rule.momentum_decay),
        {"m": 0, "v": 1},
    ),
    "schedule_free_adamw": Form(
        kind.SCHEDULE_FREE,
        ("betas", "eps", "warmup_steps", *_DECAY),
        lambda rule: (*rule.betas, rule.eps, rule.warmup_steps),
        {"z": 0, "v": 1},
    ),
    "adamax": Form(kind.ADAMAX, ("betas", "eps", *_DECAY), lambda rule: (*rule.betas, rule.eps), {"m": 0, "u": 1}),
    "radam": Form(kind.RADAM, ("betas", "eps", *_DECAY), lambda rule: (*rule.betas, rule.eps), {"m": 0, "v": 1}),
    "rprop": Form(
        kind.RPROP,
        ("etas", "step_sizes", *_DECAY),
        lambda rule: (*rule.etas, *rule.step_sizes),
        {"last": 0, "size": 1},
    ),
    "muon": Form(
        kind.MUON,
        ("momentum", "nesterov", "ns_steps", "ns_dtype", "adjust_lr", *_DECAY),
        lambda rule: (*rule.rest().betas, rule.rest().eps, rule.momentum),
        {"m": 0, "v": 1},
    ),
}
"""Rules that only the body for small networks supports: Adam and AdamW with `amsgrad`, and the others always."""

DECOUPLED = ("adamw", "lion", "rprop")
"""Rules whose weight decay is always decoupled from the gradient."""


def obstacle(spec: NetSpec, plan: TrainPlan) -> str | None:
    """The first item of a network and a plan without a scalar form, in a phrase; None if all have one."""
    return _unknown_layer(spec.layers, OPERATIONS) or _unknown_of(plan, LOSSES, RULES)


def obstacle_of_small(spec: NetSpec, plan: TrainPlan) -> str | None:
    """The same for the body for small networks on the CPU, which supports more items."""
    return _unknown_layer(spec.layers, LAYERS) or _unknown_of(plan, MORE_LOSSES, small_rules(plan))


def small_rules(plan: TrainPlan) -> Mapping[str, Form]:
    """The table of forms, `RULES` or `FURTHER_RULES`, for the body for small networks."""
    choice = _parsed(plan.optimizer)
    is_plain = choice.name in RULES and not choice.options.get("amsgrad")
    return RULES if is_plain else FURTHER_RULES


def small_rule_form(plan: TrainPlan) -> Form:
    """The form of the update rule for the body for small networks, which must support it."""
    return small_rules(plan)[_parsed(plan.optimizer).name]


def obstacle_of_larger(plan: TrainPlan) -> str | None:
    """What prevents the larger body for a plan; layers and update rules without a scalar form do not."""
    if plan.build_optimizer().repeats:
        return f"optimizer {_parsed(plan.optimizer).name!r} looks at the loss more than once in a step"
    return _unknown("losses", "loss", _parsed(plan.loss), MORE_LOSSES)


def obstacle_to_recording(plan: TrainPlan) -> str | None:
    """What prevents recording steps on a CUDA device; None if nothing does."""
    if plan.micro_batch_size is not None:
        return "it does each batch as a whole, and micro_batch_size asks for parts"
    if plan.build_optimizer().reads_numbers:
        return f"optimizer {_parsed(plan.optimizer).name!r} looks at numbers in every step, which a recorded one cannot"
    return None


def is_activation(choice: Choice) -> bool:
    """Whether a layer is an activation with a scalar form, options included."""
    if _unknown(layer_family(choice.name), "layer", choice, OPERATIONS) is not None:
        return False
    return OPERATIONS[choice.name].kind not in (kind.LINEAR, kind.DROPOUT)


def is_known(choice: Choice) -> bool:
    """Whether the body for small networks supports a layer, options included."""
    return _unknown(layer_family(choice.name), "layer", choice, LAYERS) is None


def decouples(choice: str | Choice, rule: Optimizer) -> bool:
    """Whether a rule's weight decay is decoupled: it shrinks the weights, and is not part of the gradient."""
    return _parsed(choice).name in DECOUPLED or bool(getattr(rule, "decoupled_weight_decay", False))


def correction(form: Form, numbers: Sequence[float], step: Tensor) -> tuple[Tensor, Tensor]:
    """Two factors for the Triton kernels in each `step`, counted from 1; they are 1 for most rules.

    For Adam 1 / (1 - beta1^t) and 1 / sqrt(1 - beta2^t), which correct its means; for Adagrad the decay of its rate.
    """
    if form.kind in (kind.ADAM, kind.ADAM_HAT):
        return 1 / (1 - numbers[0] ** step), (1 - numbers[1] ** step).rsqrt()
    ones = step.new_ones(step.shape)
    return (1 / (1 + (step - 1) * numbers[0]) if form.kind == kind.ADAGRAD else ones), ones


def rule_form(plan: TrainPlan) -> Form | None:
    """The scalar form of the update rule, if it has one."""
    choice = _parsed(plan.optimizer)
    return None if _unknown("optim", "optimizer", choice, RULES) else RULES[choice.name]


def _unknown_layer(layers: Sequence[str | Choice], forms: Mapping[str, Form]) -> str | None:
    """The first layer without a form, including layers inside other layers."""
    for choice in map(_parsed, layers):
        found = _unknown(layer_family(choice.name), "layer", choice, forms)
        inner = choice.options.get("layers", ())
        inner = [*inner, *(choice.options[key] for key in ("activation",) if key in choice.options)]
        found = found or _unknown_layer(inner, forms)
        if found:
            return found
    return None


def _unknown_of(plan: TrainPlan, losses: Mapping[str, Form], rules: Mapping[str, Form]) -> str | None:
    rule = _parsed(plan.optimizer)
    if rule.options.get("ns_dtype", "run") != "run":
        return f"optimizer {rule.name!r} computes in {rule.options['ns_dtype']}"
    return _unknown("losses", "loss", _parsed(plan.loss), losses) or _unknown("optim", "optimizer", rule, rules)


def _unknown(family: str, word: str, choice: Choice, forms: Mapping[str, Form]) -> str | None:
    if choice.name not in forms:
        return f"{word} {choice.name!r} has no scalar form"
    for option in settings_of(family, choice):
        if option not in forms[choice.name].options:
            return f"option {option!r} of {word} {choice.name!r} has no scalar form"
    return None


def _parsed(choice: str | Choice) -> Choice:
    return Choice.parse(choice)


def _several(levels: float | tuple[float, ...]) -> tuple[float, ...]:
    return tuple(levels) if isinstance(levels, tuple | list) else (levels,)
