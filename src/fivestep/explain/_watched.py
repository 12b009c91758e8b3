"""Layers whose inputs and outputs are copied, and the names of these in this network."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, cast, final

from torch import Tensor

from ..activations._base import Activation
from ..layer import Layer, Memo
from ..layers._composite import Composite, within
from ..typing import Elements, Tensors
from . import _docstrings


@final
class Names:
    """The names of the tensors passed between layers, by memory address: the latest name counts."""

    def __init__(self) -> None:
        self._by_address: dict[int, str] = {}

    def give(self, tensor: Tensor, name: str) -> None:
        """Gives a tensor a name."""
        self._by_address[tensor.data_ptr()] = name

    def of(self, tensor: Tensor, default: str) -> str:
        """The name of a tensor."""
        return self._by_address.get(tensor.data_ptr(), default)


@final
class Watched:
    """A layer that copies its inputs and outputs before anything is overwritten in place.

    `label` is its number, for an inner layer followed by its number or name there: "1.0", "1.gate"; `path` is the
    prefix of its parameters' names. If it is made of layers, these are watched as well, and are in `inner`.
    """

    def __init__(self, layer: Layer, path: str, names: Names, *, output_name: str | None = None) -> None:
        self.layer, self.path, self._names = layer, path, names
        self.number = int(path.partition(".")[0])
        self.label = path.replace(".body.", ".")
        self.output_name = output_name or f"{_docstrings.symbol(layer)}{self.label}"
        self.input_name, self.address = "x", 0
        self.seen: dict[str, Tensor] = {}
        self.kept: dict[str, Tensor] = {}
        self.before: dict[str, Tensor] = {}
        self.after: dict[str, Tensor] = {}
        self.inner: dict[str, Watched] = {}
        if isinstance(layer, Composite):
            self.inner = {name: Watched(one, f"{path}.{name}", names) for name, one in layer.inner().items()}

    def forward(self, w: Tensors, x: Elements, memo: Memo) -> Elements:
        self.input_name = self._names.of(x, "x")
        self.seen["x"], self.before = x.clone(), copies(w)
        self._acting = _with_watched(self.layer, self.inner, memo)
        y = self._acting.forward(w, x, memo)
        self.seen["y"], self.after = y.clone(), copies(w)
        self._names.give(y, self.output_name)
        shown = (x.data_ptr(), y.data_ptr(), *(one.address for one in self.inner.values()))
        self.kept = copies({name: value for name, value in memo.items() if value.data_ptr() not in shown})
        self.address = y.data_ptr()
        return y

    def backward(self, w: Tensors, dw: Tensors, dy: Elements, memo: Memo, need_dx: bool = True) -> Elements:
        self.seen["dy"] = dy.clone()
        dx = self._acting.backward(w, dw, dy, memo, need_dx)
        if need_dx:
            self.seen["dx"] = dx.clone()
        return dx

    def parameter_name(self, name: str) -> str:
        """W0 and b0 for the weight and the bias of layer 0, and the full name for anything else."""
        for start, one in self.inner.items():
            if name.startswith(f"{start}."):
                return one.parameter_name(name.removeprefix(f"{start}."))
        return {"weight": f"W{self.label}", "bias": f"b{self.label}"}.get(name, f"{self.path}.{name}")

    def leaves(self) -> "Iterator[Watched]":
        """The layer itself, or the layers inside it, in order."""
        for one in self.inner.values():
            yield from one.leaves()
        if not self.inner:
            yield self


@final
class _Inside:
    """Stands for an inner layer, which may occur several times: its memo tells which one is meant."""

    def __init__(self, by_memo: Mapping[int, Watched]) -> None:
        self._by_memo = by_memo

    def forward(self, w: Tensors, x: Elements, memo: Memo) -> Elements:
        return self._by_memo[id(memo)].forward(w, x, memo)

    def backward(self, w: Tensors, dw: Tensors, dy: Elements, memo: Memo, need_dx: bool = True) -> Elements:
        return self._by_memo[id(memo)].backward(w, dw, dy, memo, need_dx)


def _with_watched(layer: Layer, inner: Mapping[str, Watched], memo: Memo) -> Layer:
    """The layer itself, or for a layer of layers a copy that calls the watched ones."""
    if not inner:
        return layer
    assert isinstance(layer, Composite)
    inside = _Inside({id(memo.child(k)): one for k, one in enumerate(inner.values())})
    originals = [id(one) for one in layer.inner().values()]
    copy: Any = replace(cast("Any", layer))  # every layer is a dataclass
    for name, value in vars(layer).items():  # a cached property is stored in the object's own dictionary
        if id(value) in originals:
            copy.__dict__[name] = inside
        elif isinstance(value, tuple) and value and all(id(one) in originals for one in value):
            copy.__dict__[name] = (inside,) * len(value)
    return cast("Layer", copy)


def copies(tensors: Tensors) -> dict[str, Tensor]:
    """Copies of the tensors."""
    return {name: tensor.clone() for name, tensor in tensors.items()}


def names_of(watched: Watched) -> dict[str, str]:
    """The names of a layer's tensors in this network, by their names in `formulas`."""
    below, above = watched.input_name, watched.output_name
    own = {name: watched.parameter_name(name) for name in watched.before}
    kept = {name: f"{name}{watched.label}" for name in watched.kept}
    inner = {name.replace(".", "_"): one for name, one in watched.inner.items()}
    if inner:
        inner |= {"first": next(iter(inner.values())), "last": list(inner.values())[-1]}
    outputs = {name: one.output_name for name, one in inner.items()}
    sent = {f"dx_{name}": sent_name(watched, one) for name, one in inner.items()}
    names = {"x": below, "y": above, "dx": f"d{below}", "dy": f"d{above}", "slope": f"f'({below})"}
    return names | own | kept | outputs | sent


def sent_name(outer: Watched, one: Watched) -> str:
    """The name of an inner layer's input gradient: dX, or its share of dX if X is the outer layer's own input."""
    return f"d{one.input_name}" + (f" by {one.label}" if one.input_name == outer.input_name else "")


def formulas_of(watched: Watched) -> dict[str, str]:
    """The formulas of a layer in the names of this network; those of an activation come from its docstring."""
    layer, names = watched.layer, defaultdict(lambda: "0", names_of(watched))
    formulas = {key: text.format_map(names).removesuffix(" + 0") for key, text in layer.formulas.items()}
    if not isinstance(layer, Activation):
        return formulas
    own = {"z": names["x"], "a": names["y"]}
    return {
        "y": _renamed(_docstrings.formula(layer), own) or f"f({names['x']})",
        "slope": _renamed(_docstrings.derivative(layer), own),
        "dx": f"{names['dy']} * {names['slope']}",
        **formulas,
    }


def _renamed(formula: str, names: Mapping[str, str]) -> str:
    return re.sub(r"\b[az]\b", lambda found: names[found[0]], formula)


def parameters_of(watched: Watched, tensors: Tensors) -> dict[str, Tensor]:
    """The tensors of this inner layer among those of the network's layer, by name."""
    _, _, inside = watched.path.partition(".")
    return dict(tensors) if not inside else within(tensors, inside)
