"""Each layer and activation in evaluation mode as ONNX operations, by the formula in its own file.

Each has a function, keyed by its file's name, from (graph, layer, weights, x) to the name of y.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ..check import InputError
from ..find import Choice
from ..layer import Layer, kind_of
from ..layers._composite import within
from ..typing import Tensors
from ._graph import Graph

FLOAT32_EPS = float(np.finfo(np.float32).eps)

Convert = Callable[[Graph, Any, Tensors, str], str]


def convert(graph: Graph, layer: Layer, w: Tensors, x: str) -> str:
    """The name of a layer's output; raises an `InputError` for a layer without a function here."""
    kind = kind_of(layer)
    if kind not in CONVERTERS:
        raise InputError(
            f"a network must consist of layers known to ONNX, got {Choice(kind).name!r}; export it with --to torch."
        )
    return CONVERTERS[kind](graph, layer, w, x)


def _operation(name: str, **attributes: Any) -> Convert:
    """An activation that is one operation."""
    return lambda graph, _layer, _w, x: graph.add(name, x, **attributes)


def _identity(graph: Graph, layer: Layer, w: Tensors, x: str) -> str:
    return x


def _linear(graph: Graph, layer: Any, w: Tensors, x: str) -> str:
    z = graph.add("MatMul", x, graph.constant(w["weight"].T))
    return graph.add("Add", z, graph.constant(w["bias"])) if "bias" in w else z


def _ntk_linear(graph: Graph, layer: Any, w: Tensors, x: str) -> str:
    return _linear(graph, layer, w, graph.add("Mul", x, graph.constant(layer.factor)))


def _silu(graph: Graph, layer: Any, w: Tensors, x: str) -> str:
    return graph.add("Mul", x, graph.add("Sigmoid", x))


def _elu(graph: Graph, layer: Any, w: Tensors, x: str) -> str:
    return graph.add("Elu", x, alpha=layer.alpha)


def _celu(graph: Graph, layer: Any, w: Tensors, x: str) -> str:
    return graph.add("Celu", x, alpha=layer.alpha)


def _hardtanh(graph: Graph, layer: Any, w: Tensors, x: str) -> str:
    return graph.add("Clip", x, graph.constant(float(layer.min_val)), graph.constant(float(layer.max_val)))


def _relu6(graph: Graph, layer: Layer, w: Tensors, x: str) -> str:
    return graph.add("Clip", x, graph.constant(0.0), graph.constant(6.0))


def _leaky_relu(graph: Graph, layer: Any, w: Tensors, x: str) -> str:
    return graph.add("LeakyRelu", x, alpha=layer.slope)


def _softplus(graph: Graph, layer: Any, w: Tensors, x: str) -> str:
    beta = graph.constant(float(layer.beta))
    return graph.add("Div", graph.add("Softplus", graph.add("Mul", x, beta)), beta)


def _mish(graph: Graph, layer: Any, w: Tensors, x: str) -> str:
    return graph.add("Mul", x, graph.add("Tanh", graph.add("Softplus", x)))


def _relu_squared(graph: Graph, layer: Any, w: Tensors, x: str) -> str:
    a = graph.add("Relu", x)
    return graph.add("Mul", a, a)


def _scale(graph: Graph, layer: Any, w: Tensors, x: str) -> str:
    return graph.add("Mul", x, graph.constant(w["weight"]))


def _affine(graph: Graph, w: Tensors, normalized: str) -> str:
    """G n + b, with the weight and the bias that the layer has."""
    y = graph.add("Mul", normalized, graph.constant(w["weight"])) if "weight" in w else normalized
    return graph.add("Add", y, graph.constant(w["bias"])) if "bias" in w else y


def _batch_norm(graph: Graph, layer: Any, w: Tensors, x: str) -> str:
    scale = (w["running_var"] + layer.eps).rsqrt()
    centered = graph.add("Sub", x, graph.constant(w["running_mean"]))
    return _affine(graph, w, graph.add("Mul", centered, graph.constant(scale)))


def _divided_by_root_mean_square(graph: Graph, x: str, eps: float) -> str:
    mean = graph.add("ReduceMean", graph.add("Mul", x, x), graph.constant([-1]), keepdims=1)
    return graph.add("Div", x, graph.add("Sqrt", graph.add("Add", mean, graph.constant(eps))))


