"""A graph of ONNX operations, built one operation at a time."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, final

import numpy as np
from torch import Tensor

from ..check import InputError

if TYPE_CHECKING:
    import onnx

OPSET, OPSET_ML = 20, 3
"""Versions of the operations: 20 is the first with Gelu, and runs since onnxruntime 1.17."""


@final
class Graph:
    """Nodes and constants with unique names; `add` returns the name of an operation's result."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, operation: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Adds an operation, and returns the name of its result."""
        import onnx  # imported here: it is an extra

        name = f"{operation.lower()}_{len(self.nodes)}"
        self.nodes.append(onnx.helper.make_node(operation, inputs, [name], domain=domain, **attributes))
        return name

    def constant(self, value: "np.ndarray | Tensor | Sequence[Any] | float | int", dtype: Any = None) -> str:
        """A constant tensor; floating-point numbers are float32 unless `dtype` says otherwise."""
        import onnx

        array = value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
        if dtype is None and array.dtype.kind == "f":
            dtype = np.float32
        name = f"constant_{len(self.constants)}"
        self.constants.append(onnx.numpy_helper.from_array(np.asarray(array, dtype=dtype), name))
        return name

    def cast(self, value: str, to: str) -> str:
        """The same numbers in another type, named as in ONNX: "FLOAT", "DOUBLE", "INT64"."""
        import onnx

        return self.add("Cast", value, to=getattr(onnx.TensorProto, to))

    def rename(self, value: str, name: str) -> str:
        """Gives a value the name that users of the file see."""
        import onnx

        self.nodes.append(onnx.helper.make_node("Identity", [value], [name]))
        return name


def check_installed() -> None:
    """Raises an `InputError` with the command that installs what is missing."""
    try:
        import onnx as _  # noqa: F401
    except ImportError as error:
        raise InputError(
            "the extra 'onnx' must be installed to write ONNX, got an installation without it; "
            "run pip install 'fivestep[onnx]'."
        ) from error
