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

PRODUCTS = ("Addmm", "Mm", "Linear")
"""Products with a matrix of weights."""

LINEAR = (*PRODUCTS, "Add", "Sub", "Neg", "AccumulateGrad", "NativeDropout", "NativeBatchNorm", *SHAPERS)
"""What gives straight lines when the model answers: dropout is left out then, and batch norm a scale and a shift."""

MOST_LINEAR = 200
"""Nodes of a graph that is said to be linear, at most."""


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


def linear_matrices_of(root: Any) -> list[tuple[int, ...]]:
    """The shapes of the weights behind an answer with this `grad_fn`; empty if anything in it bends.

    Or if no matrix is multiplied by what came from another one.
    """
    if root is None:
        return []
    nodes: list[Any] = []
    for node in _nodes(root):
        nodes.append(node)
        if len(nodes) > MOST_LINEAR or not _is_straight(node):
            return []
    variables = [node.variable for node in nodes if getattr(node, "variable", None) is not None]
    return [tuple(p.shape) for p in variables if p.dim() == 2] if _depth(root, {}) > 1 else []


def _is_straight(node: Any) -> bool:
    """Whether what it gives is linear in what came from other nodes; one factor of a product may be a number."""
    name, given = name_of(node) or str(node.name()).rpartition("::")[2], node.next_functions
    if name in PRODUCTS:
        return sum(not _is_leaf(one) for one, _ in given[-2:] if one is not None) < 2
    return name in LINEAR or (name in ("Mul", "Div") and sum(one is not None for one, _ in given) == 1)


def _is_leaf(node: Any) -> bool:
    return getattr(maker_of(node), "variable", None) is not None


def _depth(node: Any, known: dict[Any, int]) -> int:
    """How many products lie one behind the other."""
    if node not in known:
        behind = [_depth(one, known) for one, _ in node.next_functions if one is not None]
        known[node] = max(behind, default=0) + (name_of(node) in PRODUCTS)
    return known[node]
