"""Step 2: the arguments of a loss, whether a torch function or written by hand."""

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from . import _graph, _look
from ._events import Measured, Refused
from ._place import here

if TYPE_CHECKING:
    from ._watcher import Watcher


COUNTS = {
    "cross_entropy": _look.class_counts,
    "binary_cross_entropy": _look.binary_counts,
    "binary_cross_entropy_with_logits": _look.binary_counts,
}
"""Losses of classes, with the function that counts the rows of each class."""


RELATIONS = {
    "cross_entropy": _look.relation_of_labels,
    "binary_cross_entropy_with_logits": _look.relation,
    "mse_loss": _look.relation,
}
"""Losses, with the function that measures whether their two arguments have to do with each other."""


def _given(args: Any, kwargs: Any) -> tuple[Tensor, Tensor]:
    """What a loss compares: the prediction and the target."""
    return args[0] if args else kwargs["input"], args[1] if len(args) > 1 else kwargs["target"]


def refused(watcher: "Watcher", name: str, args: Any, kwargs: Any, error: Exception) -> None:
    """Records a torch loss function that raised an error."""
    logits, target = _given(args, kwargs)
    if isinstance(logits, Tensor) and isinstance(target, Tensor):
        watcher.modules.saw_refused(error, Refused(name, _look.facts_of(logits), _look.facts_of(target)))


def measured(watcher: "Watcher", name: str, args: Any, kwargs: Any, result: Tensor) -> None:
    """Records a call of a torch loss function."""
    logits, target = _given(args, kwargs)
    if result.grad_fn is not None:
        _graph.notes_of(result.grad_fn)["fivestep"] = watcher.record.num_updates
        watcher.graphs.made(result, here())
    event = _event(watcher, name, logits, target, _graph.maker_of(logits.grad_fn))
    model, watcher.modules.answered = watcher.modules.answered, None
    model = None if torch.is_grad_enabled() else model
    watcher.record.events.append(
        event._replace(
            place=here(),
            linear=_linear(watcher, logits.grad_fn),
            has_grad=result.requires_grad,
            leaves=frozenset(map(watcher.registry.leaf, _graph.leaves_of(result))),
            value=float(result.detach()) if result.numel() == 1 else math.nan,
            padded=_padded(watcher.record.paddings, logits, target, kwargs)
            if _is_of_labels(name, args, kwargs)
            else None,
            counts=COUNTS[name](logits, _counting(target, kwargs))
            if name in COUNTS and _is_plain(args, kwargs)
            else (),
            relation=RELATIONS[name](logits, target) if name in RELATIONS and model is not None else None,
            model=model,
        )
    )


def measured_in_evaluation(_: "Watcher", result: Tensor) -> None:
    """Notes a loss with a graph in an evaluation, in a round that is not watched."""
    if result.grad_fn is not None:
        _graph.notes_of(result.grad_fn)["fivestep"] = -1


def measured_by_hand(watcher: "Watcher", nodes: list[Any], leaves: frozenset[int]) -> None:
    """Records the losses among the nodes of one that depends on `leaves`: differences of a prediction and a target."""
    power = 1 if {_graph.name_of(node) for node in nodes} & {"Abs", "Sqrt"} else 2
    for node in nodes:
        found = _graph.notes_of(node).get("fivestep difference")
        if found is not None:
            place, made_by, prediction, target = found
            name = "squared difference" if power == 2 else "absolute difference"
            event = _event(watcher, name, prediction, target, _graph.maker_of(made_by))
            linear, value = _linear(watcher, made_by), _mean_power(prediction, target, power)
            watcher.record.events.append(event._replace(place=place, value=value, leaves=leaves, linear=linear))


def _linear(watcher: "Watcher", node: Any) -> tuple[tuple[int, ...], ...] | None:
    """The matrices behind the output of a node, in the first rounds of a model or an optimizer."""
    return tuple(_graph.linear_matrices_of(node)) if watcher.window.is_first else None


@torch.no_grad()
def _mean_power(prediction: Tensor, target: Tensor, power: int) -> float:
    """The mean power of |prediction - target|, if both have one shape: others would broadcast."""
    is_fit = prediction.shape == target.shape
    return float((prediction - target).double().abs().pow(power).mean()) if is_fit else math.nan


def _event(watcher: "Watcher", name: str, logits: Tensor, target: Tensor, maker: Any) -> Measured:
    """The event for both arguments, and the node that made the first."""
    sums, notes = _look.row_sums(logits), {} if maker is None else _graph.notes_of(maker)
    before, reach = _graph.before(maker), _graph.reach_of(maker)
    return Measured(
        round=watcher.record.num_updates,
        name=name,
        place=None,
        has_grad=True,
        input=_look.facts_of(logits),
        target=_look.facts_of(target),
        is_swapped=target.requires_grad and not logits.requires_grad,
        source="" if maker is None else notes.get("fivestep kind", _graph.name_of(maker)),
        source_place=notes.get("fivestep place"),
        before="" if before is None else _graph.name_of(before),
        reach=reach,
        held=0.0 if reach is None else _look.held(logits, target, *reach),
        viewed=None if logits.grad_fn is None else _graph.viewed_by(logits.grad_fn),
        padded=None,
        row_sums=None if sums is None else sums[0],
        row_logs=None if sums is None or _graph.is_weighted_log(maker) else sums[1],
        target_sums=_look.target_sums(logits, target),
        value=math.nan,
        leaves=frozenset(),
        counts=(),
        relation=None,
        model=None,
        linear=None,
    )


def _is_of_labels(name: str, args: Any, kwargs: Any) -> bool:
    """Whether all labels count alike: nothing says which do not."""
    is_weighted = kwargs.get("weight") is not None or len(args) > 2
    return name in ("cross_entropy", "nll_loss") and not is_weighted and kwargs.get("reduction", "mean") != "none"


def _padded(paddings: dict[int, int], logits: Tensor, target: Tensor, kwargs: Any) -> tuple[int, float] | None:
    """The padding among the labels, and its share; None if it is ignored, or if there is none."""
    padding = paddings.get(logits.shape[1]) if logits.dim() > 1 and not target.is_floating_point() else None
    if padding is None or padding == kwargs.get("ignore_index", -100) or not target.numel():
        return None
    return padding, float((target == padding).double().mean())


def _counting(target: Tensor, kwargs: Any) -> Tensor:
    """The targets that count: without those of `ignore_index`."""
    return target if target.is_floating_point() else target[target != kwargs.get("ignore_index", -100)]


def _is_plain(args: Any, kwargs: Any) -> bool:
    """Whether a loss is a plain mean over the rows that count, without options."""
    has_weights = kwargs.get("weight") is not None or kwargs.get("pos_weight") is not None
    has_more = has_weights or kwargs.get("label_smoothing") or len(args) > 2
    return not has_more and kwargs.get("reduction", "mean") == "mean" and kwargs.get("reduce") is None
