"""The hooks: torch's own extension points, through which a loop is seen without being changed.

Module hooks see the models (`_modules.py`), optimizer hooks the updates (`_updates.py`), and a `TorchFunctionMode`
(`_functions.py`) losses and backward; what torch hands to none of them is replaced meanwhile (`_calls.py`). Which
rounds are watched is said by `_window.py`. Errors in here are noted and never reach the loop.
"""

import os
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any, TypeVar, final

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from ._beginners import Beginners
from ._calls import calls_seen
from ._events import Failed
from ._functions import Functions, backward_seen, is_recorded
from ._gradients import Gradients
from ._kept import Graphs
from ._layers import Layers
from ._loaders import Loaders
from ._modules import Modules
from ._place import place_of
from ._record import Record
from ._registry import Registry
from ._scaling import Scaling
from ._schedules import Schedules
from ._successors import Successors
from ._units import Activations
from ._updates import Updates
from ._warnings import warnings_in_place
from ._window import Window

R = TypeVar("R")


@final
class Enough(BaseException):
    """Raised after the requested number of updates, to end the script."""


@final
class Watcher:
    """Watches a loop and writes its record; raises `Enough` after `most_updates`."""

    def __init__(self, most_updates: int | None = None) -> None:
        self.record = Record()
        self.registry = Registry(self.record)
        self.window = Window(self.record)
        self.modules = Modules()
        self.updates = Updates(self.record)
        self.gradients = Gradients(self.registry)
        self.scaling = Scaling(self.registry)
        self.schedules = Schedules(self.record, self.registry)
        self.successors = Successors(self.record, self.registry)
        self.beginners = Beginners(self.record, self.registry)
        self.loaders = Loaders(self.record, self.registry)
        self.activations = Activations(self.record)
        self.layers = Layers(self.record, self.registry)
        self.graphs = Graphs(self.record)
        self.is_busy = False
        self._home = (os.getpid(), threading.get_ident())
        self._most = most_updates
        self._open = ExitStack()

    def open(self) -> None:
        """Begins to watch."""
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
        """Restores torch."""
        self._open.close()
        self.note(lambda watcher: watcher.graphs.left())

    @property
    def is_own_thread(self) -> bool:
        """Whether the caller is the loop's own thread and process."""
        return self._home == (os.getpid(), threading.get_ident())

    @property
    def is_watching(self) -> bool:
        """Whether this round is watched."""
        return self.window.is_open

    def note(self, look: Callable[..., R], *args: Any) -> R | None:
        """Returns `look(self, *args)`, or None if that was not possible.

        Runs only in the loop's own thread and process, and not within another look; errors are noted and not passed on.
        """
        if self.is_busy or is_recorded() or not self.is_own_thread:
            return None
        self.is_busy = True
        try:
            with torch._C.DisableTorchFunction():  # calls in here would go through the mode: benchmarks/doctor.py
                return look(self, *args)
        except Exception as error:
            first_line = str(error).strip()[:80].partition("\n")[0]
            self.record.unseen[": ".join(filter(None, [type(error).__name__, first_line]))] += 1
            return None
        finally:
            self.is_busy = False

    def saw_error(self, error: Exception) -> None:
        """Notes an error that ended the loop."""
        origin = self.modules.origin_of(error)
        self.record.failed = self.note(lambda _: Failed(str(error), place_of(error), *origin))

    def _before_module(self, module: nn.Module, _: Any) -> None:
        self.note(self.modules.before, module)

    def _after_module(self, module: nn.Module, args: Any, *rest: Any) -> None:
        self.note(self.modules.after, module, args, *rest)

    def _before_update(self, optimizer: Optimizer, _: Any, __: Any) -> None:
        self.note(self.updates.before, optimizer)

    def _after_update(self, optimizer: Optimizer, _: Any, __: Any) -> None:
        self.note(self.updates.after, optimizer)
        if self._most is not None and self.record.num_updates >= self._most:
            raise Enough


def _leave(functions: Functions) -> None:
    """Removes it from the stack of modes, unless Ctrl-C came in the moment when torch itself had removed it."""
    with suppress(AssertionError, RuntimeError):
        functions.__exit__(None, None, None)  # type: ignore[no-untyped-call]
