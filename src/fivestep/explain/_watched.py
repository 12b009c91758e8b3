"""Layers whose every input and output is copied, and what these are called in this network."""

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
    """What the tensors that go from layer to layer are called, by where they lie in memory: the latest name counts."""

    def __init__(self) -> None:
        self._by_address: dict[int, str] = {}

    def give(self, tensor: Tensor, name: str) -> None:
        """From now on the tensor is called so."""
        self._by_address[tensor.data_ptr()] = name

    def of(self, tensor: Tensor, default: str) -> str:
        """What the tensor is called."""
        return self._by_address.get(tensor.data_ptr(), default)


@final
class Watched:
    """A layer that copies what goes in and what comes out, before anything is overwritten in place.

    `label` is its number, or for a layer inside a layer its number there too: "1.0", "1.gate"; `path` is what the names
    of its parameters begin with. Of a layer made of layers, these are watched as well, and stand in `inner`.
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
    """Stands for a layer inside a layer, which may be there several times: its memo tells which one is meant."""

    def __init__(self, by_memo: Mapping[int, Watched]) -> None:
        self._by_memo = by_memo

    def forward(self, w: Tensors, x: Elements, memo: Memo) -> Elements:
        return self._by_memo[id(memo)].forward(w, x, memo)

    def backward(self, w: Tensors, dw: Tensors, dy: Elements, memo: Memo, need_dx: bool = True) -> Elements:
        return self._by_memo[id(memo)].backward(w, dw, dy, memo, need_dx)


def _with_watched(layer: Layer, inner: Mapping[str, Watched], memo: Memo) -> Layer:
    """The layer itself, or a copy of a layer of layers that calls the watched ones."""
    if not inner:
        return layer
    assert isinstance(layer, Composite)
    inside = _Inside({id(memo.child(k)): one for k, one in enumerate(inner.values())})
    originals = [id(one) for one in layer.inner().values()]
    copy: Any = replace(cast("Any", layer))  # every layer is a dataclass
    for name, value in vars(layer).items():  # a cached property lies in the object's own dictionary
        if id(value) in originals:
            copy.__dict__[name] = inside
        elif isinstance(value, tuple) and value and all(id(one) in originals for one in value):
            copy.__dict__[name] = (inside,) * len(value)
    return cast("Layer", copy)


def copies(tensors: Tensors) -> dict[str, Tensor]:
    """The tensors as they are now."""
    return {name: tensor.clone() for name, tensor in tensors.items()}


def names_of(watched: Watched) -> dict[str, str]:
    """What the tensors of a layer are called here, by what they are called in `formulas`."""
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
    """What a layer inside another sends back: dX, or, where X is the outer layer's own input, its share of dX."""
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
    """Of the tensors of a network's layer, by name, those of the layer inside it that this is."""
    _, _, inside = watched.path.partition(".")
    return dict(tensors) if not inside else within(tensors, inside)
