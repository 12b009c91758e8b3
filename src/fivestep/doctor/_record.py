"""The record of a loop, and the questions that checks ask of it."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar, final

from ._events import Clipped, Differentiated, Event, Failed, Measured, Place, Predicted, Spoiled, Updated

E = TypeVar("E", Predicted, Measured, Differentiated, Updated, Clipped)

HABIT = 3
"""Times that make a habit: a first step, and a last one, may be another; what the loop itself does comes in each."""

FEWEST = 20
"""Backward passes from which on it can be said whether a loss falls: its last fifth is then a mean of four."""

FALLEN = 0.1
"""The share of its first size by which a loss must have fallen to count as learning."""

LEVEL = 0.01
"""The share by which the loss of the last fifth may be below that of the fifth before, for a loss that goes on flat."""


@final
@dataclass
class Leaf:
    """A tensor that gets gradients. `name` is its own in its model, or empty; `model` the key of that."""

    name: str
    shape: tuple[int, ...]
    model: int | None
    is_parameter: bool
    needs_grad: bool = True
    first_mark: float | None = None
    last_mark: float | None = None
    num_alike: int = 0
    """Updates seen after which all rows were still the same, as at the beginning, though there was a gradient."""
    num_moves: int = 0
    """Times that it was seen to be moved by hand, between two backward passes, without an optimizer."""
    num_along: int = 0
    """Those of them that went along its gradient: uphill."""

    @property
    def has_changed(self) -> bool:
        """Whether it was another at the last backward pass seen than at the first."""
        return self.first_mark != self.last_mark

    @property
    def words(self) -> str:
        """Its name, or what it looks like."""
        return self.name or f"a tensor of shape {self.shape}"


@final
@dataclass
class Model:
    """A module that was called from outside of other modules, with parameters of its own."""

    name: str
    leaves: set[int]
    num_parameters: int


@final
@dataclass
class Rule:
    """An optimizer: its class, and the keys of its parameters."""

    name: str
    leaves: set[int]
    num_steps: int = 0
    last_update: int = 0
    """The number of updates in all after its last one."""
    num_before: int = 0
    """How many in a row had its parameters before it and left them to it, with nothing of what they remembered."""
    has_memory: bool = False
    """Whether it remembers something of the gradients, as with momentum; known of those with some before it."""
    num_fresh: int = 0
    """How many in a row were like it and had parameters like its own before it, each begun anew, for one pass each."""


@final
@dataclass
class Schedule:
    """An `LRScheduler`: the optimizer that it belongs to, how many steps it is made for, and how it was stepped."""

    name: str
    rule: int
    place: Place | None
    length: int | None
    updates_at_start: int
    updates_at_step: int
    """Updates of its optimizer in all, when it was stepped last."""
    num_steps: int = 0
    num_idle: int = 0
    """Steps before which its optimizer had made no update since the step before."""
    was_made: bool = False
    """Whether it was made under watch."""
    is_ahead: bool = False
    """Whether it was stepped before the first update of its optimizer."""

    @property
    def num_updates(self) -> int:
        """Updates of its optimizer up to its last step."""
        return self.updates_at_step - self.updates_at_start


@final
@dataclass
class Loader:
    """A `DataLoader`: its batches, whether they come in the order of the rows, and how often it was begun."""

    length: int
    is_in_order: bool
    num_begun: int = 0
    num_short: int = 0
    """Times that it was begun one update after it had been begun before."""


@final
@dataclass
class RunningSum:
    """Losses that were added up as tensors: where, and of which rounds."""

    place: Place | None
    rounds: frozenset[int]


@final
@dataclass(frozen=True)
class Loaded:
    """Weights that were loaded into themselves: where, and how many updates after they had been asked for."""

    place: Place | None
    num_updates: int


@final
@dataclass(frozen=True)
class Kept:
    """Graphs that were alive at once: where the last of them was made, and how many."""

    place: Place | None
    number: int


@final
@dataclass
class Bend:
    """An activation: how many of its units had no slope for any row in the last ten rounds seen, and in how many."""

    kind: str
    place: Place | None
    num_units: int
    num_rounds: int = 0
    num_dead: int = 0


@final
@dataclass
class Record:
    """All that was seen. Events are those of watched rounds; `num_updates` and `num_backwards` count all."""

    events: list[Event] = field(default_factory=list)
    models: dict[int, Model] = field(default_factory=dict)
    rules: dict[int, Rule] = field(default_factory=dict)
    leaves: dict[int, Leaf] = field(default_factory=dict)
    schedules: dict[int, Schedule] = field(default_factory=dict)
    loaders: dict[int, Loader] = field(default_factory=dict)
    running_sum: RunningSum | None = None
    kept_in_training: Kept | None = None
    kept_in_evaluation: Kept | None = None
    summed_in_evaluation: Kept | None = None
    not_cleared: Counter[int] = field(default_factory=Counter)
    """Parameters that no optimizer has: backward passes that added to a gradient which an update by hand had used."""
    loaded: Loaded | None = None
    bends: list[Bend] = field(default_factory=list)
    spoiled: list[Spoiled] = field(default_factory=list)
    failed: Failed | None = None
    is_complete: bool = False
    """Whether the loop has come to its own end."""
    is_refused: bool = False
    """Whether the script ended itself with an exit code, or at its own --help."""
    has_scaler: bool = False
    """Whether a `GradScaler` made updates: it leaves some out."""
    num_updates: int = 0
    num_backwards: int = 0
    unseen: Counter[str] = field(default_factory=Counter)

    def of(self, kind: type[E]) -> Iterator[E]:
        """The events of one kind, in their order."""
        return (event for event in self.events if isinstance(event, kind))

    @property
    def losses(self) -> list[float]:
        """What backward was called on."""
        return [event.loss for event in self.of(Differentiated)]

    @property
    def ends(self) -> tuple[float, float] | None:
        """The loss at the start and at the end."""
        return ends_of(self.losses) if self.losses else None

    @property
    def is_long(self) -> bool:
        """Whether there are enough losses to say whether they fall."""
        return len(self.losses) >= FEWEST

    @property
    def is_stuck(self) -> bool:
        """Whether the loss has clearly not fallen, over enough steps to say so."""
        return is_stuck(self.losses)

    @property
    def is_level(self) -> bool:
        """Whether the loss has come to a stand, wherever: its last fifth is no lower than the fifth before."""
        fifth, losses = len(self.losses) // 5, self.losses
        if not self.is_long or not all(map(math.isfinite, losses)):
            return False
        before, last = sum(losses[-2 * fifth : -fifth]), sum(losses[-fifth:])
        return last > before - LEVEL * abs(before)

    @property
    def update_ratios(self) -> list[float]:
        """|update| / |weights| of each matrix in each update seen that had a gradient."""
        return [
            one.update / one.weight
            for event in self.of(Updated)
            for one in event.moved
            if one.weight > 0 and one.gradient and len(self.leaves[one.leaf].shape) > 1
        ]

    @property
    def is_one_loss(self) -> bool:
        """Whether backward was called on one line alone, and at most one optimizer moved: not a game of several."""
        moving = [rule for rule in self.rules.values() if rule.num_steps]
        return len({event.place for event in self.of(Differentiated)}) == 1 and len(moving) <= 1

    def names(self, leaves: "set[int] | frozenset[int]", most: int = 3) -> str:
        """Parameters by name, the first few of them."""
        words = [self.leaves[key].words for key in sorted(leaves)]
        rest = len(words) - most
        return ", ".join(words[:most]) + (f" and {rest} more" if rest > 0 else "")


def ends_of(losses: list[float]) -> tuple[float, float]:
    """The first of them, and the mean of the last fifth.

    Of the first no mean is taken, as the second may be beyond all bounds.
    """
    fifth = max(1, len(losses) // 5)
    return losses[0], sum(losses[-fifth:]) / fifth


def is_stuck(losses: list[float]) -> bool:
    """Whether there are enough of them to say so, and the last are no lower than the first but for `FALLEN` of it."""
    if len(losses) < FEWEST:
        return False
    first, last = ends_of(losses)
    return not math.isfinite(last) or last > first - FALLEN * abs(first)
