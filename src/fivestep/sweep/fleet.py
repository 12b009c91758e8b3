"""One fleet of a sweep: networks trained together, and compared and pruned at the rungs."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, final

from ..fleet import train_members
from ..fleet.member import Member
from .attempts import Attempt
from .halving import rungs, survivors
from .ledger import Ledger


@final
class SweepFleet:
    """This worker's attempts and their networks, by number. `earlier` are the attempts at all other networks.

    A network that has ended is taken out of `members`.
    """

    def __init__(
        self, members: dict[int, Member], attempts: Sequence[Attempt], earlier: Sequence[Attempt], ledger: Ledger
    ) -> None:
        self.members = members
        self._attempts = {attempt.network: attempt for attempt in attempts}
        self._earlier, self._ledger = earlier, ledger

    def train(self, eta: int | None, every: int | None, num_threads: int) -> Iterator[None]:
        """Trains them to the end; yields at each rung."""
        heights = rungs(next(iter(self.members.values())).plan.epochs, eta)
        for place, rung in enumerate(heights):
            self._to(rung, every, num_threads)
            self._cut(heights[place:], eta or 1)
            yield
        self._to(None, every, num_threads)
        for network in sorted(self.members):
            self._finish(network, "done")

    def _to(self, rung: int | None, every: int | None, num_threads: int) -> None:
        train_members([self.members[network] for network in sorted(self.members)], every, num_threads, until=rung)
        for network in sorted(self.members):
            if self.members[network].diverged is not None:
                self._finish(network, "diverged")

    def _cut(self, heights: Sequence[int], eta: int) -> None:
        """Notes the figure of each, all of them before the first is ended, and ends those that do not go on.

        A network that has stopped early is done, and keeps its figure at the higher rungs.
        """
        rung, values = heights[0], {network: value_of(self.members[network]) for network in sorted(self.members)}
        stopped = {network for network in values if self.members[network].is_over}
        for network, value in values.items():
            for height in heights if network in stopped else [rung]:
                self._ledger.note(self._attempts[network], height, value)
        go_on = survivors(values, [one.rungs[rung] for one in self._earlier if rung in one.rungs], eta)
        for network in values:
            if network in stopped or network not in go_on:
                self._finish(network, "done" if network in stopped else "pruned")

    def _finish(self, network: int, state: Any) -> None:
        member = self.members.pop(network)
        figures = figures_of(member)
        value = math.inf if state == "diverged" else value_of(member)
        self._ledger.finish(replace(self._attempts[network], state=state, value=value, figures=figures))


def value_of(member: Member) -> float:
    """The figure that a network is ranked by, lower is better: that of the epoch whose weights it would keep."""
    seen = [value if math.isfinite(value) else math.inf for value in member.progress.seen]
    if not seen:
        return math.inf
    return min(seen) if member.plan.restore_best else seen[-1]


def figures_of(member: Member) -> dict[str, Any]:
    """All that was measured at that epoch, as plain values, without a test part."""
    seen, history = member.progress.seen, member.history
    place = seen.index(min(seen)) if seen and member.plan.restore_best else -1
    measured = {name: value for name, value in history[place].figures().items() if value is not None} if seen else {}
    return {
        "epochs": member.progress.epochs,
        **{name: value for name, value in measured.items() if math.isfinite(value)},
        "parameters": member.engine.params.flat.numel(),
        "seconds": round(sum(epoch.seconds for epoch in history), 6),
        "engine": member.engine.name,
        **({} if member.diverged is None else {"why": member.diverged}),
    }
