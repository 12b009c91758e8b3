"""The record of a loop, with the queries of the checks."""

import math
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple, TypeVar, final

from ._events import Clipped, Differentiated, Event, Failed, Measured, NotFinite, Place, Predicted, TimeFirst, Updated

E = TypeVar("E", Predicted, Measured, Differentiated, Updated, Clipped, TimeFirst, NotFinite)
L = TypeVar("L", Measured, Differentiated)

HABIT = 3
"""Occurrences that make a pattern: a first or a last step may differ, but what the loop itself does occurs in each."""

FEWEST = 20
"""Backward passes needed to tell whether a loss falls: its last fifth is then a mean of four."""

LATE = 0.8
"""The share of all updates after which losses are those of the end."""

FALLEN = 0.1
"""The share of its initial value by which a loss must fall to count as learning."""

FEW = 4
"""Numbers of a channel from which batch norm takes mean and deviation: `checks/batch_norm_of_few_rows.py`."""

SEARCH = 100.0
"""The factor by which rates differ where one is looked for, from step to step."""

LEVEL = 0.01
"""The share by which the last fifth of a flat loss may be below the fifth before."""


@final
class Ends(NamedTuple):
    """The first loss, the mean of the last ones, and their number."""

    first: float
    last: float
    number: int


@final
@dataclass
class Leaf:
    """A tensor that gets gradients. `name` is its name in its model, or empty; `model` is the model's key."""

    name: str
    shape: tuple[int, ...]
    model: int | None
    is_parameter: bool
    needs_grad: bool = True
    first_mark: float | None = None
    last_mark: float | None = None
    num_alike: int = 0
    """Watched updates with a gradient after which all rows were still identical, as at the beginning."""
    num_moves: int = 0
    """How often it was moved by hand, between two backward passes, without an optimizer."""
    num_along: int = 0
    """How many of these moves went along its gradient: uphill."""

    @property
    def has_changed(self) -> bool:
        """Whether it differed between the first and the last watched backward pass."""
        return self.first_mark != self.last_mark

    @property
    def words(self) -> str:
        """Its name, or its shape in words."""
        return self.name or f"a tensor of shape {self.shape}"


@final
@dataclass
class Model:
    """A module with parameters that was called from outside other modules."""

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
    first_update: int = 0
    """The total number of updates before its first one."""
    last_update: int = 0
    """The total number of updates after its last one."""
    num_idle: int = 0
    """Updates without any gradient, and without a backward pass since its last one."""
    last_backward: int | None = None
    """The total number of backward passes before its last update."""
    num_before: int = 0
    """How many optimizers in a row had its parameters before it, each without passing on its memory."""
    has_memory: bool = False
    """Whether it has memory, such as momentum; only determined if it has such predecessors."""
    num_fresh: int = 0
    """How many similar optimizers in a row had similar new parameters before it, for one pass each."""


@final
@dataclass
class Schedule:
    """An `LRScheduler`: its optimizer, the number of steps it is made for, and how it was stepped."""

    name: str
    rule: int
    place: Place | None
    length: int | None
    updates_at_start: int
    updates_at_step: int
    """The updates of its optimizer when it was stepped last."""
    num_steps: int = 0
    num_idle: int = 0
    """Steps without an update of its optimizer since the step before."""
    was_made: bool = False
    """Whether it was made while watched."""
    is_ahead: bool = False
    """Whether it was stepped before the first update of its optimizer."""

    @property
    def num_updates(self) -> int:
        """Updates of its optimizer up to its last step."""
        return self.updates_at_step - self.updates_at_start


@final
@dataclass
class Loader:
    """A `DataLoader`: its number of batches, whether they are in the rows' order, and how often it was started."""

    length: int
    is_in_order: bool
    num_begun: int = 0
    num_short: int = 0
    """How often it was started one update after its last start."""


