"""What goes wrong in step 4."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from fivestep.engines._base import FiveStepEngine
from fivestep.layer import Layer, Memo
from tests.verify.planting import BATCH_NORM, DROPOUT, LAYER_NORM, NUMBERS, Fault, in_engine, in_layer, in_loss


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


FAULTS = [
    Fault(
        "a missing 1/N",
        in_loss(logits_gradient=without_division),
        (1, 4, "gradient of 4.weight"),
        "10 times what is due, the number of rows: the division by 10 is missing",
    ),
    Fault(
        "a gradient over one row less",
        in_loss(logits_gradient=times(10 / 9)),
        (1, 4, "gradient of 4.weight"),
        "1.111 times what is due, 10 / 9: it is divided by one less than the number of rows",
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
        "a product with W^T in the backward pass",
        in_layer(2, backward=handed_down_by(lambda dy, w: dy @ w["weight"].T)),
        (1, 4, "gradient of 0.weight"),
        "weight is transposed in the backward pass of layer 2",
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
        "dropout without its mask in the backward pass",
        in_layer(2, backward=derivative_forgotten),
        (1, 4, "gradient of 0.weight"),
        "derivative is left out in layer 2",
        DROPOUT,
    ),
    Fault(
        "dropout without its scale in the backward pass",
        in_layer(2, backward=unscaled_on_the_way_back),
        (1, 4, "gradient of 0.weight"),
        "0.5 times what is due",
        DROPOUT,
    ),
    Fault(
        "batch norm's statistics taken for constants",
        in_layer(1, backward=statistics_taken_for_constants),
        (1, 4, "gradient of 0.weight"),
        "constants in the backward pass of layer 1",
        BATCH_NORM,
    ),
    Fault(
        "layer norm's statistics taken for constants",
        in_layer(1, backward=statistics_taken_for_constants),
        (1, 4, "gradient of 0.weight"),
        "constants in the backward pass of layer 1",
        LAYER_NORM,
    ),
    Fault(
        "the gradient of the step before",
        in_engine("backward", gradient_of_the_step_before),
        (2, 4, "gradient of 4.weight"),
        "gradient of the step before",
    ),
]
