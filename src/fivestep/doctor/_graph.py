"""Autograd's graph: what a number depends on, and how it was made."""

import math
from collections.abc import Iterator
from typing import Any

from torch import Tensor

MOST_NODES = 100_000
"""The most nodes that are visited."""

SHAPERS = (
    "View", "UnsafeView", "ReshapeAlias", "Squeeze", "Unsqueeze", "Transpose", "T", "Permute", "Select", "Slice",
    "Clone", "ToCopy", "Expand", "Alias", "Contiguous",
)  # fmt: skip
"""Operations that only change shape or dtype."""

VIEWS = ("View", "UnsafeView", "ReshapeAlias")
"""Those that keep the order of the numbers: `view` and `reshape`."""

REDUCERS = ("Mean", "Sum", "Pow", "Mul", "Sub", "Div", "Abs", "Neg", "Sqrt", "Add", "NanToNum", "Square", *SHAPERS)
"""Operations between a difference and the loss that is made from it by hand."""

PRODUCTS = ("Addmm", "Mm", "Linear")
"""Products with a weight matrix."""

LINEAR = (*PRODUCTS, "Add", "Sub", "Neg", "AccumulateGrad", "NativeDropout", "NativeBatchNorm", *SHAPERS)
"""Operations that are linear in evaluation: dropout is the identity then, and batch norm a scale and a shift."""

CLAMPS = {
    "Clamp": ("_saved_min", "_saved_max"),
    "ClampMin": ("_saved_min", ""),
    "ClampMax": ("", "_saved_max"),
    "Hardtanh": ("_saved_min_val", "_saved_max_val"),
}
"""Operations that keep numbers within bounds, with the attributes of their nodes that hold these."""

MOST_LINEAR = 200
"""The most nodes of a graph that is examined for linearity."""


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
    """Notes attached to a node, which live as long as the graph."""
    notes: dict[str, Any] = node.metadata
    return notes


def name_of(node: Any) -> str:
    """Autograd's name of an operation: "Softmax" for SoftmaxBackward0."""
    return str(node.name()).rpartition("::")[2].partition("Backward")[0]


def maker_of(node: Any) -> Any:
    """The node that computed a tensor with this `grad_fn`, apart from views and copies; None without a graph."""
    while node is not None and name_of(node).rstrip("0123456789") in SHAPERS and node.next_functions:
        node = node.next_functions[0][0]
    return node


def viewed_by(node: Any) -> tuple[int, ...] | None:
    """The shape that a view or a reshape got; None for another node."""
    return tuple(map(int, node._saved_self_sym_sizes)) if name_of(node) in VIEWS else None


def is_weighted_log(node: Any) -> bool:
    """Whether this is a product with log probabilities, as in a focal loss: (1 - p)^2 log p."""
    if node is None or name_of(node) not in ("Mul", "Div"):
        return False
    factors = [maker_of(one) for one, _ in node.next_functions if one is not None]
    return any(one is not None and (name_of(one) == "LogSoftmax" or is_weighted_log(one)) for one in factors)


def reach_of(node: Any) -> tuple[float, float] | None:
    """The bounds of the clamp that this node is; None for another node, or for bounds that are tensors."""
    low, high = CLAMPS.get("" if node is None else name_of(node), ("", ""))
    bounds = getattr(node, low, None), getattr(node, high, None)
    if not low + high or any(isinstance(one, Tensor) for one in bounds):
        return None
    return -math.inf if bounds[0] is None else float(bounds[0]), math.inf if bounds[1] is None else float(bounds[1])


def before(node: Any) -> Any:
    """The node that made the first argument of this one, apart from views and copies."""
    return maker_of(node.next_functions[0][0]) if node is not None and node.next_functions else None


def made_by_hand_of(loss: Tensor) -> Iterator[Any]:
    """The nodes that a loss was made from, through elementwise operations, means and sums."""
    waiting, known = [loss.grad_fn], 0
    while waiting and known < 50:
        node = waiting.pop()
        if node is not None:
            known += 1
            yield node
            if name_of(node) in REDUCERS:
                waiting += [following for following, _ in node.next_functions]


PICKERS = ("Mean", "Sum", "Index", "Gather", "Diagonal", *SHAPERS)
"""Operations that choose among numbers or average them."""


def is_mean_of_logs(loss: Tensor) -> bool:
    """Whether a loss is a mean or a sum of numbers from a `log_softmax`, with nothing but a choice in between."""
    node = loss.grad_fn
    while node is not None and name_of(node) in PICKERS and node.next_functions:
        node = node.next_functions[0][0]
    return node is not None and name_of(node) in ("LogSoftmax", "LogSigmoid")


def doubled_softmax_of(loss: Tensor) -> Any:
    """A softmax, or its logarithm, behind the loss, of which the input is the output of a softmax over that axis."""
    for node in _nodes(loss.grad_fn) if loss.grad_fn is not None else ():
        if name_of(node) in ("Softmax", "LogSoftmax"):
            inner = before(node)
            if inner is node.next_functions[0][0] and name_of(inner) == "Softmax" and axis_of(inner) == axis_of(node):
                return node
    return None


def axis_of(node: Any) -> int:
    """The axis of a softmax, from the first one on."""
    dim: int = node._saved_dim
    shape = node._saved_result.shape
    return dim if dim < len(shape) else dim - 2**64 + len(shape)  # torch keeps a negative one as an unsigned number


def linear_matrices_of(root: Any) -> list[tuple[int, ...]]:
    """The shapes of the weights behind an output with this `grad_fn`; empty if there is a nonlinearity.

    Also empty if no product takes the result of another one.
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
    """Whether a node is linear in its inputs; one factor of a product may be a constant."""
    name, given = name_of(node) or str(node.name()).rpartition("::")[2], node.next_functions
    if name in PRODUCTS:
        return sum(not _is_leaf(one) for one, _ in given[-2:] if one is not None) < 2
    return name in LINEAR or (name in ("Mul", "Div") and sum(one is not None for one, _ in given) == 1)


def _is_leaf(node: Any) -> bool:
    return getattr(maker_of(node), "variable", None) is not None


def _depth(node: Any, known: dict[Any, int]) -> int:
    """The number of products in sequence."""
    if node not in known:
        behind = [_depth(one, known) for one, _ in node.next_functions if one is not None]
        known[node] = max(behind, default=0) + (name_of(node) in PRODUCTS)
    return known[node]
