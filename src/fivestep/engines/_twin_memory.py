"""A torch optimizer's memory as named tensors, and back: a checkpoint holds only tensors."""

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..typing import Tensors

ENTRY = re.compile(r"(?P<key>.*)\[(?P<index>\d+)\]")


def packed(memory: Mapping[str, Any], *, copied: bool = True) -> dict[str, Tensor]:
    """The memory of one parameter as copies, or its own tensors.

    A tensor keeps its name; a number `t` becomes "t:float" or "t:int"; a list `y` becomes "y:list", its length, and
    "y[0]", "y[1]", ... for those of its entries that are tensors. L-BFGS has all three.
    """
    tensors: dict[str, Tensor] = {}
    for key, value in memory.items():
        if isinstance(value, Tensor):
            tensors[key] = value
        elif isinstance(value, list):
            tensors[f"{key}:list"] = torch.tensor(len(value))
            tensors |= {f"{key}[{k}]": entry for k, entry in enumerate(value) if entry is not None}
        else:
            tensors[f"{key}:{type(value).__name__}"] = torch.tensor(value, dtype=torch.float64)
    return {name: value.clone() for name, value in tensors.items()} if copied else tensors


def unpacked(tensors: Tensors) -> dict[str, Any]:
    """A copy of the memory that `packed` turned into tensors."""
    memory: dict[str, Any] = {}
    for name, value in sorted(tensors.items(), key=_is_entry):  # the length of a list comes before its entries
        key, _, kind = name.partition(":")
        entry = ENTRY.fullmatch(key)
        if entry:
            memory[entry["key"]][int(entry["index"])] = value.clone()
        elif kind == "list":
            memory[key] = [None] * int(value)
        elif kind:
            memory[key] = {"float": float, "int": int}[kind](value)
        else:
            memory[key] = value.clone()
    return memory


def _is_entry(item: tuple[str, Tensor]) -> bool:
    return ENTRY.fullmatch(item[0]) is not None
