"""Learning-rate schedules: how often they are stepped, relative to the updates of their optimizer."""

from typing import Any, final

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ._place import here
from ._record import Record, Schedule
from ._registry import Registry

LENGTHS = ("total_steps", "T_max")
"""The attributes of `OneCycleLR` and `CosineAnnealingLR` with the number of steps they are made for."""


@final
class Schedules:
    """Follows every `LRScheduler` from its construction, or from its first watched step."""

    def __init__(self, record: Record, registry: Registry) -> None:
        self._record = record
        self._registry = registry

    def before_step(self, scheduler: LRScheduler) -> None:
        """Called before a step, or its construction, which is a step of its own in torch."""
        key = self._registry.key(scheduler)
        is_beginning = getattr(scheduler, "_step_count", 1) == 0
        known = self._record.schedules.get(key)
        if known is None:
            known = self._record.schedules[key] = self._entered(scheduler)
            known.was_made = is_beginning
        if is_beginning:  # its construction, or that of a `SequentialLR` around it, which initializes it again
            return
        num_steps = self._num_steps(scheduler.optimizer)
        known.is_ahead |= known.was_made and not known.num_steps and num_steps == known.updates_at_start
        known.num_steps += 1
        known.num_idle += num_steps == known.updates_at_step
        known.updates_at_step, known.place = num_steps, here()

    def _entered(self, scheduler: LRScheduler) -> Schedule:
        rule = self._registry.key(scheduler.optimizer)
        if rule not in self._record.rules:
            self._registry.rule(scheduler.optimizer)
        number = self._num_steps(scheduler.optimizer)
        length: Any = next((value for name in LENGTHS if (value := getattr(scheduler, name, None))), None)
        return Schedule(type(scheduler).__name__, rule, here(), length, number, number)

    def _num_steps(self, optimizer: Optimizer) -> int:
        """The updates of the optimizer, or of others that share its groups, such as a wrapped one."""
        return sum(self._record.rules[rule].num_steps for rule in self._registry.rules_of_groups(optimizer))