@final
@dataclass
class RunningSum:
    """Losses that were summed as tensors: the line, and their rounds."""

    place: Place | None
    rounds: frozenset[int]


@final
@dataclass(frozen=True)
class Loaded:
    """Weights that were loaded into themselves: the line, and how many updates after they were obtained."""

    place: Place | None
    num_updates: int


@final
@dataclass(frozen=True)
class Kept:
    """Graphs that were alive at once: their number, and the line where the last was made."""

    place: Place | None
    number: int


@final
@dataclass
class Normalized:
    """A batch norm in training mode: its calls, those with at most `FEW` numbers for each channel, and the last."""

    layer: str
    place: Place | None
    model: int
    num_calls: int = 0
    num_few: int = 0
    least: int = 0
    """The numbers for each channel in the last of those calls."""


@final
@dataclass
class Repeated:
    """One layer that stands several times in a container, and whether it got what it had made itself."""

    layer: str
    container: str
    model: int
    times: int
    is_chained: bool


@final
@dataclass
class Activation:
    """An activation: how many units had no slope for any row in the last ten watched rounds, and in how many rounds.

    `model` is 0 outside of all modules.
    """

    kind: str
    place: Place | None
    model: int
    num_units: int
    num_rounds: int = 0
    num_dead: int = 0


