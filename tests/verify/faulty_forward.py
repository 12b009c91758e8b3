"""What goes wrong in step 1."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from fivestep.draws import Draws
from fivestep.layer import Layer, Memo
from tests.verify.planting import (
    BATCH_NORM,
    DROPOUT,
    LAYER_NORM,
    Fault,
    in_layer,
)


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


def sample_variance(layer: Any) -> Callable[..., Tensor]:
    """The deviation that `torch.std` has by default: over one less than there are numbers."""

    def forward(w: Mapping[str, Tensor], x: Tensor, memo: Memo) -> Tensor:
        layer.forward(w, x, memo)
        axis = -1 if layer.is_row_by_row else 0
        n = (x - x.mean(axis, keepdim=True)) / (x.var(axis, keepdim=True) + layer.eps).sqrt()
        return n * w["weight"] + w["bias"]

    return forward


def eps_outside_the_root(layer: Any) -> Callable[..., Tensor]:
    def forward(w: Mapping[str, Tensor], x: Tensor, memo: Memo) -> Tensor:
        layer.forward(w, x, memo)
        n = (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True, unbiased=False) + layer.eps)
        return n * w["weight"] + w["bias"]

    return forward


def weights_moved(layer: Layer) -> Callable[..., Tensor]:
    def forward(w: Mapping[str, Tensor], x: Tensor, memo: Memo) -> Tensor:
        y = layer.forward(w, x, memo)
        w["weight"].mul_(0.999)
        return y

    return forward


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
        "batch norm by the sample variance",
        in_layer(1, forward=sample_variance),
        (1, 1, "logits"),
        "variance is divided by one less .* layer 1",
        BATCH_NORM,
    ),
    Fault(
        "layer norm by the sample variance",
        in_layer(1, forward=sample_variance),
        (1, 1, "logits"),
        "variance is divided by one less .* layer 1",
        LAYER_NORM,
    ),
    Fault(
        "layer norm's eps outside the root",
        in_layer(1, forward=eps_outside_the_root),
        (1, 1, "logits"),
        "eps is added to the root, where it is due inside, in layer 1",
        LAYER_NORM,
    ),
    Fault(
        "forward that moves a weight",
        in_layer(0, forward=weights_moved),
        (1, 1, "0.weight"),
        "forward has changed a parameter",
    ),
]
