"""The torch functions that a loop calls: losses, backward, and parts of losses written by hand."""

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.overrides import TorchFunctionMode

from . import _graph
from ._backward import after_backward, before_backward
from ._losses import measured, measured_in_evaluation, refused
from ._place import here
from ._record import Loaded, RunningSum

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
    F.kl_div: "kl_div",
}
"""Losses that take a prediction and a target, in this order."""

DIFFERENCES = (torch.sub, torch.subtract, Tensor.sub, Tensor.subtract, Tensor.__sub__, Tensor.__rsub__)

SUMS = (torch.add, Tensor.add, Tensor.add_, Tensor.__add__, Tensor.__radd__, Tensor.__iadd__)

SOFTMAXES = (torch.softmax, F.softmax, Tensor.softmax)
"""Remembered with their line, like sigmoids, because they should not come before some losses."""

DROPOUTS: tuple[Call, ...] = (F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout, torch.dropout)

RELUS: tuple[Call, ...] = (F.relu, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_)
SIGMOIDS: tuple[Call, ...] = (torch.sigmoid, F.sigmoid, Tensor.sigmoid)
TANHS: tuple[Call, ...] = (torch.tanh, F.tanh, Tensor.tanh)

ACTIVATIONS = dict.fromkeys(RELUS, "ReLU") | dict.fromkeys(SIGMOIDS, "sigmoid") | dict.fromkeys(TANHS, "tanh")
"""Activations whose units can die or saturate."""


ALWAYS = (Tensor.backward, Tensor.detach)
"""Examined in every round: a `state_dict` calls `detach` at any time."""


def is_recorded() -> bool:
    """Whether torch is compiling or tracing: observations would become part of the result."""
    return torch.compiler.is_compiling() or torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]


@final
class Functions(TorchFunctionMode):
    """Passes every call on unchanged, and examines a few of them afterwards."""

    def __init__(self, watcher: "Watcher") -> None:
        super().__init__()
        self._watcher = watcher
        self._looks: dict[Any, Callable[[Call, Any, Any], Any]] = {
            **dict.fromkeys(LOSSES, self._loss),
            **dict.fromkeys(DIFFERENCES, self._difference),
            **dict.fromkeys(SOFTMAXES, self._source),
            **dict.fromkeys(DROPOUTS, self._dropout),
            **dict.fromkeys(ACTIVATIONS, self._activation),
            **dict.fromkeys(SUMS, self._sum),
            Tensor.backward: self.backward,
            Tensor.detach: self._detach,
            Tensor.copy_: self._copy,
        }
        self._snapshots: dict[int, tuple[weakref.ref[Tensor], int]] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        watcher = self._watcher
        if func not in self._looks or watcher.is_busy or is_recorded():
            return func(*args, **kwargs)
        is_seen = func in ALWAYS or watcher.is_watching or watcher.modules.is_evaluating
        if not is_seen and torch.is_grad_enabled():
            return self._called(func, args, kwargs) if func in LOSSES else func(*args, **kwargs)
        return self._looks[func](func, args, kwargs)

    def _called(self, func: Call, args: Any, kwargs: Any) -> Any:
        """Calls a loss; what it refuses is noted in every round, as the last batch of an epoch may be another."""
        try:
            return func(*args, **kwargs)
        except Exception as error:
            self._watcher.note(refused, LOSSES[func], args, kwargs, error)
            raise

    def _loss(self, func: Call, args: Any, kwargs: Any) -> Any:
        result = self._called(func, args, kwargs)
        if self._watcher.is_watching or not torch.is_grad_enabled():
            self._watcher.note(measured, LOSSES[func], args, kwargs, result)
        else:
            self._watcher.note(measured_in_evaluation, result)
        return result

    def _source(self, func: Call, args: Any, kwargs: Any) -> Any:
        result = func(*args, **kwargs)
        self._watcher.note(_remember_source, result)
        return result

    def _dropout(self, func: Call, args: Any, kwargs: Any) -> Any:
        result = func(*args, **kwargs)
        given = args[0] if args else kwargs["input"]
        self._watcher.note(_remember_dropout, given, result)
        if not torch.is_grad_enabled() and isinstance(result, Tensor) and result is not given:
            self._watcher.note(_find_dropped, given, result)
        return result

    def _activation(self, func: Call, args: Any, kwargs: Any) -> Any:
        result = self._source(func, args, kwargs) if ACTIVATIONS[func] == "sigmoid" else func(*args, **kwargs)
        self._watcher.note(_remember_activation, ACTIVATIONS[func], result)
        return result

    def _difference(self, func: Call, args: Any, kwargs: Any) -> Any:
        result = func(*args, **kwargs)
        self._watcher.note(_remember_difference, [*args, *kwargs.values()], result)
        return result

    def _sum(self, func: Call, args: Any, kwargs: Any) -> Any:
        terms = self._watcher.note(_terms_of, args[:2])  # before: an in-place update is its own result
        result = func(*args, **kwargs)
        if terms is not None and terms.rounds:
            self._watcher.note(_remember_sum, terms, result)
        return result

    def _detach(self, func: Call, args: Any, kwargs: Any) -> Any:
        result = func(*args, **kwargs)
        if isinstance(args[0], nn.Parameter):
            self._snapshots[id(result)] = weakref.ref(result), self._watcher.record.num_updates
            weakref.finalize(result, self._snapshots.pop, id(result), None)
        return result

    def _copy(self, func: Call, args: Any, kwargs: Any) -> Any:
        if len(args) > 1 and isinstance(args[0], nn.Parameter):
            reference, number = self._snapshots.get(id(args[1]), (None, 0))
            if reference is not None and reference() is args[1]:
                self._watcher.note(_loaded, args[0], args[1], number)
        return func(*args, **kwargs)

    def backward(self, func: Call, args: Any, kwargs: Any) -> Any:
        """Step 4, of one loss or of several at once."""
        given = args[0] if args else kwargs.get("self", kwargs.get("tensors"))
        watcher, losses = self._watcher, (given,) if isinstance(given, Tensor) else tuple(given)
        graph = watcher.note(before_backward, losses) if watcher.is_watching else None
        watcher.is_busy = True  # a recomputation for activation checkpointing is not a step of the loop
        try:
            result = func(*args, **kwargs)
        finally:
            watcher.is_busy = False
            watcher.record.num_backwards += 1
            watcher.graphs.used()
        if graph is not None:
            watcher.note(after_backward, graph)
        return result


