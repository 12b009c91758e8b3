"""A layer whose every input and output is copied, and what these are called in this network."""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import final

from torch import Tensor

from .. import docstrings
from ..activations._base import Activation
from ..layer import Layer, Memo
from ..typing import Elements, Tensors


@final
class Watched:
    """A layer that copies what goes in and what comes out, before anything is overwritten in place."""

    def __init__(self, layer: Layer, number: int, is_last: bool) -> None:
        self.layer, self.number = layer, number
        self.output_name = "logits" if is_last else f"{docstrings.symbol(layer)}{number}"
        self.seen: dict[str, Tensor] = {}
        self.kept: dict[str, Tensor] = {}
        self.before: dict[str, Tensor] = {}
        self.after: dict[str, Tensor] = {}

    def forward(self, w: Tensors, x: Elements, memo: Memo) -> Elements:
        self.seen["x"], self.before = x.clone(), copies(w)
        y = self.layer.forward(w, x, memo)
        self.seen["y"], self.after = y.clone(), copies(w)
        shown = (x.data_ptr(), y.data_ptr())
        self.kept = copies({name: value for name, value in memo.items() if value.data_ptr() not in shown})
        return y

    def backward(self, w: Tensors, dw: Tensors, dy: Elements, memo: Memo, need_dx: bool = True) -> Elements:
        self.seen["dy"] = dy.clone()
        dx = self.layer.backward(w, dw, dy, memo, need_dx)
        if need_dx:
            self.seen["dx"] = dx.clone()
        return dx

    def parameter_name(self, name: str) -> str:
        """W0 and b0 for the weight and the bias of layer 0, and the full name for anything else."""
        return {"weight": f"W{self.number}", "bias": f"b{self.number}"}.get(name, f"{self.number}.{name}")


def copies(tensors: Tensors) -> dict[str, Tensor]:
    """The tensors as they are now."""
    return {name: tensor.clone() for name, tensor in tensors.items()}


def names_of(layers: list[Watched], k: int) -> dict[str, str]:
    """What the tensors of layer k are called here, by what they are called in `formulas`."""
    watched, below = layers[k], layers[k - 1].output_name if k else "x"
    own = {name: watched.parameter_name(name) for name in watched.before}
    kept = {name: f"{name}{k}" for name in watched.kept}
    above = watched.output_name
    return {"x": below, "y": above, "dx": f"d{below}", "dy": f"d{above}", "slope": f"f'({below})", **own, **kept}


def formulas_of(layers: list[Watched], k: int) -> dict[str, str]:
    """The formulas of layer k in the names of this network; those of an activation come from its docstring."""
    layer, names = layers[k].layer, defaultdict(lambda: "0", names_of(layers, k))
    formulas = {key: text.format_map(names) for key, text in layer.formulas.items()}
    if not isinstance(layer, Activation):
        return formulas
    own = {"z": names["x"], "a": names["y"]}
    return {
        "y": _renamed(docstrings.formula(layer), own) or f"f({names['x']})",
        "slope": _renamed(docstrings.derivative(layer), own),
        "dx": f"{names['dy']} * {names['slope']}",
        **formulas,
    }


def _renamed(formula: str, names: Mapping[str, str]) -> str:
    return re.sub(r"\b[az]\b", lambda found: names[found[0]], formula)
