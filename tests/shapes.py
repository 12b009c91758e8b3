"""The shapes in the signatures of fivestep, checked at every call while the tests run.

jaxtyping's import hook wraps each function of the package as it is imported. `checked` is the type checker it calls:
beartype, but only for the annotations that carry a shape. The others are mypy's business, and wrong values that a
person may pass must reach our own error sentence instead of beartype's.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any, get_args

from beartype import beartype
from jaxtyping import AbstractArray, config, install_import_hook

COMPILED = (
    "fivestep.engines._batched.kernels",
    "fivestep.engines.fused.body",
    "fivestep.engines.fused.kernels",
    "fivestep.table._kernel",
)
"""What numba and Triton compile: they take functions as they are written, and not wrapped."""


class AsWritten(MetaPathFinder):
    """Finds what is compiled before the hook does."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return PathFinder.find_spec(name, path, target) if name.startswith(COMPILED) else None


def check_shapes(package: str) -> None:
    """Instruments the package; must come before its first import."""
    install_import_hook(package, "tests.shapes.checked")
    sys.meta_path.insert(0, AsWritten())


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with its shape-carrying annotations checked at every call."""
    shaped = {name: hint for name, hint in function.__annotations__.items() if carries_shape(hint)}
    if not shaped:
        return function
    function.__annotations__ = shaped
    return beartype(function)


def carries_shape(hint: Any) -> bool:
    """Whether a jaxtyping type stands anywhere in the annotation, as in `RowWeights | None`."""
    if isinstance(hint, type) and issubclass(hint, AbstractArray):
        return True
    return any(carries_shape(part) for part in get_args(hint))


@contextmanager
def unchecked() -> Iterator[None]:
    """Inside, shapes are not checked: a step on a small network takes a sixth of the time."""
    config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        config.update("jaxtyping_disable", False)