@final
@dataclass
class Record:
    """Everything that was seen. Events are those of watched rounds; `num_updates` and `num_backwards` count all."""

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
    """For parameters without an optimizer: backward passes that added to a gradient that an update by hand had used."""
    loaded: Loaded | None = None
    activations: list[Activation] = field(default_factory=list)
    normalized: dict[int, Normalized] = field(default_factory=dict)
    repeated: dict[int, Repeated] = field(default_factory=dict)
    paddings: dict[int, int] = field(default_factory=dict)
    """The `padding_idx` of the models' embeddings, by their number of rows."""
    dropouts: dict[int, dict[str, float]] = field(default_factory=dict)
    """The dropout layers of each model by name, with the share that they drop."""
    failed: Failed | None = None
    is_complete: bool = False
    """Whether the loop ended normally."""
    is_refused: bool = False
    """Whether the script exited with a code of its own, or printed its --help."""
    has_scaler: bool = False
    """Whether a `GradScaler` made updates, of which it skips some."""
    num_updates: int = 0
    num_backwards: int = 0
    movers: "array[int]" = field(default_factory=lambda: array("q"))
    """The optimizer of each update, watched or not."""
    first_loss: float | None = None
    """The loss with which an earlier training began that this one goes on with."""
    company: "list[Record]" = field(default_factory=list)
    """Of one training, those at the same time with another loss: they may depend on each other, as actor and critic."""
    unseen: Counter[str] = field(default_factory=Counter)

    def of(self, kind: type[E]) -> Iterator[E]:
        """The events of one kind, in order."""
        return (event for event in self.events if isinstance(event, kind))

    @property
    def losses(self) -> list[float]:
        """The values on which backward was called."""
        return [event.loss for event in self.of(Differentiated)]

    @property
    def places(self) -> set[Place | None]:
        """The lines on which backward was called."""
        return {event.place for event in self.of(Differentiated)}

    @property
    def ends(self) -> "Ends | None":
        """The loss at the start and at the end."""
        return self.ends_of(list(self.of(Differentiated)))

    def ends_of(self, passes: list[Differentiated]) -> "Ends | None":
        """The loss at the start and at the end of some of its backward passes.

        Not a mean of the first ones, as the second may already have exploded.
        """
        late = [event.loss for event in self.late(passes)]
        return Ends(passes[0].loss, sum(late) / len(late), len(late)) if passes else None

    def late(self, events: list[L], least: int = 1) -> list[L]:
        """Those of the last fifth of its updates, if `HABIT` were seen; else the last fifth of those seen."""
        late = [event for event in events if self.num_updates and event.round >= LATE * self.num_updates]
        return late if len(late) >= max(HABIT, least) else events[-max(least, len(events) // 5) :]

    @property
    def is_long(self) -> bool:
        """Whether there are enough losses to tell whether they fall."""
        return len(self.losses) >= FEWEST

    @property
    def is_stuck(self) -> bool:
        """Whether the loss has clearly not fallen, over enough steps to tell, nor that of any in its company."""
        if not self.is_long or self.ends is None:
            return False
        first, last, _ = self.ends
        firsts = [first] if self.first_loss is None else [first, self.first_loss]
        others = [other.ends for other in self.company if other.is_long]
        pairs = [*((one, last) for one in firsts), *((one.first, one.last) for one in others if one is not None)]
        return not any(has_fallen(first, last) for first, last in pairs)

    @property
    def is_search(self) -> bool:
        """Whether the rate grows by a factor of 100: one is looked for, from step to step."""
        updates = list(self.of(Updated))
        if not updates:
            return False
        return max(updates[-1].rates, default=0.0) > SEARCH * max(updates[0].rates, default=0.0) > 0

    @property
    def is_level(self) -> bool:
        """Whether the loss is flat: its last fifth is no lower than the fifth before."""
        fifth, losses = len(self.losses) // 5, self.losses
        if not self.is_long or not all(map(math.isfinite, losses)):
            return False
        before, last = sum(losses[-2 * fifth : -fifth]), sum(losses[-fifth:])
        return last > before - LEVEL * abs(before)

    @property
    def update_ratios(self) -> list[float]:
        """|update| / |weights| of each matrix in each watched update with a gradient."""
        return [
            one.update / one.weight
            for event in self.of(Updated)
            for one in event.moved
            if one.weight > 0 and one.gradient and len(self.leaves[one.leaf].shape) > 1
        ]

    @property
    def is_in_turn(self) -> bool:
        """Whether at most one optimizer is at work at a time."""
        moving = sorted((rule.first_update, rule.last_update) for rule in self.rules.values() if rule.num_steps)
        return all(last <= first for (_, last), (first, _) in pairwise(moving))

    @property
    def is_one_loss(self) -> bool:
        """Whether backward was called on only one line, with one optimizer at a time: not a game of several players."""
        return not self.company and self.is_in_turn and len(self.places) == 1

    @property
    def unused(self) -> dict[int, set[int]]:
        """Optimizers that made no update while others did, each with the parameters that backward reached for it alone.

        A parameter must have been reached `HABIT` times, and stay as it was.
        """
        moving = {leaf for rule in self.rules.values() if rule.num_steps for leaf in rule.leaves}
        times = Counter(leaf for event in self.of(Differentiated) for leaf in event.leaves - moving)
        still = {leaf for leaf, number in times.items() if number >= HABIT and not self.leaves[leaf].has_changed}
        waiting = {key: rule.leaves & still for key, rule in self.rules.items() if moving and not rule.num_steps}
        return {key: own for key, own in waiting.items() if own}

    def names(self, leaves: "set[int] | frozenset[int]", most: int = 3) -> str:
        """The first few parameters, by name."""
        words = [self.leaves[key].words for key in sorted(leaves)]
        rest = len(words) - most
        return ", ".join(words[:most]) + (f" and {rest} more" if rest > 0 else "")


def has_fallen(first: float, last: float) -> bool:
    """Whether a loss is finite, and lower by `FALLEN` of what it was."""
    return math.isfinite(last) and last <= first - FALLEN * abs(first)


def is_stuck(losses: list[float]) -> bool:
    """Whether there are enough losses to tell, and the mean of their last fifth has not fallen."""
    fifth = len(losses) // 5
    return len(losses) >= FEWEST and not has_fallen(losses[0], sum(losses[-fifth:]) / fifth)


def update_count(number: int) -> str:
    """A number of updates in words."""
    return f"{number:,} update{'' if number == 1 else 's'}"
