"""A fleet as one batch: networks that differ only in numbers are trained together, step by step.

One small network leaves nearly all lanes of a GPU idle, and K of them take the time of one. What may differ: seed
(initial values, order of the rows, dropout masks), learning rate, weight decay, L2 term, initialization, and the rows,
if there are as many. Everything else about them, their `Kind`, is the same; those of another kind are another batch,
and what has no batched form is trained network by network (`obstacle` says why).

A finished network leaves: once half of them have, the batch is compacted. One whose loss is no longer finite goes back
to its state before the block of steps and is trained from there by itself, which reports what happened; the others are
not affected.
"""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, final

import torch
from torch import Tensor

from ...engines._batched.ahead import Ahead
from ...epoch import Epoch
from ...machine.garbage import uncollected
from ...machine.interrupt import deferred_interrupt
from ...steps import weighed
from ...stopping import Best
from ...train import check_start
from ...typing import Tensors
from ..member import TO_PREDICT, LazyTrained, Member
from .measuring import Measurements, both, evaluations
from .records import Measured, Records
from .start import networks_of

NOTHING: tuple[Any, ...] = ()


@final
class MemberState:
    """What the loop remembers of one network: a `Progress` without an engine.

    Early stopping and the best epoch only where training depends on epochs; the epochs are the batch's.
    """

    __slots__ = ("best", "has_best", "history", "is_live", "member", "seen")

    def __init__(self, member: Member, *, goes_by_epochs: bool) -> None:
        self.member, self.is_live, self.has_best = member, True, False
        self.history, self.seen = NOTHING, NOTHING
        self.best = Best(member.plan) if goes_by_epochs else None
        if member.has_engine:
            self.history, self.seen = tuple(member.progress.history), tuple(member.progress.seen)
            if self.best is not None:
                self.best.recall(self.seen, member.progress.best.weights)
                self.has_best = bool(self.best.weights)

    def note(self, value: float) -> bool:
        """Counts an epoch by its monitored figure, and returns whether it is the best so far."""
        assert self.best is not None
        self.seen = (*self.seen, value)
        is_best = self.best.improves(value)
        self.has_best |= is_best and self.member.plan.restore_best
        return is_best

    @property
    def best_weights(self) -> Tensors:
        """The weights of its best epoch, if it had some when it joined."""
        return {} if self.best is None else self.best.weights

    @property
    def is_past_its_best(self) -> bool:
        """Whether its patience is exhausted."""
        return self.best is not None and self.best.is_long_ago()


