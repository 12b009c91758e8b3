"""Step 1, layer by layer: what single kinds of layers get in training."""

import weakref
from typing import Any, final

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ._events import TimeFirst
from ._place import here
from ._record import FEW, Normalized, Record
from ._registry import Registry, named

MOST_CALLS = 1_000
"""The most calls of layers that take (steps, rows, features) that are recorded."""


@final
class Layers:
    """Notes the inputs of recurrent layers, of attention, of batch norm, and of layers that are used several times."""

    def __init__(self, record: Record, registry: Registry) -> None:
        self._record = record
        self._registry = registry
        self._answers: dict[int, weakref.ref[Tensor]] = {}
        self._num_calls = 0

    def saw(self, model: nn.Module, module: nn.Module, inputs: list[Any], result: Any) -> None:
        """A module of the running model has returned, with gradient."""
        if not inputs or not isinstance(inputs[0], Tensor):
            return
        if isinstance(module, nn.RNNBase | nn.MultiheadAttention):
            self._saw_steps(model, module, inputs[0])
        elif isinstance(module, _BatchNorm) and module.training and not isinstance(module, nn.SyncBatchNorm):
            self._saw_batch(model, module, inputs[0])
        if self._record.repeated:
            self._saw_repeated(module, inputs[0], result)

    def _saw_steps(self, model: nn.Module, module: "nn.RNNBase | nn.MultiheadAttention", x: Tensor) -> None:
        if not module.batch_first and x.dim() == 3 and min(x.shape[:2]) > 1 and self._num_calls < MOST_CALLS:
            number, key, shape = self._record.num_updates, self._registry.key(model), tuple(x.shape)
            self._record.events.append(TimeFirst(number, key, named(model, module), here(), shape))
            self._num_calls += 1

    def _saw_batch(self, model: nn.Module, module: nn.Module, x: Tensor) -> None:
        key = self._registry.key(module)
        if key not in self._record.normalized:
            self._record.normalized[key] = Normalized(named(model, module), here(), self._registry.key(model))
        seen, number = self._record.normalized[key], x.numel() // max(1, x.shape[1])
        seen.num_calls += 1
        if number <= FEW:
            seen.num_few, seen.least = seen.num_few + 1, number

    def _saw_repeated(self, module: nn.Module, x: Tensor, result: Any) -> None:
        key = self._registry.key(module)
        repeated = self._record.repeated.get(key)
        if repeated is not None and isinstance(result, Tensor):
            last = self._answers.get(key)
            repeated.is_chained |= last is not None and last() is x
            self._answers[key] = weakref.ref(result)
