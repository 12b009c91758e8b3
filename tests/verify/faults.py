"""Engines with one fault each, planted from outside: what a person gets wrong when writing the loop by hand."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from fivestep.draws import Draws
from fivestep.engines._base import FiveStepEngine
from fivestep.layer import Layer, Memo
from tests.samples import small_engine
from tests.verify.samples import net, plan_for

Plant = Callable[[FiveStepEngine], None]


@dataclass(frozen=True)
class Fault:
    """How the fault is planted, where it must be found (step, part, tensor) and what the reason must say."""

    name: str
    plant: Plant
    found: tuple[int, int, str]
    reason: str
    layers: tuple[str, ...] = ("linear:out_features=5", "tanh", "linear:out_features=5", "tanh", "linear")
    plan: Mapping[str, Any] = field(default_factory=dict)
    weighted: bool = False

    def __str__(self) -> str:
        return self.name

    def engines(self) -> tuple[FiveStepEngine, FiveStepEngine]:
        """The faulty engine, and the right one."""
        plan = plan_for(**self.plan)
        faulty, right = (small_engine(name, plan, net(*self.layers)) for name in ("scratch", "nn"))
        self.plant(faulty)
        return faulty, right


class Wrong:
    """An object with some of its methods replaced; everything else is the object's own."""

    def __init__(self, of: Any, **methods: Callable[..., Any]) -> None:
        self.__dict__ |= {"of": of, **methods}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.of, name)


def in_layer(k: int, **methods: Callable[[Layer], Callable[..., Tensor]]) -> Plant:
    """Replaces methods of layer k, each by what a function makes of the layer."""

    def plant(engine: FiveStepEngine) -> None:
        layers: list[Any] = list(engine.layers)
        layers[k] = Wrong(layers[k], **{name: make(layers[k]) for name, make in methods.items()})
        engine.layers = tuple(layers)

    return plant


def in_loss(**methods: Callable[[Any], Callable[..., Tensor]]) -> Plant:
    """Replaces methods of the loss."""

    def plant(engine: FiveStepEngine) -> None:
        own: Any = engine.criterion
        engine.criterion = Wrong(own, **{name: make(own) for name, make in methods.items()})  # type: ignore[assignment]

    return plant


def in_engine(name: str, make: Callable[[FiveStepEngine], Callable[..., Any]]) -> Plant:
    """Replaces one of the five methods."""
    return lambda engine: setattr(engine, name, make(engine))


# 1  forward


def without_bias(layer: Layer) -> Callable[..., Tensor]:
    return lambda w, x, memo: layer.forward({**w, "bias": torch.zeros_like(w["bias"])}, x, memo)


def transposed_weight(layer: Layer) -> Callable[..., Tensor]:
    return lambda w, x, memo: layer.forward({**w, "weight": w["weight"].T}, x, memo)


def activation_forgotten(_layer: Layer) -> Callable[..., Tensor]:
    return lambda w, x, memo: memo.update(z=x, a=x) or x


def another_activation(_layer: Layer) -> Callable[..., Tensor]:
    return lambda w, x, memo: memo.update(z=x, a=x.relu()) or x.relu()


def in_evaluation_mode(layer: Layer) -> Callable[..., Tensor]:
    return lambda w, x, memo: layer.forward(w, x, Memo(training=False)).clone()


def unscaled_mask(layer: Any) -> Callable[..., Tensor]:
    return lambda w, x, memo: layer.forward(w, x, memo) * (1 - layer.p)


def drawn_at(shift: int) -> Callable[[Layer], Callable[..., Tensor]]:
    """The mask of another step, which the layer counts by itself."""

    def make(layer: Layer) -> Callable[..., Tensor]:
        draws = Draws(seed=1)
        draws.step = shift

        def forward(w: Mapping[str, Tensor], x: Tensor, memo: Memo) -> Tensor:
            other = Memo(training=True, draws=draws, layer=2)
            y = layer.forward(w, x, other)
            memo.update(other)
            draws.step += 1
            return y

        return forward

    return make


