"""Step 5 through torch's optimizer hooks: the parameters before an update and after it."""

from typing import TYPE_CHECKING, final

from torch import Tensor
from torch.optim import Optimizer

from . import _look
from ._events import Moved, Updated
from ._place import here
from ._units import Rows

if TYPE_CHECKING:
    from ._record import Record, Rule
    from ._watcher import Watcher


STRAIGHT = 0.999
"""The cosine between an update and the way back from which it is the same way: 1 up to rounding."""


@final
class Updates:
    """Records the events of optimizers, and counts all updates, watched or not."""

    def __init__(self, record: "Record") -> None:
        self._record = record
        self._rows = Rows(record)
        self._before: dict[int, dict[int, Tensor]] = {}
        self._scales: dict[int, float] = {}
        self._num_lost: dict[int, int] = {}
        self._with_closure: set[int] = set()
        self._last: dict[int, tuple[int, int, Tensor, Tensor]] = {}
        self._taken_back: dict[int, float | None] = {}

    def before(self, watcher: "Watcher", optimizer: Optimizer) -> None:
        """Called before an optimizer moves its parameters."""
        rule = watcher.registry.key(optimizer)
        if watcher.is_watching or rule not in watcher.record.rules:
            watcher.registry.rule(optimizer)
        watcher.successors.before_update(rule, optimizer)
        watcher.window.saw(rule, is_rule=True)
        if not watcher.record.rules[rule].num_steps:
            watcher.beginners.before_first_update(rule, optimizer, watcher.loaders.last)
        if watcher.is_watching:
            parameters = _parameters(watcher, optimizer)
            self._before[rule] = {leaf: _look.sample(p) for leaf, p in parameters}
            self._scales[rule] = watcher.scaling.scale_of(parameters)
            self._num_lost[rule] = watcher.gradients.num_lost(parameters)
            for leaf, p in parameters:
                self._rows.before_update(leaf, p)
            self._with_closure.discard(rule)
            self._taken_back[rule] = self._share_taken_back(rule)

    def _share_taken_back(self, rule: int) -> float | None:
        """The share of its last update that was undone since, if a matrix was moved straight back."""
        number, leaf, after, way = self._last.pop(rule, (-1, -1, None, None))
        now = self._before[rule].get(leaf)
        if now is None or after is None or way is None or number != self._record.rules[rule].num_steps:
            return None
        back = after - now
        lengths = _look.size(back) * _look.size(way)
        is_straight = lengths > 0 and _look.dot(back, way) > STRAIGHT * lengths
        return _look.size(back) / _look.size(way) if is_straight else None

    def saw_backward(self) -> None:
        """Notes a backward pass within an optimizer's step: one of its closure."""
        self._with_closure |= set(self._before)

    def after(self, watcher: "Watcher", optimizer: Optimizer) -> None:
        """Called after it has moved them."""
        rule, record = watcher.registry.key(optimizer), watcher.record
        before = self._before.pop(rule, None)
        if before is not None:
            parameters = _parameters(watcher, optimizer)
            record.events.append(self._event(watcher, optimizer, rule, before))
            watcher.gradients.after_update(rule, parameters)
            watcher.scaling.unscaled(p for _, p in parameters)
        elif rule not in record.rules:
            watcher.registry.rule(optimizer)
        record.num_updates += 1
        watcher.window.updated()
        record.movers.append(rule)
        self._count(record.rules[rule], optimizer)
        watcher.successors.after_update(rule, optimizer)
        watcher.beginners.after_update(rule, optimizer)
        if not watcher.is_watching:
            watcher.gradients.forget()
            watcher.scaling.forget()

    def _count(self, rule: "Rule", optimizer: Optimizer) -> None:
        record = self._record
        has_gradient = any(p.grad is not None for group in optimizer.param_groups for p in group["params"])
        rule.num_idle += not has_gradient and rule.last_backward in (None, record.num_backwards)
        rule.first_update = rule.first_update if rule.num_steps else record.num_updates - 1
        rule.num_steps += 1
        rule.last_update, rule.last_backward = record.num_updates, record.num_backwards

    def _event(self, watcher: "Watcher", optimizer: Optimizer, rule: int, before: dict[int, Tensor]) -> Updated:
        moved = []
        for leaf, p in _parameters(watcher, optimizer):
            old, new = before[leaf], _look.sample(p)
            gradient = None if p.grad is None else _look.size(p.grad)
            self._rows.after_update(leaf, p, gradient)
            is_stale = watcher.gradients.is_stale(rule, leaf)
            way, weight = new - old, _look.size(old)
            update = _look.size(way)
            if rule not in self._last and p.dim() > 1 and update > 0:
                self._last[rule] = self._record.rules[rule].num_steps + 1, leaf, new, way
            shrinking = -_look.dot(way, old) / (update * weight) if update * weight > 0 else 0.0
            moved.append(Moved(leaf, gradient, weight, update, is_stale, shrinking))
        return Updated(
            watcher.record.num_updates,
            rule,
            here(),
            tuple(float(group.get("lr", 0.0)) for group in optimizer.param_groups),
            tuple(moved),
            has_closure=rule in self._with_closure,
            was_given=watcher.gradients.was_given(watcher.record.rules[rule].leaves),
            scale=self._scales.pop(rule, 1.0),
            num_lost=self._num_lost.pop(rule, 0),
            decay=max((float(group.get("weight_decay", 0.0)) for group in optimizer.param_groups), default=0.0),
            taken_back=self._taken_back.pop(rule, None),
            betas=tuple(float(beta) for beta in optimizer.param_groups[0].get("betas", ())),
            is_upwards=all(group.get("maximize", False) for group in optimizer.param_groups),
        )


def _parameters(watcher: "Watcher", optimizer: Optimizer) -> list[tuple[int, Tensor]]:
    return [(watcher.registry.leaf(p), p) for group in optimizer.param_groups for p in group["params"]]
