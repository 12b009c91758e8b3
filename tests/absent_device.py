"""A CUDA device that is not there, for `tests/gpu`: its tensors lie on the CPU, and its graphs are lists of operations.

    python -m pytest -p tests.absent_device tests/gpu

What a device does not forgive is an error here too: tensors of two devices in one operation; a number that is read, or
copied from the host, while a graph is recorded; a graph whose memory has been freed; a result that the next graph of
the same pool overwrites. A recorded operation is not done but when it is repeated, at the addresses that it had.
Kernels of our own are interpreted (`tests/interpreter.py`). It shows no races, and nothing of `autograd` and `nn`,
whose backward pass asks for the device itself; it has no TF32.
"""

import os
import subprocess
import sys
import tempfile
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils import _mode_utils
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

PLACE = torch.device("cuda:0")
aten = torch.ops.aten
READS = {aten._local_scalar_dense, aten.equal, aten.nonzero, aten.masked_select, aten._unique2, aten.bincount}
"""Operations of which the host waits for the result."""

INDEXED = {aten.index, aten.index_put_}
VIEWS = {aten.detach, aten.alias, aten.lift_fresh, aten._reshape_alias, aten.unbind, aten.split}


class Graph:
    """What is recorded between `capture_begin` and `capture_end`, in place of a `torch.cuda.CUDAGraph`."""

    def __init__(self) -> None:
        self._work: list[tuple[Callable[..., Any], Any, list[Tensor | None]]] = []
        self._own: list[Tensor] = []
        self._storages = set[int]()

    def pool(self) -> int:
        return 0

    def capture_begin(self, **_: Any) -> None:
        STATE.graph = self

    def capture_end(self) -> None:
        STATE.graph = None
        if STATE.forked:
            raise RuntimeError("a stream has work that the recorded one has not joined")

    def note(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Notes an operation; what it would write outside of the graph's memory stays as it is."""
        if func.is_view or func.overloadpacket in VIEWS:
            return func(*args, **kwargs)
        given = [*zip(func._schema.arguments, args, strict=False)]
        given += [(one, kwargs[one.name]) for one in func._schema.arguments[len(args) :] if one.name in kwargs]
        written = [value for one, value in given if one.alias_info is not None and one.alias_info.is_write]
        targets = {id(t): t for t in pytree.tree_leaves(written)}
        copies = {key: t if self._has(t) else t.clone() for key, t in targets.items()}
        back = {id(copy): targets[key] for key, copy in copies.items()}
        sealed = self._sealed(args, kwargs)
        out = func(*pytree.tree_map(lambda v: copies.get(id(v), v), args), **_replaced(kwargs, copies))
        fresh = [None if id(o) in back else o for o in _tensors(out)]
        self._own += (made := [o for o in fresh if o is not None])
        self._storages |= {o.untyped_storage()._cdata for o in made}
        self._work.append((func, sealed, fresh))
        return pytree.tree_map_only(Tensor, lambda o: back.get(id(o), o), out)

    def note_kernel(self, start: Callable[..., Any], args: Any, kwargs: Any) -> None:
        self._work.append((start, self._sealed(args, kwargs), []))

    def replay(self) -> None:
        for func, sealed, outs in self._work:
            args, kwargs = pytree.tree_map_only(Outside, Outside.tensor, sealed)
            for mine, new in zip(outs, _tensors(func(*args, **kwargs)), strict=True):
                if mine is not None:
                    mine.copy_(new)
        for tensor in self._own:  # the next graph has the same pool
            if tensor.dtype != torch.bool:
                tensor.fill_(float("nan") if tensor.is_floating_point() else torch.iinfo(tensor.dtype).min)

    def _has(self, tensor: Tensor) -> bool:
        return tensor.untyped_storage()._cdata in self._storages

    def _sealed(self, args: Any, kwargs: Any) -> Any:
        return pytree.tree_map_only(Tensor, lambda t: t if self._has(t) else Outside(t), (tuple(args), dict(kwargs)))


class Outside:
    """A tensor that a graph has by its address alone."""

    def __init__(self, tensor: Tensor) -> None:
        self._storage = StorageWeakRef(tensor.untyped_storage())
        self._like = tensor.storage_offset(), tensor.shape, tensor.stride()
        self._dtype = tensor.dtype

    def tensor(self) -> Tensor:
        storage = torch.UntypedStorage._new_with_weak_ptr(self._storage.cdata)
        if storage is None:
            raise RuntimeError(f"a graph has the address of a tensor {tuple(self._like[1])} that has been freed")
        return torch.empty(0, dtype=self._dtype).set_(storage, *self._like)


class State:
    """The graph that is being recorded, how often the host has waited, streams that are not joined."""

    def __init__(self) -> None:
        self.graph: Graph | None = None
        self.waits, self.forked = 0, set[Any]()

    def wait(self, what: object) -> None:
        self.waits += 1
        if self.graph is not None:
            raise RuntimeError(f"no operation for which the host waits can be recorded, got {what}")

    def copy(self, what: object) -> None:
        if self.graph is not None:
            raise RuntimeError(f"no copy from the host can be recorded, got {what}")


STATE = State()


class OnDevice(Tensor):
    """A tensor that says it is on the device; `on_host` has its numbers."""

    on_host: Tensor

    @staticmethod
    def __new__(cls, on_host: Tensor) -> "OnDevice":
        places = {"strides": on_host.stride(), "storage_offset": on_host.storage_offset()}
        made: Any = Tensor._make_wrapper_subclass(cls, on_host.shape, **places, dtype=on_host.dtype, device=PLACE)
        made.on_host = on_host
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _done(func, args, kwargs or {})

    def __repr__(self, **_: Any) -> str:
        return f"OnDevice({self.on_host})"

    def resize_(self, *shape: Any) -> Any:
        return OnDevice(self.on_host.resize_(*shape))

    def tolist(self) -> Any:  # torch has this and the next one for no tensors but its own
        STATE.wait("tolist")
        return self.on_host.tolist()

    def numpy(self, *, force: bool = False) -> Any:
        assert force, "cuda:0 tensors cannot become NumPy's"
        STATE.wait("numpy")
        return self.on_host.clone().numpy()


class Everywhere(TorchDispatchMode):
    """Sees the operations that make a tensor where there was none."""

    def __torch_dispatch__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _done(func, args, kwargs or {})


def _done(func: Any, args: Any, kwargs: Any) -> Any:
    """Does or records an operation of any tensors, as a device would."""
    leaves, packet = pytree.tree_leaves((args, kwargs)), func.overloadpacket
    ours = [leaf for leaf in leaves if isinstance(leaf, OnDevice)]
    others = [leaf for leaf in leaves if isinstance(leaf, Tensor) and not isinstance(leaf, OnDevice)]
    device = kwargs.get("device")
    goes = device is not None and device.type == "cuda"
    if not ours and not goes:
        return func(*args, **kwargs)
    if packet is aten._to_copy and (goes or device is not None) and goes != bool(ours):
        (STATE.copy if goes else STATE.wait)(func)
        made = func(_plain(args[0]), **{**kwargs, "device": torch.device("cpu")})
        return OnDevice(made) if goes else made
    if packet is aten.copy_ and others:
        (STATE.copy if isinstance(args[0], OnDevice) else STATE.wait)(func)
        _plain(args[0]).copy_(_plain(args[1]))
        return args[0]
    may_mix = torch.Tag.pointwise in func.tags or packet in (aten.fill_, aten.index_put_)  # with one number of the host
    if packet not in INDEXED and any(t.dim() or not may_mix for t in others):
        raise RuntimeError(f"all tensors must be on one device, got cuda:0 and cpu in {func}")
    if any(isinstance(leaf, torch.Generator) and leaf.device.type == "cpu" for leaf in leaves):
        raise RuntimeError(f"a generator must be on cuda:0, got one of the CPU in {func}")
    if packet in READS or (packet in INDEXED and any(i is not None and i.dtype == torch.bool for i in args[1])):
        STATE.wait(func)
    if packet in INDEXED and any(t.dim() for t in others):
        STATE.copy(func)
    if torch.Tag.inplace_view in func.tags:
        with _mode_utils.no_dispatch():
            func(*args, **kwargs)
    known = {id(t.on_host): t for t in ours}
    kwargs = {**kwargs, "device": torch.device("cpu")} if goes else kwargs
    args, kwargs = pytree.tree_map(_plain, (args, kwargs))
    out = func(*args, **kwargs) if STATE.graph is None else STATE.graph.note(func, args, kwargs)
    return pytree.tree_map_only(Tensor, lambda t: known.get(id(t)) if id(t) in known else OnDevice(t), out)


def _plain(value: Any) -> Any:
    return value.on_host if isinstance(value, OnDevice) else value


def _tensors(value: Any) -> list[Tensor]:
    return [leaf for leaf in pytree.tree_leaves(value) if isinstance(leaf, Tensor)]


def _replaced(kwargs: Any, copies: dict[int, Tensor]) -> Any:
    return pytree.tree_map(lambda value: copies.get(id(value), value), kwargs)


class Stream:
    """A stream of the device, whose work is done at once."""

    device = PLACE
    current: "list[Stream]"

    def __init__(self, _device: object = None) -> None: ...

    def wait_stream(self, other: "Stream") -> None:
        """While a graph is recorded, a stream that waits for the recorded one has to be joined again."""
        STATE.forked.discard(other)
        if STATE.graph is not None and self is not Stream.current[-1]:
            STATE.forked.add(self)

    def synchronize(self) -> None:
        STATE.wait("synchronize")


Stream.current = [Stream()]


@contextmanager
def _stream(stream: Stream) -> Iterator[None]:
    Stream.current.append(stream)
    try:
        yield
    finally:
        Stream.current.pop()


CUDA: dict[str, Any] = {
    "_lazy_init": lambda: None,
    "is_available": lambda: True,
    "device_count": lambda: 1,
    "get_device_capability": lambda _device=None: (9, 0),
    "get_device_properties": lambda _device=None: types.SimpleNamespace(total_memory=2**37),
    "mem_get_info": lambda _device=None: (2**37, 2**37),
    "device": lambda _device: nullcontext(),
    "current_stream": lambda _device=None: Stream.current[-1],
    "stream": _stream,
    "Stream": Stream,
    "CUDAGraph": Graph,
}


def pytest_configure() -> None:
    """After `tests/conftest.py`, before the first test is imported."""
    from tests import interpreter  # before Triton, some of whose functions are interpreted too

    assert interpreter.LACKS is None, interpreter.LACKS
    from triton.runtime.interpreter import InterpretedFunction

    os.environ["CC"] = sys.executable  # none is asked
    run = InterpretedFunction.run

    def started(kernel: Any, *args: Any, **kwargs: Any) -> None:
        tensors = _tensors((args, kwargs))
        assert all(isinstance(tensor, OnDevice) for tensor in tensors), "a kernel takes tensors of the device"
        args, kwargs = pytree.tree_map(_plain, (args, kwargs))

        def start(*args: Any, **kwargs: Any) -> None:
            with np.errstate(over="ignore", invalid="ignore"):
                run(kernel, *args, **kwargs)

        if STATE.graph is None:
            start(*args, **kwargs)
        else:
            STATE.graph.note_kernel(start, args, kwargs)

    patch = pytest.MonkeyPatch()
    interpreter.interpret_formulas(patch)
    patch.setattr(InterpretedFunction, "run", started)
    for name, value in CUDA.items():
        patch.setattr(torch.cuda, name, value)
    with tempfile.TemporaryDirectory() as folder:
        _add_guard(Path(folder))
    torch._C._set_only_lift_cpu_tensors(True)
    Everywhere().__enter__()


GUARD = """
#include <c10/core/impl/DeviceGuardImplInterface.h>
namespace c10::impl { C10_REGISTER_GUARD_IMPL(CUDA, NoOpDeviceGuardImpl<c10::DeviceType::CUDA>) }
"""


def _add_guard(folder: Path) -> None:
    """A torch for CPUs asks in vain for the current device, and lacks a line that says it does not matter."""
    source, library, torch_itself = folder / "guard.cpp", folder / "guard.so", Path(torch.__file__).parent
    source.write_text(GUARD, encoding="utf-8")
    options = ["-std=c++20", "-shared", "-fPIC", f"-I{torch_itself / 'include'}", f"-L{torch_itself / 'lib'}", "-lc10"]
    subprocess.run(["g++", source, "-o", library, *options], check=True)
    torch.ops.load_library(str(library))