@contextmanager
def backward_seen(functions: Functions, watcher: "Watcher") -> Iterator[None]:
    """A context in which `torch.autograd.backward` is seen too, the one function here that bypasses modes."""
    own = torch.autograd.backward

    @wraps(own)
    def backward(*args: Any, **kwargs: Any) -> None:
        if watcher.is_busy or is_recorded() or not watcher.is_own_thread:
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


def _remember_dropout(_: "Watcher", given: Any, result: Any) -> None:
    """Notes a dropout, unless it drops nothing and returns its input."""
    if isinstance(result, Tensor) and result.grad_fn is not None and result.grad_fn is not given.grad_fn:
        _graph.notes_of(result.grad_fn)["fivestep kind"] = "dropout"
        _graph.notes_of(result.grad_fn)["fivestep place"] = here()


def _find_dropped(watcher: "Watcher", given: Tensor, result: Tensor) -> None:
    """Notes whether, in an evaluation, nonzero numbers were set to 0."""
    if bool(((result == 0) & (given != 0)).any()):
        watcher.modules.saw_dropout()


def _remember_difference(_: "Watcher", given: list[Any], result: Any) -> None:
    parts = [part for part in given if isinstance(part, Tensor)]
    if len(parts) != 2 or not isinstance(result, Tensor) or result.grad_fn is None:
        return
    one, other = parts
    if one.requires_grad != other.requires_grad:
        prediction, target = (one, other) if one.requires_grad else (other, one)
        _graph.notes_of(result.grad_fn)["fivestep difference"] = here(), prediction.grad_fn, prediction.detach(), target


@final
class Terms(NamedTuple):
    """The losses in a running sum: their rounds and their number."""

    rounds: frozenset[int]
    number: int


def _terms_of(_: "Watcher", given: Sequence[Any]) -> Terms:
    rounds, number = set[int](), 0
    for part in given:
        if isinstance(part, Tensor) and part.grad_fn is not None and part.numel() == 1:
            number += _graph.notes_of(part.grad_fn).get("fivestep number", 1)
            for node in _graph.made_by_hand_of(part):
                notes = _graph.notes_of(node)
                rounds |= notes.get("fivestep sum", frozenset())
                if "fivestep" in notes:
                    rounds.add(notes["fivestep"])
    return Terms(frozenset(rounds), number)


def _remember_sum(watcher: "Watcher", terms: Terms, result: Any) -> None:
    if isinstance(result, Tensor) and result.grad_fn is not None:
        _graph.notes_of(result.grad_fn)["fivestep sum"] = terms.rounds
        _graph.notes_of(result.grad_fn)["fivestep number"] = terms.number
        if watcher.modules.is_evaluating:
            watcher.graphs.summed(here(), terms.number)
        known = watcher.record.running_sum
        if len(terms.rounds) > (1 if known is None else len(known.rounds)):
            watcher.record.running_sum = RunningSum(here(), terms.rounds)


def _loaded(watcher: "Watcher", p: Tensor, source: Tensor, number: int) -> None:
    """Whether a parameter is overwritten by itself, as obtained before the last updates."""
    record = watcher.record
    if p.data_ptr() == source.data_ptr() and p.shape == source.shape and record.num_updates > number:
        record.loaded = record.loaded or Loaded(here(), record.num_updates - number)


def _remember_activation(watcher: "Watcher", kind: str, answer: Any) -> None:
    if isinstance(answer, Tensor) and answer.grad_fn is not None and answer.dim() > 1 and answer.numel():
        watcher.activations.saw(kind, watcher.modules.numbers_at_work(watcher), here(), answer)