def _layer_norm(graph: Graph, layer: Any, w: Tensors, x: str) -> str:
    centered = graph.add("Sub", x, graph.add("ReduceMean", x, graph.constant([-1]), keepdims=1))
    return _affine(graph, w, _divided_by_root_mean_square(graph, centered, layer.eps))


def _rms_norm(graph: Graph, layer: Any, w: Tensors, x: str) -> str:
    eps = FLOAT32_EPS if layer.eps is None else layer.eps
    return _affine(graph, w, _divided_by_root_mean_square(graph, x, eps))


def _parametric(graph: Graph, layer: Any, w: Tensors, x: str) -> str:
    step = graph.add("Sub", convert(graph, layer.function, {}, x), x)
    return graph.add("Add", x, graph.add("Mul", step, graph.constant(w["weight"])))


def _residual(graph: Graph, layer: Any, w: Tensors, x: str) -> str:
    a = x
    for k, inner in enumerate(layer.body):
        a = convert(graph, inner, within(w, f"body.{k}"), a)
    return graph.add("Add", x, a)


def _gated(graph: Graph, layer: Any, w: Tensors, x: str) -> str:
    a = convert(graph, layer.gate, {}, _linear(graph, layer, within(w, "gate"), x))
    return graph.add("Mul", a, _linear(graph, layer, within(w, "up"), x))


def _flatten(graph: Graph, layer: Any, w: Tensors, x: str) -> str:
    return graph.add("Flatten", x, axis=1)


def _embedding(graph: Graph, layer: Any, w: Tensors, x: str) -> str:
    ids = graph.cast(graph.add("Round", x), "INT64")
    return graph.add("Gather", graph.constant(w["weight"]), ids, axis=0)


def _embed_columns(graph: Graph, layer: Any, w: Tensors, x: str) -> str:
    num_codes, last = len(layer.num_embeddings), graph.constant([-1])
    border, end = graph.constant([-num_codes]), graph.constant([np.iinfo(np.int64).max])
    numbers = graph.add("Slice", x, graph.constant([0]), border, last)
    codes = graph.cast(graph.add("Round", graph.add("Slice", x, border, end, last)), "INT64")
    ids = graph.add("Add", codes, graph.constant(layer.offsets))
    vectors = graph.add("Gather", graph.constant(w["weight"]), ids, axis=0)  # (*N, J, d)
    return graph.add("Concat", numbers, _last_two_as_one(graph, vectors, codes), axis=-1)


def _last_two_as_one(graph: Graph, values: str, like: str) -> str:
    """The last two axes merged into one; `like` has the shape without the last."""
    shape = graph.add("Shape", like, start=0, end=-1)
    return graph.add("Reshape", values, graph.add("Concat", shape, graph.constant([-1]), axis=0))


def _standardize(graph: Graph, layer: Any, w: Tensors, x: str) -> str:
    return graph.add("Div", graph.add("Sub", x, graph.constant(layer.mean)), graph.constant(layer.std))


def _ensemble(graph: Graph, layer: Any, w: Tensors, x: str) -> str:
    each = []
    for k in range(layer.members):
        z = x
        for j, inner in enumerate(layer.body):
            z = convert(graph, inner, within(w, f"members.{k}.{j}"), z)
        each.append(graph.add("LogSoftmax", z, axis=-1) if layer.link == "softmax" else z)
    if layer.link == "identity":
        return graph.add("Mean", *each)
    if layer.link == "normal":
        return _mixed(graph, each)
    if layer.link != "sigmoid":
        return _log_mean_exp(graph, each)
    minus = [graph.add("Neg", z) for z in each]
    yes, no = ([graph.add("Neg", graph.add("Softplus", z)) for z in zs] for zs in (minus, each))
    return graph.add("Sub", _log_mean_exp(graph, yes), _log_mean_exp(graph, no))


def _mixed(graph: Graph, each: list[str]) -> str:
    """The mean and the log variance of a mixture of normal distributions, interleaved."""
    every, end, last = graph.constant([2]), graph.constant([np.iinfo(np.int64).max]), graph.constant([-1])
    m, s = ([graph.add("Slice", z, graph.constant([k]), end, last, every) for z in each] for k in (0, 1))
    mean = graph.add("Mean", *m)
    apart = [graph.add("Sub", one, mean) for one in m]
    squares = [graph.add("Mul", one, one) for one in apart]
    second = [graph.add("Add", graph.add("Exp", one), square) for one, square in zip(s, squares, strict=True)]
    both = [graph.add("Unsqueeze", value, last) for value in (mean, graph.add("Log", graph.add("Mean", *second)))]
    return _last_two_as_one(graph, graph.add("Concat", *both, axis=-1), each[0])


