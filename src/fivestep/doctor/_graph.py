"""The graph that autograd has drawn: what a number hangs on, and how it was made."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor

MOST_NODES = 100_000
"""Nodes that are walked, at most."""

SHAPERS = (
    "View", "UnsafeView", "ReshapeAlias", "Squeeze", "Unsqueeze", "Transpose", "T", "Permute", "Select", "Slice",
    "Clone", "ToCopy", "Expand", "Alias", "Contiguous",
)  # fmt: skip
"""What only gives numbers another shape or type."""

REDUCERS = ("Mean", "Sum", "Pow", "Mul", "Sub", "Div", "Abs", "Neg", "Sqrt", "Add", "NanToNum", "Square", *SHAPERS)
"""What may stand between a difference and the loss that is made of it by hand."""


def leaves_of(loss: Tensor) -> list[Tensor]:
    """The tensors that backward would give a gradient to."""
    if loss.grad_fn is None:
        return [loss] if loss.requires_grad else []
    return [node.variable for node in _nodes(loss.grad_fn) if getattr(node, "variable", None) is not None]


def _nodes(root: Any) -> Iterator[Any]:
    waiting, known = [root], {root}
    while waiting and len(known) < MOST_NODES:
        node = waiting.pop()
        yield node
        for following, _ in node.next_functions:
            if following is not None and following not in known:
                known.add(following)
                waiting.append(following)


def notes_of(node: Any) -> dict[str, Any]:
    """What can be written on a node, and stays there as long as the graph."""
    notes: dict[str, Any] = node.metadata
    return notes


def name_of(node: Any) -> str:
    """What autograd calls an operation: "Softmax" for SoftmaxBackward0."""
    return str(node.name()).rpartition("::")[2].partition("Backward")[0]


def maker_of(node: Any) -> Any:
    """The node that made the numbers of a tensor with this `grad_fn`, views and copies aside; None without a graph."""
    while node is not None and name_of(node).rstrip("0123456789") in SHAPERS and node.next_functions:
        node = node.next_functions[0][0]
    return node


def made_by_hand_of(loss: Tensor) -> Iterator[Any]:
    """The nodes between the loss and what it was made of, through operations on single numbers, means and sums."""
    waiting, known = [loss.grad_fn], 0
    while waiting and known < 50:
        node = waiting.pop()
        if node is not None:
            known += 1
            yield node
            if name_of(node) in REDUCERS:
                waiting += [following for following, _ in node.next_functions]
