"""Step 1 through torch's module hooks: which modules run, what models return, and where an error comes from."""

import sys
from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor, nn

from . import _graph, _look
from ._events import Left, NotFinite, Predicted, Refused
from ._place import here, is_used_here
from ._registry import modes, named

if TYPE_CHECKING:
    from ._watcher import Watcher

EVALUATIONS = 200
"""The most calls outside of training that are examined; the losses that follow the others are examined too."""

MOST_NOT_FINITE = 1_000
"""The most outputs that are not finite whose modules are recorded."""


@final
class Modules:
    """Follows which modules call which. The first is the model, called from outside."""

    def __init__(self) -> None:
        self.is_evaluating = False
        """Whether the last called model is in evaluation mode, within the limit of examined calls."""
        self.answered: int | None = None
        """The number of the last called model, if it was called without gradient and no loss has followed."""
        self._at_work: list[nn.Module] = []
        self._num_evaluations = 0
        self._num_not_finite = 0
        self._is_dropping = False
        self._last_answers: list[int] = []
        self._error: BaseException | None = None
        self._left: Left | None = None
        self._refused: tuple[BaseException | None, Refused | None] = None, None
        self._groups: set[Any] = set()

    def before(self, watcher: "Watcher", module: nn.Module) -> None:
        """A module is called."""
        self._at_work.append(module)
        if isinstance(module, nn.parallel.DistributedDataParallel):
            # held until the model is gone: its gradient reducer would join the group's threads while holding Python's
            # lock (torch 2.13), and one of them needs that lock to release our mode
            self._groups.add(module.process_group)
        if len(self._at_work) == 1 and module.training:
            watcher.graphs.left()
        if len(self._at_work) == 1 and module.training and torch.is_grad_enabled() and _is_model(module):
            watcher.window.saw(watcher.registry.key(module))
        if watcher.is_watching and _is_model(module):
            if len(self._at_work) == 1:
                watcher.registry.model(module)
            else:
                watcher.registry.part(module, self._at_work[0])

    def after(self, watcher: "Watcher", module: nn.Module, args: Any, *rest: Any) -> None:
        """A module has returned, or an error has left it."""
        if len(rest) == 1:  # torch omits the keyword arguments if an error has ended the call
            self._leave(module, args)
        kwargs, result = rest if len(rest) > 1 else ({}, None)
        root = self._at_work[0] if self._at_work else module
        while self._at_work and self._at_work.pop() is not module:
            pass  # one that an exception has left
        inputs = [*args, *kwargs.values()]
        if not self._at_work and len(rest) > 1 and _is_model(module):
            is_wanted = self._wants(watcher, module)
            self.is_evaluating = is_wanted and not module.training
            self.answered = None if torch.is_grad_enabled() else watcher.registry.key(module)
            if is_wanted:
                self._predicted(watcher, module, inputs, result)
        if len(rest) > 1 and watcher.is_watching and torch.is_grad_enabled():
            watcher.layers.saw(root, module, inputs, result)
        if len(rest) > 1 and watcher.is_watching and torch.is_grad_enabled():  # last: what cannot be examined ends this
            self._look_for_no_number(watcher, root, module, inputs, result)

    def numbers_at_work(self, watcher: "Watcher") -> tuple[int, int]:
        """The numbers of the running model and of the innermost running module; 0 outside of all."""
        if not self._at_work:
            return 0, 0
        return watcher.registry.key(self._at_work[0]), watcher.registry.key(self._at_work[-1])

    def saw_dropout(self) -> None:
        """Notes that something was dropped in the innermost module, even in evaluation mode."""
        self._is_dropping |= bool(self._at_work) and not self._at_work[-1].training

    def saw_refused(self, error: Exception, refused: Refused) -> None:
        """Notes a loss function that raised an error."""
        self._refused = error, refused

    def origin_of(self, error: Exception) -> tuple[Left | None, Refused | None]:
        """The module, and the loss, that an error came from."""
        left = self._left if error is self._error else None
        return left, self._refused[1] if error is self._refused[0] else None

    def _leave(self, module: nn.Module, args: Any) -> None:
        """Remembers the innermost module that the error passed through."""
        error = sys.exc_info()[1]
        if error is not self._error:
            self._error = error
            tensors = [x for x in args if isinstance(x, Tensor)]
            self._left = Left(
                named(self._at_work[0], module),
                tuple(tuple(x.shape) for x in tensors),
                tuple(map(_look.dtype_of, tensors)),
                next(map(_look.dtype_of, module.parameters(recurse=False)), ""),
            )

    def _look_for_no_number(
        self, watcher: "Watcher", root: nn.Module, module: nn.Module, inputs: list[Any], result: Any
    ) -> None:
        """Remembers a module whose output is not finite and is not that of another module."""
        answers = [x for x in (result if isinstance(result, tuple | list) else [result]) if isinstance(x, Tensor)]
        last, self._last_answers = self._last_answers, [id(x) for x in answers]
        is_known = last == self._last_answers or self._num_not_finite >= MOST_NOT_FINITE
        if is_known or all(map(_look.is_finite, answers)):
            return
        self._num_not_finite += 1
        watcher.record.events.append(
            NotFinite(
                watcher.record.num_updates,
                watcher.registry.key(root),
                named(root, module),
                all(_look.is_finite(x) for x in inputs if isinstance(x, Tensor)),
                all(map(_look.is_finite, module.parameters())),
            )
        )

    def _wants(self, watcher: "Watcher", module: nn.Module) -> bool:
        if module.training and torch.is_grad_enabled():
            return watcher.is_watching
        self._num_evaluations += 1
        return self._num_evaluations <= EVALUATIONS

    def _predicted(self, watcher: "Watcher", module: nn.Module, inputs: list[Any], result: Any) -> None:
        tensors = [x for x in inputs if isinstance(x, Tensor)]
        facts = tuple(_look.facts_of(x) for x in tensors)
        in_training, in_evaluation = modes(module)
        is_dropping, self._is_dropping = self._is_dropping, False
        if isinstance(result, Tensor) and result.grad_fn is not None:
            _graph.notes_of(result.grad_fn)["fivestep"] = watcher.record.num_updates
            (watcher.graphs.made if module.training else watcher.graphs.answered)(result, here())
        watcher.record.events.append(
            Predicted(
                watcher.record.num_updates,
                watcher.registry.model(module),
                here(),
                module.training,
                torch.is_grad_enabled(),
                facts,
                bool(tensors) and all(_look.are_rows_alike(x) for x in tensors),
                is_dropping,
                in_training,
                in_evaluation,
                torch.is_grad_enabled() or is_used_here(),
            )
        )


def _is_model(module: nn.Module) -> bool:
    """Whether a module has parameters, unlike a loss or a transformation of rows."""
    return next(module.parameters(), None) is not None
