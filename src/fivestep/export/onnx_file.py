"""A trained network as one ONNX file, from raw columns to predictions."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..engines._engine import Engine
from ._columns import encode, inputs_of
from ._graph import OPSET, OPSET_ML, Graph, check_installed
from ._layers import convert

if TYPE_CHECKING:
    import onnx

    from ..table.encoder import Encoder


def to_onnx(engine: Engine, encoder: "Encoder | None" = None, class_names: Sequence[str] = ()) -> "onnx.ModelProto":
    """The network in evaluation mode, in float32, as an ONNX model.

    With an encoder its inputs are the raw columns, (N, 1) each, under their names; without one, "x" (N, I). For
    classes, two or more, it outputs "prediction" (N,), the name of a class, and "probabilities" (N, C), or "margins" if
    the loss is hinge; for several binary targets "prediction" (N, O), class names or, without an encoder, 0 or 1, and
    the probability (or margin) of each positive class; for regression "prediction" (N, O), in the units of the targets.
    Raises an `InputError` if the extra "onnx" is not installed, or if ONNX cannot express a layer.
    """
    check_installed()
    import onnx

    graph = Graph()
    if encoder is None:
        x, width = "x", engine.spec.in_features
        inputs = [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", width])]
    else:
        x, inputs = encode(graph, encoder), inputs_of(encoder)
    for layer, w in zip(engine.layers, engine.params.weights, strict=True):
        x = convert(graph, layer, w, x)
    if engine.criterion.target == "numbers":
        outputs = [_numbers(graph, engine, encoder, x)]
    elif engine.criterion.target == "yes_no" and engine.spec.out_features != 1:
        outputs = _questions(graph, engine, encoder, x)
    else:
        outputs = _classes(graph, engine, class_names, x)
    made = onnx.helper.make_graph(graph.nodes, "fivestep", inputs, outputs, graph.constants)
    versions = [onnx.helper.make_opsetid("", OPSET), onnx.helper.make_opsetid("ai.onnx.ml", OPSET_ML)]
    model = onnx.helper.make_model(made, opset_imports=versions, producer_name="fivestep", ir_version=9)
    onnx.checker.check_model(model)
    return model


def _numbers(graph: Graph, engine: Engine, encoder: "Encoder | None", logits: str) -> "onnx.ValueInfoProto":
    """The numbers that the logits stand for, in the units of the target."""
    import onnx

    y = _answers(graph, engine, logits)
    moments = None if encoder is None else encoder.targets.moments
    kind = onnx.TensorProto.FLOAT
    if moments is not None:
        factor, shift = (graph.constant(values[None], np.float64) for values in engine.criterion.to_units(*moments))
        y, kind = graph.add("Add", graph.add("Mul", graph.cast(y, "DOUBLE"), factor), shift), onnx.TensorProto.DOUBLE
    name = graph.rename(y, "prediction")
    return onnx.helper.make_tensor_value_info(name, kind, ["N", engine.spec.out_features])


def _answers(graph: Graph, engine: Engine, logits: str) -> str:
    """The numbers that the logits stand for, on the scale of training; every second of a normal one is a deviation."""
    link = engine.criterion.inverse_link
    if link == "exp":
        return graph.add("Exp", logits)
    if link == "normal":
        is_mean = graph.constant(np.arange(engine.spec.out_features or 0)[None] % 2 == 0)
        return graph.add("Where", is_mean, logits, graph.add("Exp", graph.add("Mul", logits, graph.constant(0.5))))
    return logits


def _questions(graph: Graph, engine: Engine, encoder: "Encoder | None", logits: str) -> "list[onnx.ValueInfoProto]":
    """The class of each of several binary targets, and its probability or margin."""
    import onnx

    is_margin = engine.criterion.inverse_link == "identity"
    yes, kind = graph.add("Greater", logits, graph.constant(0.0)), onnx.TensorProto.INT64
    classes = [] if encoder is None else encoder.targets.classes.values()
    if classes:
        no_names, names = (graph.constant(np.array([of], dtype=object), object) for of in zip(*classes, strict=True))
        answer, kind = graph.add("Where", yes, names, no_names), onnx.TensorProto.STRING
    else:
        answer = graph.cast(yes, "INT64")
    prediction = graph.rename(answer, "prediction")
    sure = graph.add("Identity", logits) if is_margin else graph.add("Sigmoid", logits)
    shares, width = graph.rename(sure, "margins" if is_margin else "probabilities"), engine.spec.out_features
    make = onnx.helper.make_tensor_value_info
    return [
        make(prediction, kind, ["N", width]),
        make(shares, onnx.TensorProto.FLOAT, ["N", width]),
    ]


def _classes(graph: Graph, engine: Engine, class_names: Sequence[str], logits: str) -> "list[onnx.ValueInfoProto]":
    """The name of the likeliest class, and the probability or margin of each."""
    import onnx

    link, num_outputs = engine.criterion.inverse_link, engine.spec.out_features or 0
    p = {"softmax": lambda: graph.add("Softmax", logits, axis=-1), "sigmoid": lambda: graph.add("Sigmoid", logits)}.get(
        link, lambda: logits
    )()
    if num_outputs == 1:  # the network outputs the second of the two probabilities or margins
        first = graph.add("Neg", p) if link == "identity" else graph.add("Sub", graph.constant(1.0), p)
        p = graph.add("Concat", first, p, axis=1)
    num_classes = max(num_outputs, 2)
    names = list(class_names) or [str(k) for k in range(num_classes)]
    best = graph.add("ArgMax", p, axis=1, keepdims=0)
    prediction = graph.rename(
        graph.add("Gather", graph.constant(np.array(names, dtype=object), object), best), "prediction"
    )
    shares = graph.rename(p, "margins" if link == "identity" else "probabilities")
    make = onnx.helper.make_tensor_value_info
    return [
        make(prediction, onnx.TensorProto.STRING, ["N"]),
        make(shares, onnx.TensorProto.FLOAT, ["N", num_classes]),
    ]
