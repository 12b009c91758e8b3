"""An attempt at a network of a sweep, as the storage knows it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, final

State = Literal["running", "done", "pruned", "diverged", "lost"]


@final
@dataclass(frozen=True)
class Attempt:
    """Network `network` of a sweep, tried by `worker`: what was drawn for it, and what came out so far.

    `drawn` holds the value or the label of each setting that is varied, `rungs` the monitored figure by epoch, `value`
    the last one (less is better), `figures` all that was measured. One that is "lost" had a worker that is no more.
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
        """Whether it came to its end, whatever that was."""
        return self.state in ("done", "pruned", "diverged")


def ranked(attempts: Mapping[int, Attempt]) -> list[Attempt]:
    """The networks that came to their end, the best first: those that are done; the others by how far they came."""
    order = {"done": 0, "pruned": 1, "diverged": 2}

    def place(one: Attempt) -> tuple[float, ...]:
        came_to = 0 if one.state == "done" else one.figures.get("epochs", 0)  # one that stopped early is done too
        return (order[one.state], -came_to, one.value, one.network)

    return sorted((attempt for attempt in attempts.values() if attempt.is_over), key=place)
