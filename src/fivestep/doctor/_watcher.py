"""The hooks: torch's own extension points, through which a loop is seen without being changed.

Module hooks see the models, optimizer hooks the updates, and a `TorchFunctionMode` (`_functions.py`) losses and
backward; what torch hands to none of them is replaced meanwhile (`_calls.py`). The first rounds are watched, then two
in a row at intervals: what was cleared between two updates is only seen by whoever sees both. Whatever goes wrong in
here is noted and never reaches the loop.
"""

import os
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, final

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from . import _graph, _look
from ._calls import calls_seen
from ._events import Failed, Left, Moved, Predicted, Refused, Spoiled, Updated
from ._functions import Functions, backward_seen, is_recorded
from ._gradients import Gradients
from ._kept import Graphs
from ._loaders import Loaders
from ._place import here, place_of
from ._record import Record
from ._registry import Registry, moods
from ._scaling import Scaling
from ._schedules import Schedules
from ._successors import Successors
from ._units import Bends, Rows
from ._warnings import warnings_in_place

P = ParamSpec("P")
R = TypeVar("R")

FIRST, EVERY, EVALUATIONS = 30, 50, 200
"""Rounds that are watched from the beginning; the interval of those after them; calls without training, in all."""

MOST_SPOILED = 1_000
"""Answers that are not finite, of which is written down whose they are."""


def quietly(look: "Callable[Concatenate[Watcher, P], R]") -> "Callable[Concatenate[Watcher, P], R | None]":
    """Only in the loop's own thread and process, not while looking already; what fails is noted and goes no further.

    What it gives is None then.
    """

    @wraps(look)
    def looked(watcher: "Watcher", /, *args: P.args, **kwargs: P.kwargs) -> R | None:
        if watcher.is_busy or is_recorded() or not watcher.is_at_home:
            return None
        watcher.is_busy = True
        try:
            with torch._C.DisableTorchFunction():  # what is called in here would pass the mode: benchmarks/doctor.py
                return look(watcher, *args, **kwargs)
        except Exception as error:
            first_line = str(error).strip()[:80].partition("\n")[0]
            watcher.record.unseen[": ".join(filter(None, [type(error).__name__, first_line]))] += 1
            return None
        finally:
            watcher.is_busy = False

    return looked


@final
class Enough(BaseException):
    """As many updates as were asked for: ends the script."""


