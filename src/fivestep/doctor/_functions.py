"""What a loop calls of torch's functions: losses, backward, and differences whose shapes do not match."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812
from torch.overrides import TorchFunctionMode

from . import _graph, _look
from ._backward import after_backward, before_backward
from ._events import Measured, Refused
from ._place import here
from ._record import Broadcast, RunningSum

if TYPE_CHECKING:
    from ._watcher import Watcher

Call = Callable[..., Any]

LOSSES = {
    F.cross_entropy: "cross_entropy",
    F.nll_loss: "nll_loss",
    F.binary_cross_entropy: "binary_cross_entropy",
    F.binary_cross_entropy_with_logits: "binary_cross_entropy_with_logits",
    F.mse_loss: "mse_loss",
    F.l1_loss: "l1_loss",
    F.smooth_l1_loss: "smooth_l1_loss",
    F.huber_loss: "huber_loss",
}
"""Losses of a prediction and a target, in this order."""

DIFFERENCES = (torch.sub, torch.subtract, Tensor.sub, Tensor.subtract, Tensor.__sub__, Tensor.__rsub__)

SUMS = (torch.add, Tensor.add, Tensor.add_, Tensor.__add__, Tensor.__radd__, Tensor.__iadd__)

SOFTMAXES = (torch.softmax, F.softmax, Tensor.softmax)
"""Remembered with their line, as the sigmoids are, because they should not come before some losses."""


RELUS: tuple[Call, ...] = (F.relu, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_)
SIGMOIDS: tuple[Call, ...] = (torch.sigmoid, F.sigmoid, Tensor.sigmoid)
TANHS: tuple[Call, ...] = (torch.tanh, F.tanh, Tensor.tanh)

BENDS = dict.fromkeys(RELUS, "ReLU") | dict.fromkeys(SIGMOIDS, "sigmoid") | dict.fromkeys(TANHS, "tanh")
"""Activations of which a unit can lose all slope."""


def is_recorded() -> bool:
    """Whether torch is about to compile or to trace what runs: a look would become part of it."""
    return torch.compiler.is_compiling() or torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]


@final
class Functions(TorchFunctionMode):
    """Passes every call on as it is, and looks at a few of them afterwards."""

    def __init__(self, watcher: "Watcher") -> None:
        super().__init__()
        self._watcher = watcher
        self._looks: dict[Any, Callable[[Call, Any, Any], Any]] = {
            **dict.fromkeys(LOSSES, self._loss),
            **dict.fromkeys(DIFFERENCES, self._difference),
            **dict.fromkeys(SOFTMAXES, self._source),
            **dict.fromkeys(BENDS, self._bend),
            **dict.fromkeys(SUMS, self._sum),
            Tensor.backward: self.backward,
        }

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        watcher = self._watcher
        if func not in self._looks or watcher.is_busy or is_recorded():
            return func(*args, **kwargs)
        if func is not Tensor.backward and not watcher.is_awake and torch.is_grad_enabled():
            return func(*args, **kwargs)
        return self._looks[func](func, args, kwargs)

    def _loss(self, func: Call, args: Any, kwargs: Any) -> Any:
        try:
            result = func(*args, **kwargs)
        except Exception as error:
            self._watcher.note(_refused, LOSSES[func], args, kwargs, error)
            raise
        self._watcher.note(_measured, LOSSES[func], args, kwargs, result)
        return result

    def _source(self, func: Call, args: Any, kwargs: Any) -> Any:
        result = func(*args, **kwargs)
        self._watcher.note(_remember_source, result)
        return result

    def _bend(self, func: Call, args: Any, kwargs: Any) -> Any:
        result = self._source(func, args, kwargs) if BENDS[func] == "sigmoid" else func(*args, **kwargs)
        self._watcher.note(_bent, BENDS[func], result)
        return result

    def _difference(self, func: Call, args: Any, kwargs: Any) -> Any:
        result = func(*args, **kwargs)
        self._watcher.note(_remember_difference, [*args, *kwargs.values()], result)
        return result

    def _sum(self, func: Call, args: Any, kwargs: Any) -> Any:
        rounds = set[int]()
        self._watcher.note(_find_rounds, args[:2], rounds)  # before: an update in place is its own
        result = func(*args, **kwargs)
        if rounds:
            self._watcher.note(_remember_sum, frozenset(rounds), result)
        return result

    def backward(self, func: Call, args: Any, kwargs: Any) -> Any:
        """Step 4, of one loss or of several at once."""
        given, leaves = args[0] if args else kwargs.get("self", kwargs.get("tensors")), list[Tensor]()
        watcher, losses = self._watcher, (given,) if isinstance(given, Tensor) else tuple(given)
        is_watched = watcher.is_awake
        if is_watched:
            watcher.note(before_backward, losses, leaves)
        watcher.is_busy = True  # what is called again for a checkpoint is no step of the loop
        try:
            result = func(*args, **kwargs)
        finally:
            watcher.is_busy = False
            watcher.record.num_backwards += 1
        if is_watched:
            watcher.note(after_backward, leaves)
        return result


@contextmanager
def backward_seen(functions: Functions, watcher: "Watcher") -> Iterator[None]:
    """While it lasts, `torch.autograd.backward` is seen too: the one function here that torch hands to no mode."""
    own = torch.autograd.backward

    @wraps(own)
    def backward(*args: Any, **kwargs: Any) -> None:
        if watcher.is_busy or is_recorded() or not watcher.is_at_home:
            own(*args, **kwargs)
        else:
            functions.backward(own, args, kwargs)

    torch.autograd.backward = backward
    try:
        yield
    finally:
        torch.autograd.backward = own


def _remember_source(_: "Watcher", result: Any) -> None:
    if isinstance(result, Tensor) and result.grad_fn is not None:
        _graph.notes_of(result.grad_fn)["fivestep place"] = here()


def _remember_difference(_: "Watcher", given: list[Any], result: Any) -> None:
    parts = [part for part in given if isinstance(part, Tensor)]
    if len(parts) != 2 or not isinstance(result, Tensor) or result.grad_fn is None:
        return
    one, other = parts
    shapes = tuple(one.shape), tuple(other.shape)
    if result.shape not in shapes and one.requires_grad != other.requires_grad:
        _graph.notes_of(result.grad_fn)["fivestep broadcast"] = Broadcast(here(), shapes, tuple(result.shape))


def _find_rounds(_: "Watcher", given: Sequence[Any], rounds: set[int]) -> None:
    """Fills `rounds` with those whose losses are in the numbers to be added."""
    for part in given:
        if isinstance(part, Tensor) and part.grad_fn is not None and part.numel() == 1:
            for node in _graph.made_by_hand_of(part):
                notes = _graph.notes_of(node)
                rounds |= notes.get("fivestep sum", frozenset())
                if "fivestep" in notes:
                    rounds.add(notes["fivestep"])


def _remember_sum(watcher: "Watcher", rounds: frozenset[int], result: Any) -> None:
    if isinstance(result, Tensor) and result.grad_fn is not None:
        _graph.notes_of(result.grad_fn)["fivestep sum"] = rounds
        known = watcher.record.running_sum
        if len(rounds) > (1 if known is None else len(known.rounds)):
            watcher.record.running_sum = RunningSum(here(), rounds)


def _bent(watcher: "Watcher", kind: str, answer: Any) -> None:
    if isinstance(answer, Tensor) and answer.grad_fn is not None and answer.dim() > 1 and answer.numel():
        watcher.bends.saw(kind, watcher.module_at_work, here(), answer)


def _given(args: Any, kwargs: Any) -> tuple[Tensor, Tensor]:
    """What a loss compares: the prediction and the target."""
    return args[0] if args else kwargs["input"], args[1] if len(args) > 1 else kwargs["target"]


def _refused(watcher: "Watcher", name: str, args: Any, kwargs: Any, error: Exception) -> None:
    logits, target = _given(args, kwargs)
    if isinstance(logits, Tensor) and isinstance(target, Tensor):
        watcher.saw_refused(error, Refused(name, _look.facts_of(logits), _look.facts_of(target)))


def _measured(watcher: "Watcher", name: str, args: Any, kwargs: Any, result: Tensor) -> None:
    (logits, target), record = _given(args, kwargs), watcher.record
    if result.grad_fn is not None:
        _graph.notes_of(result.grad_fn)["fivestep"] = record.num_updates
    maker = _graph.maker_of(logits)
    sums = _look.row_sums(logits)
    record.events.append(
        Measured(
            record.num_updates,
            name,
            here(),
            result.requires_grad,
            _look.facts_of(logits),
            _look.facts_of(target),
            "" if maker is None else _graph.name_of(maker),
            None if maker is None else _graph.notes_of(maker).get("fivestep place"),
            None if sums is None else sums[0],
            None if sums is None else sums[1],
            _look.target_sums(logits, target),
            float(result.detach()) if result.numel() == 1 else math.nan,
            _look.class_counts(logits, target) if name == "cross_entropy" and _is_plain(args, kwargs) else (),
        )
    )


def _is_plain(args: Any, kwargs: Any) -> bool:
    """Whether nothing is asked of a loss but the mean over all rows."""
    has_more = kwargs.get("weight") is not None or kwargs.get("label_smoothing") or len(args) > 2
    return not has_more and kwargs.get("reduction", "mean") == "mean" and kwargs.get("reduce") is None
