"""The pool of threads that trains the networks of a fleet.

Each thread takes a network, or a pack of networks that are alike: the compiled body of `fused` releases Python's lock
while it works, and a small network with its data stays in the cache of one core from the first step to the last. A
network that diverges or stops early does not affect the others. On a CUDA device networks of one kind are one batch
(`batched/`), and the others are trained here one by one.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import final

import torch

from ..check import DivergenceError, at_least
from ..machine.garbage import uncollected
from ..machine.interrupt import interrupted_by
from ..machine.threads import num_processors, one_thread
from ..ranks import ALONE
from ..train import train
from .alike import PackTrainer, Pattern
from .batched.batch import Batch
from .batched.kinds import LEAST, divided
from .chunks import Chunk, Waiting, chunks_of
from .member import Member


def train_members(
    members: Sequence[Member], every: int | None = None, num_threads: int | None = None, until: int | None = None
) -> None:
    """Trains each network to its end, or up to epoch `until`, which it then evaluates; a later call goes on from there.

    `every` and `num_threads` are as in `fit_many`.
    """
    if num_threads is not None:
        at_least("num_threads", num_threads, 1, "leave it out for all processors")
    count = num_threads or num_processors()
    with one_thread():
        chunks = chunks_of(_after_batches(members, every, until), every, until, count)
        train_chunks(Waiting(chunks, ALONE, lambda _rank: ()), threads_of(chunks, count), every, until)


def threads_of(chunks: Sequence[Chunk], most: int) -> int:
    """How many threads train them: one on a CUDA device, where all would wait for the same stream."""
    engines = (member.engine for chunk in chunks for member in chunk.members if member.has_engine)
    first = next(engines, None)  # a fleet is on one device
    return 1 if first is not None and first.device.type == "cuda" else min(most, len(chunks))


def train_chunks(waiting: Waiting, num_threads: int, every: int | None, until: int | None) -> None:
    """Trains all waiting chunks in that many threads."""
    is_over = threading.Event()
    if num_threads <= 1:
        _work(waiting, is_over, every, until)
        return
    with ThreadPoolExecutor(num_threads) as pool:
        try:
            others = [pool.submit(_work, waiting, is_over, every, until) for _ in range(num_threads - 1)]
            _work(waiting, is_over, every, until)  # this thread works too: to start one takes some hundred steps' time
            for other in others:
                other.result()
        except BaseException:
            is_over.set()
            raise


def _after_batches(members: Sequence[Member], every: int | None, until: int | None) -> list[Member]:
    """Trains those that can be batches; returns the others, to be trained one by one."""
    batches, left = divided(members)
    while batches:
        members = batches.pop()
        alone = _train_batch(members, every, until)
        if alone is not None:
            left += alone
            continue
        for half in (members[: len(members) // 2], members[len(members) // 2 :]):
            as_far, others = divided(half)  # some may be further than others, or done
            batches += as_far
            left += others
    return left


def _train_batch(members: Sequence[Member], every: int | None, until: int | None) -> list[Member] | None:
    """Trains one batch; returns those to be trained one by one, or None if memory ran out."""
    try:
        with uncollected():
            batch = Batch(members, every)
        alone = batch.train(until)
    except torch.OutOfMemoryError:
        if len(members) < 2 * LEAST:
            raise
        return None
    how = batch.how
    for member in members:
        member.how = how
    return alone


def _work(waiting: Waiting, is_over: threading.Event, every: int | None, until: int | None) -> None:
    """Trains one chunk after another, until there are none or `is_over` is set, which ends it between two steps."""
    worker = _Worker(every, until)
    with interrupted_by(is_over):
        try:
            for chunk in waiting:
                worker.train(chunk)
                if is_over.is_set():
                    return
        except BaseException:
            if is_over.is_set():  # the exception that ended the others was raised in its own thread
                return
            is_over.set()
            raise


@final
class _Worker:
    """Trains chunks in one thread, with one engine for those that are alike."""

    def __init__(self, every: int | None, until: int | None) -> None:
        self._every, self._until = every, until
        self._last: tuple[Pattern, PackTrainer] | None = None

    def train(self, chunk: Chunk) -> None:
        """Trains the networks of a chunk; in a pack, one that diverges is then trained by itself."""
        if chunk.pattern is None:
            for member in chunk.members:
                _train(member, self._every, self._until)
            return
        if self._last is None or self._last[0] is not chunk.pattern:
            self._last = chunk.pattern, chunk.pattern.new_trainer()
        trained = self._last[1].train([member.plan for member in chunk.members])
        for member, of_pack in zip(chunk.members, trained, strict=True):
            if of_pack is None:
                _train(member, None, None)
            else:
                member.take_result(of_pack)


def _train(member: Member, every: int | None, until: int | None) -> None:
    """Trains one network up to an epoch, the last one by default; a divergence is noted."""
    plan, progress = member.plan, member.progress
    goal = plan.epochs if until is None else min(until, plan.epochs)
    if member.is_over or progress.epochs >= goal:
        return
    shown = every or (1 if member.evaluates_each else goal)
    whole = goal if goal == plan.epochs else goal - goal % shown
    try:
        for stop, each in ((whole, shown), (goal, goal)):  # what is left up to `until` may be shorter
            if progress.epochs >= stop or progress.is_over():
                continue
            for _ in train(member.engine, member.data, plan, each, progress):
                if progress.is_over() or progress.epochs >= stop:
                    break
        if progress.is_over():
            progress.best.restore(member.engine)
    except DivergenceError as error:
        member.diverged = str(error)