def _log_mean_exp(graph: Graph, values: list[str]) -> str:
    """The logarithm of the mean of the exponentials, element by element."""
    last = graph.constant([-1])
    stacked = graph.add("Concat", *(graph.add("Unsqueeze", value, last) for value in values), axis=-1)
    total = graph.add("ReduceLogSumExp", stacked, last, keepdims=0)
    return graph.add("Sub", total, graph.constant(math.log(len(values))))


def _percentiles(graph: Graph, layer: Any, w: Tensors, x: str) -> str:
    """A sum of ramps, one from each knot to the next that lies farther out."""
    width, first = w["knots"].diff(), w["knots"][:, :-1]
    slope = torch.where(width > 0, 1 / width, 0)
    zero, one = graph.constant(0.0), graph.constant(1.0)
    column = graph.add("Unsqueeze", graph.add("Gather", x, graph.constant(layer.chosen), axis=-1), graph.constant([-1]))
    ramps = graph.add("Mul", graph.add("Sub", column, graph.constant(first)), graph.constant(slope))  # (*N, C, K - 1)
    rises = graph.add("Mul", graph.add("Clip", ramps, zero, one), graph.constant(w["levels"].diff()))
    total = graph.add("ReduceSum", rises, graph.constant([-1]), keepdims=0)
    return graph.add("Concat", graph.add("Add", total, graph.constant(w["levels"][:, 0])), x, axis=-1)


def _periodic(graph: Graph, layer: Any, w: Tensors, x: str) -> str:
    numbers = graph.add("Gather", x, graph.constant(layer.chosen), axis=-1)  # (*N, C)
    column = graph.add("Unsqueeze", numbers, graph.constant([-1]))
    u = graph.add("Add", graph.add("Mul", column, graph.constant(w["frequency"])), graph.constant(w["phase"]))
    v = graph.add("Cos", graph.add("Mul", u, graph.constant(2 * math.pi)))  # (*N, C, k)
    rows = graph.add("MatMul", graph.add("Unsqueeze", v, graph.constant([-2])), graph.constant(w["weight"].mT))
    h = graph.add("Add", graph.add("Squeeze", rows, graph.constant([-2])), graph.constant(w["bias"]))
    embedded = _last_two_as_one(graph, graph.add("Concat", column, h, axis=-1), numbers)
    if not layer.others:
        return embedded
    return graph.add("Concat", embedded, graph.add("Gather", x, graph.constant(layer.others), axis=-1), axis=-1)


CONVERTERS: dict[str, Convert] = {
    "linear": _linear,
    "ntk_linear": _ntk_linear,
    "dropout": _identity,
    "shift_and_flip": _identity,
    "standardize": _standardize,
    "identity": _identity,
    "relu": _operation("Relu"),
    "tanh": _operation("Tanh"),
    "sigmoid": _operation("Sigmoid"),
    "gelu": _operation("Gelu"),
    "gelu_tanh": _operation("Gelu", approximate="tanh"),
    "selu": _operation("Selu"),
    "hardswish": _operation("HardSwish"),
    "hardsigmoid": _operation("HardSigmoid", alpha=1 / 6, beta=0.5),
    "softsign": _operation("Softsign"),
    "softmax": _operation("Softmax", axis=-1),
    "silu": _silu,
    "elu": _elu,
    "celu": _celu,
    "hardtanh": _hardtanh,
    "relu6": _relu6,
    "leaky_relu": _leaky_relu,
    "softplus": _softplus,
    "mish": _mish,
    "relu_squared": _relu_squared,
    "scale": _scale,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "rms_norm": _rms_norm,
    "parametric": _parametric,
    "residual": _residual,
    "gated": _gated,
    "flatten": _flatten,
    "embedding": _embedding,
    "embed_columns": _embed_columns,
    "ensemble": _ensemble,
    "percentiles": _percentiles,
    "periodic": _periodic,
}
