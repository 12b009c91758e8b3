"""Triton's interpreter, which does kernels line by line with NumPy: what they compute, seen without a device.

It shows wrong formulas, places and masks. It shows no races between the threads of a device, which it does not have,
and not whether a kernel compiles: `tests/interpreted/test_compiling.py` has them compiled.
"""

import importlib
import importlib.util
import os
import types
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch

ON = {"TRITON_INTERPRET": "1"}


def lacks() -> str | None:
    """What the interpreter lacks in this process, in half a sentence."""
    if importlib.util.find_spec("triton") is None:
        return "triton is not installed, which has wheels for Linux only"
    if torch.cuda.is_available():
        return "kernels that are interpreted cannot be compiled in the same process, and tests/gpu does"
    return None


LACKS = lacks()
needs_interpreter = pytest.mark.skipif(LACKS is not None, reason=str(LACKS))

if LACKS is None:
    with mock.patch.dict(os.environ, ON):  # when a kernel is defined, Triton asks whether to interpret it
        for name in (
            "fused.kernels.tiles",
            "fused.kernels.passes",
            "_batched.kernels.steps",
            "_batched.kernels.uniform",
            "_batched.kernels.bits",
        ):
            importlib.import_module(f"fivestep.engines.{name}")


def by_numpy(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function of NumPy's in place of one that CUDA's library has, which no interpreter can call."""

    def of_tensor(z: Any) -> Any:
        from triton.language import core
        from triton.runtime.interpreter import TensorHandle

        values = function(z.handle.data).astype(z.handle.data.dtype)
        return core.tensor(TensorHandle(values, z.handle.dtype), z.type)

    return of_tensor


def interpret(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on kernels of our own do what they can on the CPU, interpreted."""
    from fivestep.engines._batched import compiled
    from fivestep.engines.fused.recorded import own_kernels
    from fivestep.fleet.batched import kinds

    interpret_formulas(monkeypatch)
    monkeypatch.setattr(own_kernels, "has_triton", lambda _device: True)
    monkeypatch.setattr(compiled, "lacks_for_triton", lambda: None)
    for module in (kinds, compiled):
        monkeypatch.setattr(module, "DEVICES", ("cpu",))


def interpret_formulas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what a kernel needs to be interpreted, wherever its tensors are."""
    from fivestep.engines.fused.kernels import items
    from fivestep.engines.fused.recorded import dense

    library = {name: by_numpy(getattr(np, name)) for name in ("tanh", "log1p", "expm1")}
    monkeypatch.setenv(*next(iter(ON.items())))
    monkeypatch.setattr(items, "libdevice", types.SimpleNamespace(**library))
    for module in (items, dense):
        monkeypatch.setattr(module, "Known", tuple)  # Python takes tuples apart, and takes a constant `None` for None
