"""Several processes that train one network: the rows of each, and sums over all of them.

Each process, a rank, holds the whole network and takes its share of every batch. Because the weights of the rows are
divided by their sum over the whole batch, the ranks' losses and gradients simply add up to those of the batch: one
all-reduce of the flat gradient between steps 4 and 5, and every rank does the same update. So N ranks give the numbers
of one, with the same batch size, learning rate and schedule.
"""

import pickle
import secrets
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, final

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed import PrefixStore  # type: ignore[attr-defined]  # as in torchrun.py

from ..check import InputError
from ..typing import Elements, Scalar, Vector
from . import shared_memory
from .groups import FOREVER, START_TIMEOUT, end_group, in_one_sentence, is_done
from .heartbeats import Heartbeats
from .stored import StoredChunks, heartbeats_in
from .torchrun import number_in_environment, place_in_store

TIMEOUT = 600.0
"""Seconds that a rank waits for others without a heartbeat (`heartbeats.py`)."""

NUM_EXTRA = 4
"""Numbers that follow the gradient in an all-reduce: the batch's loss, and how many ranks make each of three
requests."""

LOOK_EVERY = 50
"""Steps after which the requests are read where reading waits for the device."""

Value = TypeVar("Value")


class Requests(NamedTuple):
    """What a rank asks for between two steps. It happens on all ranks, between the same two steps."""

    interrupt: bool = False
    terminate: bool = False
    checkpoint: bool = False


@final
class _ExtraSums:
    """Views of the `NUM_EXTRA` numbers behind a gradient, kept because making them costs more than using them."""

    def __init__(self, sums: Vector) -> None:
        self.sums, self._loss, self._requests = sums, sums[-NUM_EXTRA], sums[1 - NUM_EXTRA :]
        self._are_zero = False

    def write(self, loss: Scalar, requests: Requests) -> None:
        """Writes what this rank adds to the sums."""
        self._loss.copy_(loss)
        if any(requests) or not self._are_zero:
            self._requests.copy_(torch.tensor(requests))
        self._are_zero = False  # the sums may be of any dtype or on any device

    def requests(self) -> Requests:
        """What any rank asked for; a host-device synchronization."""
        found = Requests(*(number > 0 for number in self._requests.tolist()))
        self._are_zero = not any(found)
        return found

    def loss(self) -> Scalar:
        """The sum of the losses, as a copy that the next step does not overwrite."""
        return self._loss.clone()


