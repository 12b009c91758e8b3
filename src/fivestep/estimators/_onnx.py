"""A fitted estimator as one ONNX model: how rows are read, the network, the units of the target."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ..check import InputError
from ..engines._engine import Engine
from ..export import onnx_file
from ..export._graph import OPSET, OPSET_ML, Graph, check_installed
from ..table.encoder import CLIP
from ._inputs import Inputs, Scaled
from ._targets import Labels, Numbers, Targets

if TYPE_CHECKING:
    import onnx


Build = Callable[[Graph, str], str]
"""Adds operations on a value to a graph; returns the name of the result."""


def to_onnx(engine: Engine, inputs: Inputs, targets: Targets) -> "onnx.ModelProto":
    """The network's model with the steps before and after it."""
    check_installed()
    import onnx

    names: list[str] = []
    if isinstance(targets, Labels):
        if len(targets.classes) < 2:
            raise InputError(
                "an estimator must be one for two classes or more to become ONNX, got one; fit it to rows of both."
            )
        names = [str(name) for name in targets.classes]
    model = onnx_file.to_onnx(engine, inputs.encoder, names)
    if isinstance(targets, Numbers):
        model = _followed(model, _units(targets), engine.spec.out_features or 0)
    if isinstance(inputs, Scaled):
        model = _preceded(model, _scaling(inputs), len(inputs.center), inputs.width)
    onnx.checker.check_model(model)
    return model


def _followed(model: "onnx.ModelProto", build: Build, width: int) -> "onnx.ModelProto":
    """The model with a function of its "prediction" (N, width) behind it, in float64."""
    from onnx import TensorProto, compose

    part = _part(("z", TensorProto.FLOAT, width), ("prediction", TensorProto.DOUBLE, width), build)
    first = compose.add_prefix(model, "network_", rename_inputs=False)
    return compose.merge_models(first, part, io_map=[("network_prediction", "z")])


def _preceded(model: "onnx.ModelProto", build: Build, width: int, width_inside: int) -> "onnx.ModelProto":
    """The model with a function of "x" (N, width) in front of its own "x"."""
    from onnx import TensorProto, compose

    part = _part(("x", TensorProto.FLOAT, width), ("rows", TensorProto.FLOAT, width_inside), build)
    second = compose.add_prefix(model, "inner_", rename_outputs=False)
    return compose.merge_models(part, second, io_map=[("rows", "inner_x")])


def _part(given: tuple[str, int, int], made: tuple[str, int, int], build: Build) -> "onnx.ModelProto":
    """A model of one function; its input and its output are a name, a type and a width."""
    from onnx import helper

    graph = Graph()
    graph.rename(build(graph, given[0]), made[0])
    x, y = (helper.make_tensor_value_info(name, kind, ["N", width]) for name, kind, width in (given, made))
    whole = helper.make_graph(graph.nodes, f"to_{made[0]}", [x], [y], graph.constants)
    versions = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", OPSET_ML)]
    return helper.make_model(whole, opset_imports=versions, producer_name="fivestep", ir_version=9)


def _scaling(inputs: Scaled) -> Build:
    """The formula of `Scaled`."""

    def build(graph: Graph, x: str) -> str:
        numbers = graph.cast(x, "DOUBLE")
        center, scale = (graph.constant(values[None], np.float64) for values in (inputs.center, inputs.scale))
        z = graph.add("Mul", graph.add("Sub", numbers, center), scale)
        z = graph.add("Where", graph.add("IsNaN", z), graph.constant(0.0, np.float64), z)
        share = graph.add("Div", z, graph.constant(CLIP, np.float64))
        root = graph.add("Sqrt", graph.add("Add", graph.add("Mul", share, share), graph.constant(1.0, np.float64)))
        parts = [graph.cast(graph.add("Div", z, root), "FLOAT")]
        if len(inputs.gaps):
            seen = graph.add("Gather", numbers, graph.constant(inputs.gaps.astype(np.int64), np.int64), axis=1)
            parts.append(graph.cast(graph.add("IsNaN", seen), "FLOAT"))
        return graph.add("Concat", *parts, axis=1)

    return build


def _units(targets: Numbers) -> Build:
    """Z in the units of the targets, in float64."""

    def build(graph: Graph, z: str) -> str:
        factor, shift = (graph.constant(values[None], np.float64) for values in targets.to_units())
        return graph.add("Add", graph.add("Mul", graph.cast(z, "DOUBLE"), factor), shift)

    return build
