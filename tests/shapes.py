"""The shapes in the signatures of fivestep, checked at every call while the tests run.

jaxtyping's import hook puts `jaxtyping.jaxtyped` before each function and class of the package as it is imported; here
`checked` stands in its place, which leaves alone what carries no shape, and has beartype look at the rest. All other
annotations are mypy's business, and wrong values that a person may pass must reach our own error sentence instead of
beartype's. `jaxtyped` itself binds the arguments of every call and looks at them twice, before the call and after it
beside the result: a step on a small network took more than twice the time.
"""

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import is_dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import FunctionType
from typing import Any, get_args

import jaxtyping
from beartype import beartype
from jaxtyping import AbstractArray, config, install_import_hook, jaxtyped

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
    jaxtyping.jaxtyped = lambda **_: checked  # type: ignore[assignment]  # the hook calls it with a type checker
    install_import_hook(package, "tests.shapes.checked")
    sys.meta_path.insert(0, AsWritten())


def checked(what: Any) -> Any:
    """A function, or a dataclass, with its shape-carrying annotations checked at every call."""
    if isinstance(what, classmethod | staticmethod):
        return type(what)(checked(what.__func__))
    if isinstance(what, property):
        return property(*(one and checked(one) for one in (what.fget, what.fset, what.fdel)), doc=what.__doc__)
    if isinstance(what, type):
        if is_dataclass(what) and "__init__" in vars(what):
            what.__init__ = checked(what.__init__)  # type: ignore[misc]
        return what
    shaped = {name: hint for name, hint in getattr(what, "__annotations__", {}).items() if carries_shape(hint)}
    return _around(what, shaped) if shaped else what


def _around(function: FunctionType, shaped: dict[str, Any]) -> Callable[..., Any]:
    """The function within a context of letters of its own, in which arguments and result must agree."""
    inner = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    inner.__qualname__, inner.__module__, inner.__kwdefaults__ = (
        function.__qualname__,
        function.__module__,
        function.__kwdefaults__,
    )
    inner.__annotations__ = shaped
    looked_at = beartype(inner)

    def call(*args: Any, **kwargs: Any) -> Any:
        if config.jaxtyping_disable:
            return function(*args, **kwargs)
        with jaxtyped("context"):
            return looked_at(*args, **kwargs)

    # a warning points past lines of the package: this one passes for one of them
    named = FunctionType(call.__code__, globals() | {"__name__": function.__module__}, None, None, call.__closure__)
    return functools.wraps(function)(named)


def carries_shape(hint: Any) -> bool:
    """Whether a jaxtyping type stands anywhere in the annotation, as in `RowWeights | None`."""
    if isinstance(hint, type) and issubclass(hint, AbstractArray):
        return True
    return any(carries_shape(part) for part in get_args(hint))


@contextmanager
def unchecked() -> Iterator[None]:
    """Inside, shapes are not checked: a step on a small network takes a quarter of the time."""
    config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        config.update("jaxtyping_disable", False)
