"""An attempt at a network of a sweep, as recorded in the storage."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, final

State = Literal["running", "done", "pruned", "diverged", "lost"]


@final
@dataclass(frozen=True)
class Attempt:
    """Network `network` of a sweep, tried by `worker`: what was drawn for it, and its results so far.

    `drawn` has the value or the label of each varied setting, `rungs` the monitored figure by epoch, `value` the last
    one (lower is better), `figures` all that was measured. An attempt is "lost" if its worker has died.
    """

    network: int
    trial: int
    worker: str
    state: State
    drawn: Mapping[str, Any]
    rungs: Mapping[int, float] = field(default_factory=dict)
    value: float = math.inf
    figures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether it has ended in any way."""
        return self.state in ("done", "pruned", "diverged")

    @property
    def so_far(self) -> "Attempt":
        """The same as if it ended now, with its figure at the last rung."""
        if self.is_over or not self.rungs:
            return self
        epoch = max(self.rungs)
        return replace(self, value=self.rungs[epoch], figures={"epochs": epoch})


def ranked(attempts: Iterable[Attempt]) -> list[Attempt]:
    """The best network first: those that are done, then the others by how far they got."""
    order = {"done": 0, "running": 1, "pruned": 1, "diverged": 2}

    def place(one: Attempt) -> tuple[float, ...]:
        came_to = 0 if one.state == "done" else one.figures.get("epochs", 0)  # early stopping counts as done
        return (order[one.state], -came_to, one.value, one.network)

    return sorted(attempts, key=place)