@final
class Ranks:
    """The processes that train together: this one's rank, from 0, their number, and sums over all of them.

    `local` is its rank on its own machine. Every rank must call the same methods in the same order.
    """

    def __init__(self, rank: int = 0, size: int = 1, local: int = 0, timeout: float = TIMEOUT) -> None:
        self.rank, self.size, self.local = rank, size, local
        self._timeout, self._requests, self._granted, self._num_sums = timeout, Requests(), Requests(), 0
        self._extra: _ExtraSums | None = None
        self._memory: shared_memory.SharedMemory | None = None
        self._stored_chunks: StoredChunks | None = None
        self._heartbeats: Heartbeats | None = None
        if size > 1:
            self._on_host = dist.new_group(timeout=FOREVER, backend="gloo")
            self._group = dist.new_group(timeout=timedelta(seconds=timeout)) if torch.cuda.is_available() else None
            self._memory = _memory_of(self, timeout)
            if self._memory is None:
                place = _place_of(self)
                self._heartbeats = None if place is None else heartbeats_in(place, rank, size, timeout)
                self._stored_chunks = None if place is None else StoredChunks(place, rank, timeout)
                weakref.finalize(self, end_group, self._on_host)
            else:
                self._heartbeats = self._memory.heartbeats
                self._memory.gathered(b"")  # once all are here, nobody needs gloo any longer
                end_group(self._on_host)
            JOINED.add(self)
        if self._heartbeats is not None:
            weakref.finalize(self, self._heartbeats.end)

    def __repr__(self) -> str:
        return f"Ranks(rank={self.rank}, size={self.size})"

    def leave(self) -> None:
        """Ends this rank's heartbeats; these ranks must not be used afterwards."""
        if self._heartbeats is not None:
            self._heartbeats.end()

    @property
    def is_first(self) -> bool:
        """Whether this is rank 0, which prints and writes."""
        return self.rank == 0

    @property
    def are_alone(self) -> bool:
        """Whether there is only this process."""
        return self.size == 1

    @property
    def on_this_machine(self) -> int:
        """How many of them are known to share this machine's memory."""
        return self.size if self.are_alone or self._memory is not None else number_in_environment("LOCAL_WORLD_SIZE", 1)

    def places(self, num_rows: int, part: int | None = None) -> list[slice]:
        """This rank's rows of a batch: one slice of it, or of each of its parts of at most `part` rows.

        The slices of all ranks are as equal as possible; some are empty if there are fewer rows than ranks.
        """
        ends = [*range(0, num_rows, part or num_rows), num_rows]
        cuts = [(start, stop - start) for start, stop in pairwise(ends)]
        return [
            slice(start + rows * self.rank // self.size, start + rows * (self.rank + 1) // self.size)
            for start, rows in cuts
        ]

    def add_up_(self, sums: Vector, loss: Scalar) -> Scalar:
        """Step 4, finished: `sums`, a gradient and `NUM_EXTRA` numbers, becomes the sum over all ranks, in place.

        Returns the sum of the losses. One all-reduce; alone, nothing happens.
        """
        if self.are_alone:
            return loss
        if self._extra is None or self._extra.sums is not sums:
            self._extra = _ExtraSums(sums)
        self._extra.write(loss, self._requests)
        self.sum_(sums)
        self._num_sums += 1
        if sums.device.type == "cpu" or self._num_sums % LOOK_EVERY == 0:
            self._granted = self._extra.requests()
        return self._extra.loss()

    def agreed(self, requests: Requests) -> Requests:
        """The requests to carry out now, the same on all ranks: those that any rank made before the last step."""
        if self.are_alone:
            return requests
        granted, self._requests, self._granted = self._granted, requests, Requests()
        return granted

    def zeros(self, num: int, dtype: torch.dtype, device: torch.device) -> Vector:
        """A vector that is fastest to sum over the ranks; all ranks must ask for the same ones in the same order."""
        shared = self._memory.zeros(num, dtype) if self._memory is not None and device.type == "cpu" else None
        return torch.zeros(num, dtype=dtype, device=device) if shared is None else shared

    def sum_(self, vector: Elements) -> None:
        """Sums a tensor over all ranks, in place; raises a `RanksError` if one of them has ended or hangs."""
        if self.are_alone:
            return
        if vector.device.type != "cpu":
            with in_one_sentence(self._timeout):
                dist.all_reduce(vector, group=self._group)
        elif self._memory is not None:
            self._memory.sum_(vector.view(-1))
        else:
            self._through_gloo(partial(dist.all_reduce, vector))

    def _through_gloo(self, begin: Callable[..., dist.Work]) -> None:
        """Waits for gloo's work, as long as there are heartbeats."""
        with in_one_sentence(self._timeout):
            work = begin(group=self._on_host, async_op=True)
            if self._heartbeats is None:
                work.wait(timedelta(seconds=max(self._timeout, START_TIMEOUT)))
                return
            with self._heartbeats.waiting() as look:
                while not is_done(work, self._heartbeats.period):
                    look()

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum of a tensor over all ranks, as a new one; autograd can follow it."""
        return _Sum.apply(tensor, self)  # type: ignore[no-any-return, no-untyped-call]  # torch has no types for it

    @property
    def over_ranks(self) -> Callable[[Tensor], Tensor] | None:
        """`sum`, for layers that look at the whole batch; None for a single process."""
        return None if self.are_alone else self.sum

    def gathered(self, value: Value) -> list[Value]:
        """The values of all ranks, in their order; every rank gets all of them."""
        if self.are_alone:
            return [value]
        said = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        heard = self._gathered(said) if self._memory is None else self._memory.gathered(said)
        return [pickle.loads(of_rank) for of_rank in heard]

    def _gathered(self, own: bytes) -> list[bytes]:
        """The same for bytes, through gloo: all are padded to the longest."""
        length = torch.tensor([len(own)])
        lengths = [torch.empty_like(length) for _ in range(self.size)]
        self._through_gloo(partial(dist.all_gather, lengths, length))
        filled = torch.zeros(int(max(lengths)), dtype=torch.uint8)
        filled[: len(own)] = torch.frombuffer(bytearray(own), dtype=torch.uint8)
        everyone = [torch.empty_like(filled) for _ in range(self.size)]
        self._through_gloo(partial(dist.all_gather, everyone, filled))
        return [said[: int(of)].numpy().tobytes() for said, of in zip(everyone, lengths, strict=True)]

    @property
    def chunks(self) -> shared_memory.SharedMemory | StoredChunks | None:
        """The counter of a fleet's chunks that are taken; None if the ranks share neither memory nor a store."""
        return self._memory or self._stored_chunks

    def by_first(self, work: Callable[[], Value]) -> Value:
        """The result of `work()` on rank 0, the only one to do it; its `InputError`, if any, is raised on all."""
        if self.are_alone:
            return work()
        value, refusal = None, None
        if self.is_first:
            try:
                value = work()
            except InputError as error:
                refusal = str(error)
        value, refusal = self.gathered((value, refusal))[0]
        if refusal is not None:
            raise InputError(refusal)
        return value  # type: ignore[return-value]  # rank 0's is given

    def all_or_none(self, work: Callable[[], Value]) -> Value:
        """The result of `work()` on this rank; an `InputError` on any rank is raised on all."""
        value, refusal = None, None
        try:
            value = work()
        except InputError as error:
            if self.are_alone:
                raise
            refusal = str(error)
        raise_first(self.gathered(refusal))
        return value  # type: ignore[return-value]  # there is one where nothing was refused


def raise_first(refusals: Sequence[str | None]) -> None:
    """Raises the first refusal among the ranks, if any, as an `InputError`."""
    for rank, refusal in enumerate(refusals):
        if refusal is not None:
            raise InputError(refusal if rank == 0 else f"on rank {rank}, {refusal}")


JOINED = weakref.WeakSet[Ranks]()
"""Those whose heartbeats may still be running."""

ALONE = Ranks()
"""This process by itself."""


@final
class _Sum(torch.autograd.Function):
    """A sum over ranks whose gradients are summed too, as the batch's loss is the sum of the ranks' losses."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, ranks: Ranks) -> Tensor:
        ctx.ranks = ranks
        total = tensor.contiguous().clone()
        ranks.sum_(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        total = gradients[0].contiguous().clone()
        ctx.ranks.sum_(total)
        return total, None


def _memory_of(ranks: Ranks, timeout: float) -> shared_memory.SharedMemory | None:
    """Memory that all ranks share, if they are on one machine that supports it; else None on all of them."""
    memory, path = None, ranks.by_first(partial(_new_memory, ranks.size))
    if path is not None:
        with suppress(OSError):  # another machine, which has no such file
            memory = shared_memory.SharedMemory(path, ranks.rank, ranks.size, timeout)
    all_have_it = all(ranks.gathered(memory is not None))
    if memory is not None and not all_have_it:
        memory.heartbeats.end()
    if ranks.is_first and path is not None:
        path.unlink()  # the name is no longer needed, and a kill leaves nothing behind
    return memory if all_have_it else None


def _place_of(ranks: Ranks) -> PrefixStore | None:
    """A prefix in a store that ranks on several machines share; None on all of them if there is no store."""
    place = place_in_store(ranks.by_first(partial(secrets.token_hex, 8)))
    return place if all(ranks.gathered(place is not None)) else None


def _new_memory(size: int) -> Path | None:
    """A new file for shared memory, if possible."""
    with suppress(OSError):
        return shared_memory.create(size, secrets.token_hex(8)) if shared_memory.is_possible() else None
    return None