def biased_running_variance(layer: Layer) -> Callable[..., Tensor]:
    def forward(w: Mapping[str, Tensor], x: Tensor, memo: Memo) -> Tensor:
        before = w["running_var"].clone()
        y = layer.forward(w, x, memo)
        w["running_var"].copy_(0.9 * before + (w["running_var"] - 0.9 * before) * (len(x) - 1) / len(x))
        return y

    return forward


def running_statistics_forgotten(layer: Layer) -> Callable[..., Tensor]:
    def forward(w: Mapping[str, Tensor], x: Tensor, memo: Memo) -> Tensor:
        before = w["running_mean"].clone()
        y = layer.forward(w, x, memo)
        w["running_mean"].copy_(before)
        return y

    return forward


def without_eps(layer: Any) -> Callable[..., Tensor]:
    return lambda w, x, memo: replace(layer, eps=1e-12).forward(w, x, memo)


def weights_moved(layer: Layer) -> Callable[..., Tensor]:
    def forward(w: Mapping[str, Tensor], x: Tensor, memo: Memo) -> Tensor:
        y = layer.forward(w, x, memo)
        w["weight"].mul_(0.999)
        return y

    return forward


# 2  loss


def summed(loss: Any) -> Callable[..., Tensor]:
    return lambda logits, y, weight, memo: loss.rows(logits, y, memo).sum()


def summed_over_outputs(loss: Any) -> Callable[..., Tensor]:
    return lambda logits, y, weight, memo: (logits - y).square().sum(1).mean()


def rows_unweighted(loss: Any) -> Callable[..., Tensor]:
    return lambda logits, y, weight, memo: loss.rows(logits, y, memo).mean()


def with_penalty(engine: FiveStepEngine) -> Callable[..., Tensor]:
    own = engine.loss
    return lambda logits, y, weight=None: (
        own(logits, y, weight) + 0.05 * sum(w.square().sum() for w in engine.named_parameters().values())
    )


def absolute_errors(_loss: Any) -> Callable[..., Tensor]:
    return lambda logits, y, weight, memo: (logits - y).abs().mean()


# 3  zero_grad


def matrices_only(engine: FiveStepEngine) -> Callable[..., None]:
    def zero_grad() -> None:
        for gradient in engine.named_gradients().values():
            if gradient.dim() > 1:
                gradient.zero_()

    return zero_grad


# 4  backward


def without_division(loss: Any) -> Callable[..., Tensor]:
    return lambda logits, y, weight, memo: loss.gradient(logits, y, memo)


def times(factor: float) -> Callable[[Any], Callable[..., Tensor]]:
    return lambda loss: lambda logits, y, weight, memo: loss.logits_gradient(logits, y, weight, memo) * factor


def gradient_unweighted(loss: Any) -> Callable[..., Tensor]:
    return lambda logits, y, weight, memo: loss.logits_gradient(logits, y, None, memo)


def without_last_row(loss: Any) -> Callable[..., Tensor]:
    def gradient(logits: Tensor, y: Tensor, weight: Tensor | None, memo: Memo) -> Tensor:
        dz = loss.logits_gradient(logits, y, weight, memo)
        dz[-1] = 0
        return dz

    return gradient


def bias_gradient_forgotten(layer: Layer) -> Callable[..., Tensor]:
    return lambda w, dw, dy, memo, need_dx=True: layer.backward(
        w, {**dw, "bias": torch.zeros_like(dw["bias"])}, dy, memo, need_dx
    )


def bias_gradient_averaged(layer: Layer) -> Callable[..., Tensor]:
    def backward(w: Any, dw: Any, dy: Tensor, memo: Memo, need_dx: bool = True) -> Tensor:
        own = torch.zeros_like(dw["bias"])
        dx = layer.backward(w, {**dw, "bias": own}, dy, memo, need_dx)
        dw["bias"].add_(own / len(dy))
        return dx

    return backward