@final
class Watcher:
    """Sees a loop and writes its record. `most_updates`: raises `Enough` after so many."""

    def __init__(self, most_updates: int | None = None) -> None:
        self.record = Record()
        self.registry = Registry(self.record)
        self.gradients = Gradients(self.registry)
        self.scaling = Scaling(self.registry)
        self.schedules = Schedules(self.record, self.registry)
        self.successors = Successors(self.record, self.registry)
        self.loaders = Loaders(self.record, self.registry)
        self.bends = Bends(self.record)
        self.graphs = Graphs(self.record)
        self._rows = Rows(self.record)
        self.is_busy = False
        self.is_evaluating = False
        """Whether the last model that was called is in evaluation mode, and few have been until now."""
        self._home = (os.getpid(), threading.get_ident())
        self._most = most_updates
        self._at_work: list[nn.Module] = []
        self._before: dict[int, dict[int, Tensor]] = {}
        self._scales: dict[int, float] = {}
        self._num_lost: dict[int, int] = {}
        self._with_closure: set[int] = set()
        self._num_evaluations = 0
        self._is_dropping = False
        self._last_answers: list[int] = []
        self._error: BaseException | None = None
        self._left_module: Left | None = None
        self._refused: tuple[BaseException | None, Refused | None] = None, None
        self._groups: set[Any] = set()
        self._open = ExitStack()

    def open(self) -> None:
        """Begins to look."""
        for handle in (
            register_module_forward_pre_hook(self._before_module),
            register_module_forward_hook(self._after_module, with_kwargs=True, always_call=True),
            register_optimizer_step_pre_hook(self._before_update),
            register_optimizer_step_post_hook(self._after_update),
        ):
            self._open.callback(handle.remove)
        functions = Functions(self)
        self._open.enter_context(warnings_in_place())
        self._open.enter_context(backward_seen(functions, self))
        self._open.enter_context(calls_seen(self))
        self._open.callback(_leave, functions.__enter__())  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Leaves torch as it was."""
        self._open.close()
        self.note(lambda watcher: watcher.graphs.left())

    @property
    def is_at_home(self) -> bool:
        """Whether it is the loop's own thread and process that asks."""
        return self._home == (os.getpid(), threading.get_ident())

    @property
    def is_awake(self) -> bool:
        """Whether this round is watched."""
        number = self.record.num_updates or self.record.num_backwards
        return number < FIRST or number % EVERY < 2

    @quietly
    def _before_module(self, module: nn.Module, _: Any) -> None:
        self._at_work.append(module)
        if isinstance(module, nn.parallel.DistributedDataParallel):
            # held until the model is gone: what reduces its gradients would end the group's threads with Python's lock
            # in hand (torch 2.13), while one of them waits for that lock to let go of our mode
            self._groups.add(module.process_group)
        if len(self._at_work) == 1 and module.training:
            self.graphs.left()
        if self.is_awake and _is_model(module):
            if len(self._at_work) == 1:
                self.registry.model(module)
            else:
                self.registry.part(module, self._at_work[0])

    @quietly
    def _after_module(self, module: nn.Module, args: Any, *rest: Any) -> None:
        if len(rest) == 1:  # torch leaves the keywords out where an error has ended the call
            self._left(module, args)
        kwargs, result = rest if len(rest) > 1 else ({}, None)
        root = self._at_work[0] if self._at_work else module
        while self._at_work and self._at_work.pop() is not module:
            pass  # one that an exception has left
        if not self._at_work and len(rest) > 1 and _is_model(module):
            is_wanted = self._wants(module)
            self.is_evaluating = is_wanted and not module.training
            if is_wanted:
                self._predicted(module, [*args, *kwargs.values()], result)
        if len(rest) > 1 and self.is_awake and torch.is_grad_enabled():  # last: what cannot be looked at ends this
            self._look_for_no_number(root, module, [*args, *kwargs.values()], result)

    def _look_for_no_number(self, root: nn.Module, module: nn.Module, inputs: list[Any], result: Any) -> None:
        """Remembers it, if it gave numbers that are not finite and are not what another module gave."""
        answers = [x for x in (result if isinstance(result, tuple | list) else [result]) if isinstance(x, Tensor)]
        last, self._last_answers = self._last_answers, [id(x) for x in answers]
        if len(self.record.spoiled) >= MOST_SPOILED or last == self._last_answers or all(map(_look.is_finite, answers)):
            return
        self.record.spoiled.append(
            Spoiled(
                self.record.num_updates,
                _name(root, module),
                all(_look.is_finite(x) for x in inputs if isinstance(x, Tensor)),
                all(map(_look.is_finite, module.parameters())),
            )
        )

    @property
    def module_at_work(self) -> int:
        """The number of the innermost module; 0 outside of all."""
        return self.registry.key(self._at_work[-1]) if self._at_work else 0

    def _left(self, module: nn.Module, args: Any) -> None:
        """Remembers the innermost module that the error went through."""
        error = sys.exc_info()[1]
        if error is not self._error:
            self._error = error
            tensors = [x for x in args if isinstance(x, Tensor)]
            self._left_module = Left(
                _name(self._at_work[0], module),
                tuple(tuple(x.shape) for x in tensors),
                tuple(map(_look.dtype_of, tensors)),
                next(map(_look.dtype_of, module.parameters(recurse=False)), ""),
            )

    def saw_dropout(self) -> None:
        """Something was dropped in the innermost module, also if that is in evaluation mode."""
        self._is_dropping |= bool(self._at_work) and not self._at_work[-1].training

    def saw_refused(self, error: Exception, refused: Refused) -> None:
        """A loss function could not be computed."""
        self._refused = error, refused

    @quietly
    def saw_error(self, error: Exception) -> None:
        """The loop has ended with an error."""
        left = self._left_module if error is self._error else None
        refused = self._refused[1] if error is self._refused[0] else None
        self.record.failed = Failed(str(error), place_of(error), left, refused)

    def _wants(self, module: nn.Module) -> bool:
        if module.training and torch.is_grad_enabled():
            return self.is_awake
        self._num_evaluations += 1
        return self._num_evaluations <= EVALUATIONS

    def _predicted(self, module: nn.Module, inputs: list[Any], result: Any) -> None:
        tensors = [x for x in inputs if isinstance(x, Tensor)]
        facts = tuple(_look.facts_of(x) for x in tensors)
        stirring, resting = moods(module)
        is_dropping, self._is_dropping = self._is_dropping, False
        if isinstance(result, Tensor) and result.grad_fn is not None:
            _graph.notes_of(result.grad_fn)["fivestep"] = self.record.num_updates
            (self.graphs.made if module.training else self.graphs.answered)(result, here())
        self.record.events.append(
            Predicted(
                self.record.num_updates,
                self.registry.model(module),
                here(),
                module.training,
                torch.is_grad_enabled(),
                facts,
                bool(tensors) and all(_look.are_rows_alike(x) for x in tensors),
                is_dropping,
                stirring,
                resting,
            )
        )

    @quietly
    def _before_update(self, optimizer: Optimizer, _: Any, __: Any) -> None:
        rule = self.registry.key(optimizer)
        if self.is_awake or rule not in self.record.rules:
            self.registry.rule(optimizer)
        self.successors.before_update(rule, optimizer)
        if self.is_awake:
            parameters = self._parameters(optimizer)
            self._before[rule] = {leaf: _look.sample(p) for leaf, p in parameters}
            self._scales[rule] = self.scaling.scale_of(parameters)
            self._num_lost[rule] = self.gradients.num_lost(parameters)
            for leaf, p in parameters:
                self._rows.before_update(leaf, p)
            self._with_closure.discard(rule)

    @quietly
    def note(self, look: Callable[..., R], *args: Any) -> R:
        """Looks at something, as quietly as the hooks do; what it saw is None where it could not look."""
        return look(self, *args)

    def saw_backward(self) -> None:
        """A backward pass while an optimizer is at work is one of its closure."""
        self._with_closure |= set(self._before)

    def _after_update(self, optimizer: Optimizer, _: Any, __: Any) -> None:
        self._updated(optimizer)
        if self._most is not None and self.record.num_updates >= self._most:
            raise Enough

    @quietly
    def _updated(self, optimizer: Optimizer) -> None:
        rule = self.registry.key(optimizer)
        before = self._before.pop(rule, None)
        if before is not None:
            parameters = self._parameters(optimizer)
            self.record.events.append(self._event(optimizer, rule, before))
            self.gradients.after_update(rule, parameters)
            self.scaling.unscaled(p for _, p in parameters)
        elif rule not in self.record.rules:
            self.registry.rule(optimizer)
        self.record.num_updates += 1
        self.record.rules[rule].num_steps += 1
        self.record.rules[rule].last_update = self.record.num_updates
        self.successors.after_update(rule, optimizer)
        if not self.is_awake:
            self.gradients.forget()
            self.scaling.forget()

    def _event(self, optimizer: Optimizer, rule: int, before: dict[int, Tensor]) -> Updated:
        moved = []
        for leaf, p in self._parameters(optimizer):
            old, new = before[leaf], _look.sample(p)
            gradient = None if p.grad is None else _look.size(p.grad)
            self._rows.after_update(leaf, p, gradient)
            is_stale = self.gradients.is_stale(rule, leaf)
            moved.append(Moved(leaf, gradient, _look.size(old), _look.size(new - old), is_stale))
        rates = tuple(float(group.get("lr", 0.0)) for group in optimizer.param_groups)
        was_given = self.gradients.was_given(self.record.rules[rule].leaves)
        has_closure = rule in self._with_closure
        return Updated(
            self.record.num_updates,
            rule,
            here(),
            rates,
            tuple(moved),
            has_closure,
            was_given,
            scale=self._scales.pop(rule, 1.0),
            num_lost=self._num_lost.pop(rule, 0),
            decay=max((float(group.get("weight_decay", 0.0)) for group in optimizer.param_groups), default=0.0),
            is_upwards=all(group.get("maximize", False) for group in optimizer.param_groups),
        )

    def _parameters(self, optimizer: Optimizer) -> list[tuple[int, Tensor]]:
        return [(self.registry.leaf(p), p) for group in optimizer.param_groups for p in group["params"]]


def _name(model: nn.Module, module: nn.Module) -> str:
    """What a module is called in the model that is at work, and what it prints."""
    name = next((path for path, part in model.named_modules() if part is module), "")
    return f"{name or 'the model'} = {type(module).__name__}({module.extra_repr()})"


def _leave(functions: Functions) -> None:
    """Takes it off the stack of modes, unless Ctrl-C came in the moment for which torch itself had taken it off."""
    with suppress(AssertionError, RuntimeError):
        functions.__exit__(None, None, None)  # type: ignore[no-untyped-call]


def _is_model(module: nn.Module) -> bool:
    """Whether it has parameters of its own, as a loss or a transformation of rows has not."""
    return next(module.parameters(), None) is not None