@final
class Batch:
    """Networks of one kind that have done the same number of steps."""

    def __init__(self, members: Sequence[Member], every: int | None = None) -> None:
        self._pattern = pattern = members[0].engine
        self._every, self._plan = every, members[0].plan
        self._goes_by_epochs = members[0].evaluates_each
        self._standings = [MemberState(member, goes_by_epochs=self._goes_by_epochs) for member in members]
        self._shown = list[Measured]()
        self._rates = [member.plan.lr for member in members]
        self._epochs, self._done = members[0].progress.epochs, pattern.num_updates
        parts = list({id(member.data): member.data for member in members}.values())
        for part in parts:
            check_start(pattern, part, self._plan, every or 1, is_new=self._done == 0)
        self._per_epoch = self._plan.steps_per_epoch(parts[0].num_rows)
        self._measured = parts
        places = {id(part): k for k, part in enumerate(parts)}
        self._own = [places[id(member.data)] for member in members]
        self._networks = networks_of(members)
        of_steps = [weighed(pattern, part, self._plan) for part in parts]
        self._ahead = Ahead(pattern, of_steps, self._own, [member.plan for member in members])
        self._ahead.give_rows(self._networks)
        self._best = self._networks.best_of([one.best_weights for one in self._standings])
        self._begin_epoch()
        self._before = self._now()
        self._alone, self._size = list[Member](), len(members)

    @property
    def how(self) -> str:
        """How its networks are trained, as a phrase."""
        return f"in a batch of {self._size:,} on {self._pattern.device}, {self._networks.how}"

    def _begin_epoch(self) -> None:
        self._losses, self._sizes, self._seconds = list[Tensor](), list[int](), 0.0

    def _now(self) -> "Moment":
        return Moment(self._networks.state(), self._networks.averaged(), self._done, len(self._losses), self._seconds)

    def train(self, until: int | None = None) -> list[Member]:
        """Trains to the end, or up to epoch `until`; returns those whose loss is no longer finite, as they were before.

        Every network that has got so far, or has ended, is left as if it had been trained by itself. An interrupt is
        taken between two blocks of steps.
        """
        end = self._plan.epochs if until is None else min(until, self._plan.epochs)
        with deferred_interrupt() as interrupt:
            try:
                while self._epochs < end and any(one.is_live for one in self._standings):
                    shown = self._every or (1 if self._goes_by_epochs else end)
                    goal = min(self._epochs - self._epochs % shown + shown, end)
                    for _ in self._blocks(goal * self._per_epoch):
                        interrupt.take()
                    if not any(one.is_live for one in self._standings):
                        break  # no loss is finite any longer: each is trained by itself from there
                    with uncollected():
                        self._measure(goal)
                        self._close_up()
            finally:
                self._tell([k for k, one in enumerate(self._standings) if one.is_live and one.member.has_engine])
        return self._alone

    def _blocks(self, goal: int) -> Iterator[None]:
        """Trains in blocks up to step `goal`, and yields before each block."""
        while self._done < goal and any(one.is_live for one in self._standings):
            yield
            self._before, started = self._now(), time.perf_counter()
            most = self._ahead.most_steps(self._done, self._networks.dropping)
            seen = [one.seen for one in self._standings]
            ahead = self._ahead.take(self._networks, self._done, min(most, goal - self._done), seen)
            losses = self._networks.train(ahead)
            is_finite = (
                losses.isfinite().all(0) & self._networks.flat.isfinite().all(1)
            ).tolist()  # waits for the device
            self._seconds += time.perf_counter() - started
            self._send_away([k for k, fine in enumerate(is_finite) if not fine])
            self._losses.append(losses)
            self._sizes += ahead.sizes
            self._done += len(ahead.sizes)
            self._rates = ahead.rates[-1, :, 0].tolist()

    def _send_away(self, which: Sequence[int]) -> None:
        """Removes networks in their state before the last block, to be trained from there by themselves."""
        which = [k for k in which if self._standings[k].is_live]
        if not which:
            return
        records = self._records(which, self._before)
        for r, k in enumerate(which):
            member = self._standings[k].member
            records.of(r).put_into(member.engine, member.progress)
            self._standings[k].is_live = False
            self._alone.append(member)

    def _measure(self, goal: int) -> None:
        """Measures all networks at the end of an epoch, and notes it."""
        rates, running = self._rates, self._running_losses()
        train = Measurements(running)
        if self._standings[0].member.progress.measures_training or goal == self._plan.epochs:
            train = self._evaluated("train")
        valid, num_live = self._evaluated("valid"), sum(one.is_live for one in self._standings)
        self._send_away([k for k, loss in enumerate(train.losses) if loss is not None and not math.isfinite(loss)])
        seconds, num_rows = self._seconds / num_live, sum(self._sizes)
        measured = Measured(goal, self._done, rates, running, train, valid, seconds, num_rows / seconds)
        self._epochs = goal  # not before: one that is sent away has not got so far
        self._shown.append(measured)
        improved = [
            k
            for k, one in enumerate(self._standings)
            if self._goes_by_epochs and one.is_live and one.note(measured.monitored(k, self._plan))
        ]
        if self._plan.restore_best and improved:
            self._networks.keep(self._best, improved)
        self._begin_epoch()

    def _running_losses(self) -> list[float]:
        """The mean of each network's losses since the last epoch, over the rows; a host-device synchronization."""
        rows = torch.tensor(self._sizes, dtype=torch.float64, device=self._pattern.device)
        means: list[float] = (rows @ torch.cat(self._losses).double() / rows.sum()).tolist()
        return means

    def _evaluated(self, part: str) -> Measurements:
        """One part of each network's data, measured."""
        count, found = len(self._standings), None
        for p, data in enumerate(self._measured):
            rows = getattr(data, part)
            which = [k for k, own in enumerate(self._own) if own == p]
            if rows is not None and which:
                own = evaluations(self._networks, which, rows)
                own = own if len(which) == count else own.spread(which, count)
                found = own if found is None else both(found, own)
        return Measurements([None] * count) if found is None else found

    def _close_up(self) -> None:
        """Removes finished networks; compacts the batch once no more than half are left."""
        is_over = self._epochs >= self._plan.epochs
        over = [k for k, one in enumerate(self._standings) if one.is_live and (is_over or one.is_past_its_best)]
        self._tell(over)
        for k in over:
            self._standings[k].is_live = False
        left = [k for k, one in enumerate(self._standings) if one.is_live]
        if left and 2 * len(left) <= len(self._standings):
            self._networks, self._ahead = self._networks.taken(left), self._ahead.taken(left)
            self._best = {name: rows[left] for name, rows in self._best.items()}
            for k in left:
                self._standings[k].history = self._history(k)
            self._shown = []
            self._standings, self._own = [self._standings[k] for k in left], [self._own[k] for k in left]
            self._rates = [self._rates[k] for k in left]
            self._ahead.give_rows(self._networks)

    def _tell(self, which: Sequence[int]) -> None:
        """Writes the current state into the members, with the weights to keep for those that have ended."""
        if not which:
            return
        records = self._records(which, self._now())
        for r, k in enumerate(which):
            member = self._standings[k].member
            if member.has_engine:
                records.of(r).put_into(member.engine, member.progress)
            else:
                member.take_result(LazyTrained(records.of, r))

    def _records(self, which: Sequence[int], then: "Moment") -> Records:
        """The records of some networks at one moment, copied from the device in one piece."""
        rows, blocks = torch.tensor(which, device=self._pattern.device), self._losses[: then.num_blocks]
        losses = torch.cat([self._networks.flat.new_empty((0, len(self._standings))), *blocks])
        standings = [self._standings[k] for k in which]
        kept = self._best if any(one.has_best for one in standings) else {}  # else it is not used
        best = {f"best.{name}": of for name, of in self._networks.named_of(kept).items()} if kept else {}
        state = {f"engine.{name}": of for name, of in then.state.items()}
        averaged = {} if then.averaged is None else {TO_PREDICT: then.averaged}
        everything = {**state, **best, **averaged, "since.losses": losses.T}
        common = {
            "step": then.done,
            "num_rows": sum(self._sizes[: len(losses)]),
            "seconds": then.seconds / len(self._standings),
            "on_device": [] if self._pattern.device.type == "cpu" else list(then.state),
        }
        is_over = self._epochs >= self._plan.epochs
        return Records(
            arrays={name: of[rows].numpy(force=True) for name, of in everything.items()},
            kept={f"engine.{name}": of[rows].numpy(force=True) for name, of in kept.items()},
            common=common,
            rates=[self._rates[k] for k in which],
            begun=[one.history for one in standings],
            shown=[*self._shown],
            places=which,
            has_best=[one.has_best for one in standings],
            ends_with_best=[one.has_best and one.is_live and (is_over or one.is_past_its_best) for one in standings],
        )

    def _history(self, k: int) -> tuple[Epoch, ...]:
        """The epochs of a network so far."""
        return (*self._standings[k].history, *(measured.epoch(k) for measured in self._shown))


class Moment(NamedTuple):
    """All networks between two blocks of steps.

    Their state, the weights to predict with if they differ, steps done, blocks and seconds since the last epoch.
    """

    state: Mapping[str, Tensor]
    averaged: Tensor | None
    done: int
    num_blocks: int
    seconds: float
