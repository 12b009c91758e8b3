"""Step 4: what a loss depends on, before it; and what has a gradient, after it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, final

from torch import Tensor

from . import _graph, _look
from ._events import Differentiated, Place
from ._losses import measured_by_hand
from ._place import here
from ._record import Record
from ._scaling import scale_in

if TYPE_CHECKING:
    from ._watcher import Watcher

SEARCHED = 2
"""The backward pass at which uncalled optimizers are searched for, if some parameters have none."""


@final
class Graph(NamedTuple):
    """The parameters that losses depend on, and the nodes between a loss function's result and the loss."""

    leaves: list[Tensor]
    nodes: list[Any]


def before_backward(watcher: "Watcher", losses: Sequence[Tensor]) -> Graph:
    """Records the event, and returns what is to be checked after it."""
    record, registry = watcher.record, watcher.registry
    watcher.updates.saw_backward()
    watcher.gradients.before_backward()
    leaves = list({id(p): p for loss in losses for p in _graph.leaves_of(loss)}.values())
    keys = frozenset(registry.leaf(p) for p in leaves)
    known = frozenset[int]().union(*(rule.leaves for rule in record.rules.values()))
    if record.num_backwards + 1 == SEARCHED and not keys <= known:
        registry.find_rules()
    marks = []
    for p in leaves:
        key = registry.leaf(p)
        entry, mark = record.leaves[key], _look.mark_of(p)
        marks.append((key, p, mark == entry.last_mark))
        entry.first_mark, entry.last_mark = mark if entry.first_mark is None else entry.first_mark, mark
        record.not_cleared[key] += watcher.gradients.is_added_to(key, p, mark)
        is_along = watcher.gradients.is_moved_along(key, p, record.num_backwards)
        entry.num_moves, entry.num_along = entry.num_moves + (is_along is not None), entry.num_along + bool(is_along)
    watcher.gradients.see_lost(marks)
    nodes = [node for loss in losses for node in _graph.made_by_hand_of(loss)]
    measured_by_hand(watcher, nodes, keys)
    value = sum(float(loss.detach().double().mean()) for loss in losses) / scale_in(nodes)
    has_graph = any(loss.requires_grad for loss in losses)
    is_late = _is_late(record, keys, nodes)
    is_leaf = has_graph and all(loss.grad_fn is None for loss in losses)
    record.events.append(
        Differentiated(
            record.num_updates,
            here(),
            value,
            has_graph,
            keys,
            is_late,
            is_leaf,
            is_mean_of_logs=all(map(_graph.is_mean_of_logs, losses)),
            is_first=watcher.window.is_first,
            doubled=_doubled(losses) if watcher.window.is_first else None,
        )
    )
    return Graph(leaves, nodes)


def after_backward(watcher: "Watcher", graph: Graph) -> None:
    """Records the gradients that it left."""
    leaves, nodes = graph
    held = {leaf for rule in watcher.record.rules.values() for leaf in rule.leaves}
    watcher.gradients.after_backward(leaves, held)
    watcher.scaling.after_backward(leaves, nodes)
    watcher.graphs.after_backward()
    for p in leaves:
        key = watcher.registry.leaf(p)
        if key not in held:
            mark = watcher.record.leaves[key].last_mark or 0.0
            watcher.gradients.remember(key, p, mark, watcher.record.num_backwards)


def _doubled(losses: Sequence[Tensor]) -> tuple[str, Place | None, int] | None:
    """A softmax that got the output of a softmax: its name, the line of the one before, and the length of its axis."""
    outer = next((node for node in map(_graph.doubled_softmax_of, losses) if node is not None), None)
    if outer is None:
        return None
    place = _graph.notes_of(_graph.before(outer)).get("fivestep place")
    return _graph.name_of(outer), place, outer._saved_result.shape[_graph.axis_of(outer)]


def _is_late(record: Record, leaves: frozenset[int], nodes: list[Any]) -> bool:
    """Whether an optimizer has moved a leaf since the loss, or its prediction, was computed."""
    made = [_graph.notes_of(node)["fivestep"] for node in nodes if "fivestep" in _graph.notes_of(node)]
    last = [rule.last_update for rule in record.rules.values() if not rule.leaves.isdisjoint(leaves)]
    return bool(made and last) and max(last) > max(made)
