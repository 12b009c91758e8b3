"""Tensors as lines of text: every number of a small one, range, mean and corners of a wide one, aligned."""

import math
from collections.abc import Iterable, Sequence
from itertools import product
from textwrap import wrap

import torch
from torch import Tensor

FEW = 40
"""Elements up to which every number is shown."""

DECIMALS = 4
MOST_DECIMALS = 7
INDENT = 6


def lines(tensor: Tensor, width: int) -> list[str]:
    """The values in rows of at most `width` characters; the axes before the last one are rows."""
    if tensor.numel() == 0:  # such as the columns of a table that no other layer takes
        return [" " * INDENT + "nothing in it"]
    rows = tensor.reshape(-1, tensor.shape[-1]) if tensor.dim() else tensor.reshape(1, 1)
    if is_constant(tensor):
        return [" " * INDENT + f"all {number(tensor.flatten()[0].item(), decimals(tensor))}"]
    if tensor.numel() <= FEW:
        return grid([_numbers(row, tensor) for row in rows], width)
    head = wrap(", ".join(f"{name} {value}" for name, value in _extremes_text(tensor).items()), width - INDENT)
    down, across = (_corner_places(size) for size in rows.shape)
    corner = [["..." if None in (i, j) else _one(rows[i, j], tensor) for j in across] for i in down]
    return [*(" " * INDENT + line for line in head), *grid(corner, width)]


def table(columns: dict[str, Tensor], width: int) -> list[str]:
    """Tensors of one shape side by side, one line for each element; for wide ones range, mean and the corners.

    Those that are 0 everywhere are named below instead.
    """
    zero = [name for name, tensor in columns.items() if tensor.numel() > 1 and not tensor.any()]
    named = [" " * INDENT + line for line in wrap(f"{', '.join(zero)}: all 0", width - INDENT)] if zero else []
    columns = {name: tensor for name, tensor in columns.items() if name not in zero}
    if not columns:
        return named
    first = next(iter(columns.values()))
    few = first.numel() <= FEW
    places = list(product(*(range(size) for size in first.shape))) if few else _corners(first.shape)
    cells = [[""], *([] if few else [["smallest"], ["mean"], ["largest"]]), *([_index(place)] for place in places)]
    for name, tensor in columns.items():
        shown = [_one(tensor[place], tensor) for place in places]
        for row, text in zip(cells, [name, *([] if few else _extremes_text(tensor).values()), *shown], strict=True):
            row.append(text)
    return grid(cells, width, labeled=True) + named


def extremes(tensor: Tensor) -> dict[str, float]:
    """The smallest number, the mean and the largest."""
    values = tensor.double()
    return {"smallest": values.min().item(), "mean": values.mean().item(), "largest": values.max().item()}


def _extremes_text(tensor: Tensor) -> dict[str, str]:
    places = decimals(tensor)
    return {
        name: number(value, DECIMALS if places == 0 and name == "mean" else places)
        for name, value in extremes(tensor).items()
    }


def is_constant(tensor: Tensor) -> bool:
    """Whether there are several numbers and all are the same."""
    return tensor.numel() > 1 and bool((tensor == tensor.flatten()[0]).all())


def decimals(tensor: Tensor) -> int | None:
    """Four decimals, or as many as show four digits of a small tensor's largest number; None if that is too many."""
    if (tensor == tensor.round()).all() and tensor.abs().max() < 1e6:
        return 0  # class labels, binary targets, masks
    largest = tensor.abs().nan_to_num(0, 0, 0).max().item()
    if 0.1 <= largest < 1e6:
        return DECIMALS
    needed = DECIMALS + math.floor(-math.log10(largest)) if largest else DECIMALS
    return needed if DECIMALS <= needed <= MOST_DECIMALS else None


def number(value: float, places: int | None) -> str:
    """The number with that many decimals, or in scientific notation for None."""
    if places is None:
        return f"{value:.3e}" if value else "0"
    return f"{round(value, places) + 0.0:.{places}f}"  # + 0.0 turns -0.0 into 0.0


def grid(cells: Sequence[Sequence[str]], width: int, *, labeled: bool = False) -> list[str]:
    """Right-aligned columns; if they do not fit side by side, the rest follows below with labels repeated."""
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    label, found = int(labeled), []
    gap = 2 if INDENT + sum(widths) + 2 * (len(widths) - 1) <= width else 1
    start = label
    while start < len(widths):
        stop = start + 1
        while stop < len(widths) and INDENT + sum(w + gap for w in widths[:label] + widths[start : stop + 1]) <= width:
            stop += 1
        if start > label and not labeled and len(cells) > 1:
            found.append(" " * INDENT + f"and from column {start}:")
        shown = [*range(label), *range(start, stop)]
        found += [
            " " * INDENT + (" " * gap).join(row[column].rjust(widths[column]) for column in shown) for row in cells
        ]
        start = stop
    return [line.rstrip() for line in found]


def _numbers(row: Iterable[Tensor], of: Tensor) -> list[str]:
    return [_one(element, of) for element in row]


def _one(element: Tensor, of: Tensor) -> str:
    return number(element.item(), decimals(of))


def _index(place: Sequence[int]) -> str:
    return f"[{','.join(map(str, place))}]"


def _corner_places(size: int) -> list[int | None]:
    """The first three indices and the last, with None for those between; all of them if they are few."""
    return list(range(size)) if size <= 4 else [0, 1, 2, None, size - 1]


def _corners(shape: torch.Size) -> list[tuple[int, ...]]:
    """Four elements: the first three along the last axis, and the very last."""
    start = (0,) * (len(shape) - 1)
    last = tuple(size - 1 for size in shape)
    return list(dict.fromkeys([*((*start, k) for k in range(min(3, shape[-1]))), last]))