def weight_gradient(change: Callable[[Tensor], Tensor]) -> Callable[[Layer], Callable[..., Tensor]]:
    def make(layer: Layer) -> Callable[..., Tensor]:
        def backward(w: Any, dw: Any, dy: Tensor, memo: Memo, need_dx: bool = True) -> Tensor:
            own = torch.zeros_like(dw["weight"])
            dx = layer.backward(w, {**dw, "weight": own}, dy, memo, need_dx)
            dw["weight"].add_(change(own))
            return dx

        return backward

    return make


def handed_down_by(product: Callable[[Tensor, Any], Tensor]) -> Callable[[Layer], Callable[..., Tensor]]:
    """The layer's own gradients are right; what it hands to the layer below is not."""

    def make(layer: Layer) -> Callable[..., Tensor]:
        def backward(w: Any, dw: Any, dy: Tensor, memo: Memo, need_dx: bool = True) -> Tensor:
            kept = dy.clone()
            layer.backward(w, dw, dy, memo, need_dx)
            return product(kept, w)

        return backward

    return make


def derivative_forgotten(_layer: Layer) -> Callable[..., Tensor]:
    return lambda w, dw, dy, memo, need_dx=True: dy


def derivative_at_a(layer: Any) -> Callable[..., Tensor]:
    return lambda w, dw, dy, memo, need_dx=True: dy * (1 - torch.tanh(memo["a"]) ** 2)


def stale(layer: Layer) -> Callable[..., Tensor]:
    """Backward reads what forward kept one step ago."""
    kept: list[Memo] = []

    def backward(w: Any, dw: Any, dy: Tensor, memo: Memo, need_dx: bool = True) -> Tensor:
        now = Memo(training=True)
        now.update({name: value.clone() for name, value in memo.items()})
        kept.append(now)
        return layer.backward(w, dw, dy, kept[max(0, len(kept) - 2)], need_dx)

    return backward


def unscaled_on_the_way_back(layer: Any) -> Callable[..., Tensor]:
    return lambda w, dw, dy, memo, need_dx=True: layer.backward(w, dw, dy, memo, need_dx) * (1 - layer.p)


def statistics_taken_for_constants(layer: Layer) -> Callable[..., Tensor]:
    def backward(w: Any, dw: Any, dy: Tensor, memo: Memo, need_dx: bool = True) -> Tensor:
        layer.backward(w, dw, dy.clone(), memo, need_dx)
        return dy * w["weight"] * memo["scale"]

    return backward


def gradient_of_the_step_before(engine: FiveStepEngine) -> Callable[..., None]:
    own, kept = engine.backward, []

    def backward() -> None:
        own()
        kept.append(engine.params.grad.clone())
        engine.params.grad.copy_(kept[max(0, len(kept) - 2)])

    return backward


# 5  update


Rule = Callable[[Tensor, Tensor, dict[str, Tensor], float, int], None]


def by_rule(rule: Rule) -> Plant:
    """The update by a rule of its own: w, dw, memory, learning rate, step (from 1)."""

    def make(engine: FiveStepEngine) -> Callable[..., None]:
        memory: dict[str, Tensor] = {}

        def update(again: Any = None) -> None:
            rule(engine.params.flat, engine.params.grad, memory, engine.lr, engine.num_updates + 1)
            engine.draws.step += 1

        return update

    return in_engine("update", make)


def adam(
    w: Tensor, dw: Tensor, memory: dict[str, Tensor], lr: float, correct: tuple[int, int] | None, eps: str
) -> None:
    """Adam with its bias corrections for steps `correct` of m and v, and eps in one of two places."""
    m = memory["m"] = 0.9 * memory.get("m", torch.zeros_like(w)) + 0.1 * dw
    v = memory["v"] = 0.999 * memory.get("v", torch.zeros_like(w)) + 0.001 * dw * dw
    if correct is not None:
        m, v = m / (1 - 0.9 ** correct[0]), v / (1 - 0.999 ** correct[1])
    w -= lr * m / ((v + 1e-8).sqrt() if eps == "inside" else v.sqrt() + 1e-8)


