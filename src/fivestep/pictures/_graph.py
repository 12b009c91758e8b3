"""The graph that autograd builds of the real loss, read from `loss.grad_fn`, as data and as Mermaid text."""

import statistics
from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor

from ..batches import Batch
from ..engines._base import FiveStepEngine

WORDS = {"Addmm": "x W^T + b", "Mm": "x W^T", "T": "transpose", "Permute": "transpose"}
"""What an operation does, where its name does not say it."""


class Node(NamedTuple):
    """A box: its key ("n0", "n1", ...), its words, and whether it is an "operation" or a "parameter"."""

    key: str
    words: str
    kind: str


class Graph(NamedTuple):
    """Boxes in rows by their largest distance from the loss, and from which to which a gradient goes."""

    rows: list[list[Node]]
    edges: list[tuple[str, str]]

    def mermaid(self) -> str:
        """The graph as text that Markdown pages show as a drawing."""
        lines = ["flowchart TD"]
        for node in (node for row in self.rows for node in row):
            words = node.words.replace("\n", "<br/>").replace('"', "'")
            lines.append(f'    {node.key}(["{words}"])' if node.kind == "parameter" else f'    {node.key}["{words}"]')
        lines += [f"    {start} --> {end}" for start, end in self.edges]
        return "\n".join(lines) + "\n"


def autograd_graph_of(engine: FiveStepEngine, batch: Batch) -> Graph:
    """The graph of the loss of a batch, in the engine "autograd" or "nn"; the engine stays as it is.

    Operations are torch's own, `AddmmBackward0` is the one that sends the gradient back through `torch.addmm`.
    """
    buffers = engine.params.buffers.clone()
    loss = engine.loss(engine.forward(batch.x), batch.y, batch.weight)
    engine.params.buffers.copy_(buffers)
    assert loss.grad_fn is not None, "only autograd has a graph"
    return graph_of(loss, {view.data_ptr(): name for name, view in engine.named_parameters().items()})


def graph_of(loss: Tensor, names: Mapping[int, str]) -> Graph:
    """The graph behind any tensor; `names` gives parameters by the address of their memory."""
    depth: dict[Any, int] = {}
    edges: list[tuple[Any, Any]] = []
    _descend(loss.grad_fn, 0, depth, edges)
    keys = {node: f"n{k}" for k, node in enumerate(sorted(depth, key=lambda node: depth[node]))}
    rows: list[list[Node]] = [[] for _ in range(max(depth.values()) + 1)]
    for node, row in depth.items():
        rows[row].append(_node(node, keys[node], names))
    by_key = list(dict.fromkeys((keys[start], keys[end]) for start, end in edges))
    place = {rows[0][0].key: 0.5}
    for below in rows[1:]:
        below.sort(key=lambda one: statistics.mean(place[start] for start, end in by_key if end == one.key))
        place |= {one.key: (k + 0.5) / len(below) for k, one in enumerate(below)}  # below those that lead to it
    return Graph(rows, by_key)


def _descend(node: Any, row: int, depth: dict[Any, int], edges: list[tuple[Any, Any]]) -> None:
    """Every node below, at its largest distance; a network is a short chain, so the recursion is too."""
    if node in depth and depth[node] >= row:
        return
    depth[node] = row
    for below, _ in node.next_functions:
        if below is not None:
            edges.append((node, below))
            _descend(below, row + 1, depth, edges)


def _node(node: Any, key: str, names: Mapping[int, str]) -> Node:
    name = type(node).__name__
    if name == "AccumulateGrad":
        parameter: Tensor = node.variable
        words = f"{names.get(parameter.data_ptr(), 'parameter')} {tuple(parameter.shape)}"
        return Node(key, words, "parameter")
    operation = name.removesuffix("0").removesuffix("1").removesuffix("Backward")
    more = f"\n{WORDS[operation]}" if operation in WORDS else ""
    return Node(key, f"{name}{more}", "operation")