def eps_inside_the_root(w: Tensor, dw: Tensor, memory: dict[str, Tensor], lr: float, step: int) -> None:
    adam(w, dw, memory, lr, (step, step), "inside")


def eps_inside_the_root_of_v(w: Tensor, dw: Tensor, memory: dict[str, Tensor], lr: float, step: int) -> None:
    """Before the bias correction of v, so that eps counts a thousand times as much in the first step."""
    m = memory["m"] = 0.9 * memory.get("m", torch.zeros_like(w)) + 0.1 * dw
    v = memory["v"] = 0.999 * memory.get("v", torch.zeros_like(w)) + 0.001 * dw * dw
    w -= lr * (m / (1 - 0.9**step)) / ((v.sqrt() + 1e-8) / math.sqrt(1 - 0.999**step))


def without_bias_correction(w: Tensor, dw: Tensor, memory: dict[str, Tensor], lr: float, step: int) -> None:
    adam(w, dw, memory, lr, None, "outside")


def bias_correction_one_ahead(w: Tensor, dw: Tensor, memory: dict[str, Tensor], lr: float, step: int) -> None:
    adam(w, dw, memory, lr, (step + 1, step + 1), "outside")


def momentum_forgotten(w: Tensor, dw: Tensor, memory: dict[str, Tensor], lr: float, step: int) -> None:
    w -= lr * dw


def stale_momentum(w: Tensor, dw: Tensor, memory: dict[str, Tensor], lr: float, step: int) -> None:
    """Moves along the velocity of the step before, and only then brings it up to date."""
    before = memory.get("v", dw.clone())
    memory["v"] = dw.clone() if step == 1 else 0.9 * before + dw
    w -= lr * before


def dampened_momentum(w: Tensor, dw: Tensor, memory: dict[str, Tensor], lr: float, step: int) -> None:
    """The first velocity is the gradient; those after it take a tenth of it, as in a moving average."""
    memory["v"] = dw.clone() if step == 1 else 0.9 * memory["v"] + 0.1 * dw
    w -= lr * memory["v"]


def nesterov_forgotten(w: Tensor, dw: Tensor, memory: dict[str, Tensor], lr: float, step: int) -> None:
    memory["v"] = 0.9 * memory.get("v", torch.zeros_like(w)) + dw
    w -= lr * memory["v"]


def decay_forgotten(w: Tensor, dw: Tensor, memory: dict[str, Tensor], lr: float, step: int) -> None:
    w -= lr * dw


def uphill(w: Tensor, dw: Tensor, memory: dict[str, Tensor], lr: float, step: int) -> None:
    w += lr * dw


def without_learning_rate(w: Tensor, dw: Tensor, memory: dict[str, Tensor], lr: float, step: int) -> None:
    w -= dw


def rate_of_the_step_before(w: Tensor, dw: Tensor, memory: dict[str, Tensor], lr: float, step: int) -> None:
    rate = memory.get("lr", torch.tensor(lr, dtype=torch.float64))
    memory["lr"] = torch.tensor(lr, dtype=torch.float64)
    w -= float(rate) * dw


def twice(engine: FiveStepEngine) -> Callable[..., None]:
    own = engine.update

    def update(again: Any = None) -> None:
        own()
        own()
        engine.draws.step -= 1

    return update


def biases_stay(engine: FiveStepEngine) -> Callable[..., None]:
    own = engine.update

    def update(again: Any = None) -> None:
        biases = {name: w.clone() for name, w in engine.named_parameters().items() if name.endswith("bias")}
        own()
        for name, w in biases.items():
            engine.named_parameters()[name].copy_(w)

    return update


def clipped_by_tensor(engine: FiveStepEngine) -> Callable[..., None]:
    def update(again: Any = None) -> None:
        for gradient in engine.named_gradients().values():
            gradient.mul_((0.1 / (gradient.norm() + 1e-6)).clamp(max=1.0))
        engine.params.flat -= engine.lr * engine.params.grad
        engine.draws.step += 1

    return update


def in_half_precision(engine: FiveStepEngine) -> Callable[..., None]:
    own = engine.update

    def update(again: Any = None) -> None:
        own()
        engine.params.flat.copy_(engine.params.flat.float())

    return update


BATCH_NORM = ("linear:out_features=5,bias=false", "batch_norm", "tanh", "linear")
LAYER_NORM = ("linear:out_features=5", "layer_norm", "tanh", "linear")
DROPOUT = ("linear:out_features=6", "tanh", "dropout:p=0.5", "linear")
NUMBERS = {"loss": "mse"}

FAULTS = [
    Fault(
        "forward without the bias", in_layer(2, forward=without_bias), (1, 1, "logits"), "bias is left out of layer 2"
    ),
    Fault(
        "forward with a transposed weight",
        in_layer(2, forward=transposed_weight),
        (1, 1, "logits"),
        "weight is transposed in layer 2",
    ),
    Fault(
        "an activation forgotten",
        in_layer(3, forward=activation_forgotten),
        (1, 1, "logits"),
        "nothing is done by layer 3",
    ),
    Fault("another activation", in_layer(1, forward=another_activation), (1, 1, "logits"), "relu in place of layer 1"),
    Fault(
        "a mask that stays that of the step before",
        in_layer(2, forward=drawn_at(-1)),
        (1, 1, "logits"),
        "different mask, that of the step before, in layer 2",
        DROPOUT,
    ),
    Fault(
        "a mask without its scale",
        in_layer(2, forward=unscaled_mask),
        (1, 1, "logits"),
        "not divided by 1 - p in layer 2",
        DROPOUT,
    ),
    Fault(
        "dropout in evaluation mode",
        in_layer(2, forward=in_evaluation_mode),
        (1, 1, "logits"),
        "evaluation mode, .* layer 2",
        DROPOUT,
    ),
    Fault(
        "batch norm with running statistics",
        in_layer(1, forward=in_evaluation_mode),
        (1, 1, "logits"),
        "evaluation mode, .* layer 1",
        BATCH_NORM,
    ),
    Fault(
        "a running variance divided by N",
        in_layer(1, forward=biased_running_variance),
        (1, 1, "1.running_var"),
        "divided by the 10 rows",
        BATCH_NORM,
    ),
    Fault(
        "running statistics forgotten",
        in_layer(1, forward=running_statistics_forgotten),
        (1, 1, "1.running_mean"),
        "not keep 1.running_mean up to date",
        BATCH_NORM,
    ),
    Fault(
        "layer norm with another eps",
        in_layer(1, forward=without_eps),
        (1, 1, "logits"),
        "eps = 1e-12 in layer 1",
        LAYER_NORM,
    ),
    Fault(
        "forward that moves a weight",
        in_layer(0, forward=weights_moved),
        (1, 1, "0.weight"),
        "forward has changed a parameter",
    ),
    Fault("a loss that is a sum", in_loss(value=summed), (1, 2, "loss"), "losses of the 10 rows are added up"),
    Fault(
        "a mean over the wrong axis",
        in_loss(value=summed_over_outputs),
        (1, 2, "loss"),
        "losses of the 3 outputs are added up",
        plan=NUMBERS,
    ),
    Fault(
        "row weights left out of the loss",
        in_loss(value=rows_unweighted),
        (1, 2, "loss"),
        "weights of the rows are left out",
        weighted=True,
    ),
    Fault(
        "a penalty in the loss",
        in_engine("loss", with_penalty),
        (1, 2, "loss"),
        "penalty of weight decay is part of the loss",
        plan={"weight_decay": 0.1},
    ),
    Fault(
        "another loss", in_loss(value=absolute_errors), (1, 2, "loss"), "this is mae, where mse is due", plan=NUMBERS
    ),
    Fault(
        "zero_grad forgotten",
        in_engine("zero_grad", lambda _engine: lambda: None),
        (2, 3, "gradient of 0.weight"),
        "not cleared: what the last step left",
    ),
    Fault(
        "zero_grad for matrices only",
        in_engine("zero_grad", matrices_only),
        (2, 3, "gradient of 0.bias"),
        "not cleared: what the last step left",
    ),
    Fault(
        "a missing 1/N",
        in_loss(logits_gradient=without_division),
        (1, 4, "gradient of 4.weight"),
        "10 times what is due, the number of rows: the division by 10 is missing",
    ),
    Fault(
        "a wrong sign in the gradient",
        in_loss(logits_gradient=times(-1)),
        (1, 4, "gradient of 4.weight"),
        "the sign is wrong",
    ),
    Fault(
        "a factor 2 forgotten",
        in_loss(logits_gradient=times(0.5)),
        (1, 4, "gradient of 4.weight"),
        "0.5 times what is due",
        plan=NUMBERS,
    ),
    Fault(
        "row weights left out of the gradient",
        in_loss(logits_gradient=gradient_unweighted),
        (1, 4, "gradient of 4.weight"),
        "weights of the rows are left out",
        weighted=True,
    ),
    Fault(
        "a row left out of the gradient",
        in_loss(logits_gradient=without_last_row),
        (1, 4, "gradient of 4.weight"),
        "last row of the batch is left out",
    ),
    Fault(
        "a bias without a gradient",
        in_layer(2, backward=bias_gradient_forgotten),
        (1, 4, "gradient of 2.bias"),
        "0 everywhere",
    ),
    Fault(
        "a bias gradient that is a mean",
        in_layer(0, backward=bias_gradient_averaged),
        (1, 4, "gradient of 0.bias"),
        "division by the number of rows is done twice",
    ),
    Fault(
        "a weight gradient transposed",
        in_layer(2, backward=weight_gradient(lambda dw: dw.T)),
        (1, 4, "gradient of 2.weight"),
        "it is transposed",
    ),
    Fault(
        "a weight gradient reshaped",
        in_layer(0, backward=weight_gradient(lambda dw: dw.T.reshape(dw.shape))),
        (1, 4, "gradient of 0.weight"),
        "transposed and then reshaped",
    ),
    Fault(
        "a product with W^T on the way back",
        in_layer(2, backward=handed_down_by(lambda dy, w: dy @ w["weight"].T)),
        (1, 4, "gradient of 0.weight"),
        "weight is transposed on the way back through layer 2",
    ),
    Fault(
        "a derivative forgotten",
        in_layer(1, backward=derivative_forgotten),
        (1, 4, "gradient of 0.weight"),
        "derivative is left out in layer 1",
    ),
    Fault(
        "a derivative at the wrong place",
        in_layer(3, backward=derivative_at_a),
        (1, 4, "gradient of 2.weight"),
        "derivative is .* layer 3",
    ),
    Fault(
        "a stale activation",
        in_layer(1, backward=stale),
        (2, 4, "gradient of 0.weight"),
        "remembered is of the batch before in layer 1",
    ),
    Fault(
        "a stale input",
        in_layer(0, backward=stale),
        (2, 4, "gradient of 0.weight"),
        "remembered is of the batch before in layer 0",
    ),
    Fault(
        "dropout without its mask on the way back",
        in_layer(2, backward=derivative_forgotten),
        (1, 4, "gradient of 0.weight"),
        "derivative is left out in layer 2",
        DROPOUT,
    ),
    Fault(
        "dropout without its scale on the way back",
        in_layer(2, backward=unscaled_on_the_way_back),
        (1, 4, "gradient of 0.weight"),
        "0.5 times what is due",
        DROPOUT,
    ),
    Fault(
        "batch norm's statistics taken for constants",
        in_layer(1, backward=statistics_taken_for_constants),
        (1, 4, "gradient of 0.weight"),
        "constants on the way back through layer 1",
        BATCH_NORM,
    ),
    Fault(
        "layer norm's statistics taken for constants",
        in_layer(1, backward=statistics_taken_for_constants),
        (1, 4, "gradient of 0.weight"),
        "constants on the way back through layer 1",
        LAYER_NORM,
    ),
    Fault(
        "the gradient of the step before",
        in_engine("backward", gradient_of_the_step_before),
        (2, 4, "gradient of 4.weight"),
        "gradient of the step before",
    ),
    Fault(
        "Adam's eps inside the root",
        by_rule(eps_inside_the_root),
        (1, 5, "0.weight"),
        "eps stands in another place",
        plan={"optimizer": "adam"},
    ),
    Fault(
        "Adam's eps before the bias correction",
        by_rule(eps_inside_the_root_of_v),
        (1, 5, "0.weight"),
        "eps stands in another place",
        plan={"optimizer": "adam"},
    ),
    Fault(
        "Adam without bias correction",
        by_rule(without_bias_correction),
        (1, 5, "0.weight"),
        "correction of the bias of the means is missing",
        plan={"optimizer": "adam"},
    ),
    Fault(
        "Adam's bias correction one step ahead",
        by_rule(bias_correction_one_ahead),
        (1, 5, "0.weight"),
        "is one step ahead",
        plan={"optimizer": "adam"},
    ),
    Fault(
        "momentum forgotten",
        by_rule(momentum_forgotten),
        (2, 5, "0.weight"),
        r"0 times the last update \(due: 0.9 times\)",
        plan={"momentum": 0.9},
    ),
    Fault(
        "a stale momentum",
        by_rule(stale_momentum),
        (2, 5, "0.weight"),
        "update of the step before: what the rule remembers is one step old",
        plan={"momentum": 0.9},
    ),
    Fault(
        "momentum as a moving average",
        by_rule(dampened_momentum),
        (2, 5, "0.weight"),
        r"-0.01 times the gradient \(due: -0.1 times\)",
        plan={"momentum": 0.9},
    ),
    Fault(
        "Nesterov's look ahead forgotten",
        by_rule(nesterov_forgotten),
        (1, 5, "0.weight"),
        "0.5263 times what is due",
        plan={"momentum": 0.9, "nesterov": True},
    ),
    Fault(
        "weight decay forgotten",
        by_rule(decay_forgotten),
        (1, 5, "0.weight"),
        r"0 times the weights \(due: -0.01 times\)",
        plan={"weight_decay": 0.1},
    ),
    Fault(
        "weight decay on a bias",
        by_rule(lambda w, dw, memory, lr, step: w.sub_(lr * (dw + 0.1 * w))),
        (1, 5, "0.bias"),
        r"-0.01 times the weights \(due: 0 times\)",
        plan={"weight_decay": 0.1, "no_decay": ("bias",)},
    ),
    Fault("a step uphill", by_rule(uphill), (1, 5, "0.weight"), "the sign is wrong: the step goes uphill"),
    Fault(
        "a step without the learning rate",
        by_rule(without_learning_rate),
        (1, 5, "0.weight"),
        "not multiplied by the learning rate",
    ),
    Fault(
        "a schedule one step late",
        by_rule(rate_of_the_step_before),
        (2, 5, "0.weight"),
        "learning rate is that of the step before",
        plan={"schedule": "cosine"},
    ),
    Fault("an update done twice", in_engine("update", twice), (1, 5, "0.weight"), "done twice"),
    Fault("biases that are not updated", in_engine("update", biases_stay), (1, 5, "0.bias"), "not updated"),
    Fault(
        "a norm for each tensor",
        in_engine("update", clipped_by_tensor),
        (1, 5, "0.weight"),
        "clipped by the norm of each tensor",
        plan={"clip_norm": 0.1},
    ),
    Fault("weights kept in float32", in_engine("update", in_half_precision), (1, 5, "0.weight"), "rounded to float32"),
]
