"""A larger dense network on the threads that torch has, each with units of its own: the host's side.

`body/divided.py` says why, and does the work. Here are the tables that it takes, and the threads that call it. They
live for one block of steps; a thread that is not there when others wait would hold them for ever, so whoever leaves
early lets them go.
"""

import ctypes
import math
import os
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from ...blocks import Block
from ...layers.dropout import Dropout
from ...layers.linear import Linear
from ...machine.threads import num_processors, one_thread
from .._base import Engine
from .._update import RuleGroup
from . import _compiled
from ._forms import OPERATIONS
from ._learnt import threshold
from ._rows import BlockRows
from ._tables import Array, aligned, decay_of, descent_form, measure_of, remembered_together, tile_for, type_of
from .body.divided import NEAR_BITS, SLOPES, VALUES, Divided, Own, Room, Thread
from .body.divided_rows import Work
from .body.divided_update import Limits, Parts
from .body.kinds import IDENTITY, RELU
from .body.lanes import BYTES
from .body.masks import IN_A_STREAM, IN_A_WORD
from .body.meeting import APART
from .body.panels import BESIDE, ROWS

OPERATIONS_FOR_A_THREAD = 8_000_000
"""Floating-point operations of a step that another thread is worth, at least: some thirty microseconds of a core."""

MOST_NUMBERS = 2**23
"""Inputs of a batch of which each thread may have a copy of its own."""


@final
class Division:
    """The steps of one engine, by as many threads as torch has when a block begins, or as have enough to do."""

    def __init__(self, engine: Engine, groups: Sequence[RuleGroup], rows: BlockRows) -> None:
        self._engine, self._groups, self._rows = engine, groups, rows
        self._dtype = str(engine.dtype).removeprefix("torch.")
        self._layers = [k for k, layer in enumerate(engine.layers) if isinstance(layer, Linear)]
        shapes = [engine.params.weights[k]["weight"].shape for k in self._layers]
        self._widths = [shapes[0][1], *(shape[0] for shape in shapes)]
        plan = engine.plan
        limits = (math.inf if limit is None else limit for limit in (plan.clip_value, plan.clip_norm))
        self._rules = measure_of(plan, engine.criterion), descent_form(plan, groups[0]), Limits(*limits)
        self._memory = remembered_together(plan, engine.params, groups)
        self._made: tuple[int, int] = 0, 0

    def takes(self, block: Block) -> bool:
        """Whether the rows have no tokens, and inputs are few enough for a copy for each thread."""
        stored, num_in = block.rows.stored, self._widths[0]
        flat = stored.dim() == 2 or stored.shape[-1] != num_in
        return flat and self._num_rows(block) * num_in <= MOST_NUMBERS

    def train(self, block: Block, losses: Tensor, penalties: Tensor, *, merges: bool) -> None:
        """Does the steps of a block, and writes the loss of each, and its L2 term."""
        num_rows = self._num_rows(block)
        num_threads = self._num_threads(num_rows)
        if self._made[0] != num_threads or self._made[1] < num_rows:
            self._make(num_threads, num_rows)
        self._room.meeting[:] = 0
        with _compiled.compiling("divided", self._dtype), one_thread():  # or torch's others turn round on our cores
            work = self._work(block, num_threads, merges=merges)
            self._call(work, num_threads)
            losses.copy_(torch.from_numpy(work.losses).sum(0))
            penalties.copy_(torch.from_numpy(work.penalties).sum(0))
        self._engine.draws.step += len(block.rates)

    def let_go(self, rows: BlockRows) -> None:
        """Gives up the rows for others, which are none yet."""
        self._rows = rows

    def _num_rows(self, block: Block) -> int:
        """The rows of a part: of whole ones, since the last ones of an epoch must not decide differently."""
        plan = self._engine.plan
        of_step = max(int(block.num_rows.max()), plan.batch_size or 0)
        return min(of_step, plan.micro_batch_size or of_step)

    def _num_threads(self, num_rows: int) -> int:
        """As many as torch has, if there are processors, units and work for each: they wait for one another, busily."""
        operations = 6 * num_rows * sum(a * b for a, b in pairwise(self._widths))
        divided = self._widths[1:-1] or self._widths[:1]
        units = min(-(-width // self._columns()) for width in divided)
        return max(1, min(torch.get_num_threads(), num_processors(), units, operations // OPERATIONS_FOR_A_THREAD))

    def _columns(self) -> int:
        return BESIDE * BYTES // int(type_of(self._engine.params).itemsize)

    def _make(self, num_threads: int, num_rows: int) -> None:
        """The tables, and room for so many rows."""
        capacity = -(-num_rows // ROWS) * ROWS + ROWS  # panels then do not begin at the same places of a cache
        kind, params, columns = type_of(self._engine.params), self._engine.params, self._columns()
        panels = [-(-width // columns) for width in self._widths]
        values = np.cumsum([0, 0, *panels[1:]]) * capacity * columns
        firsts = [panels_of * t // num_threads for panels_of in panels for t in range(num_threads + 1)]
        self._net = self._divided(capacity, num_threads, values[:-1], np.array(firsts, dtype=np.int64))
        bends = values[-1] if any(self._net.kinds[:-1] != RELU) else 0
        parts = num_threads * capacity * self._widths[-1]
        rooms = [aligned(count, kind) for count in (values[-1], bends, values[-1], parts)]
        meeting, squares = np.zeros((num_threads + 1) * APART, np.int64), np.zeros(num_threads * APART)
        self._room = Room._make((params.flat.numpy(), params.grad.numpy(), *rooms, meeting, squares))
        self._own = [self._own_room(t, kind, panels) for t in range(num_threads)]
        rest = params.flat.new_zeros(self._memory.rest.shape)
        self._remembered = [self._memory._replace(rest=rest.clone().numpy()) for _ in range(num_threads)]
        self._made = num_threads, num_rows

    def _divided(self, capacity: int, num_threads: int, values: Array, firsts: Array) -> Divided:
        """The network, as compiled code takes it."""
        engine, count = self._engine, len(self._layers)
        kinds, numbers = zip(*(self._behind(k) for k in self._layers), strict=True)
        dropped, least, scaled = zip(*(self._dropped(k) for k in self._layers), strict=True)
        weights = [engine.params.weights[k] for k in self._layers]
        past = np.zeros(count + 1, np.int64)
        if num_threads > 1:
            past[1 : count - 1] += VALUES
            past[2:count] += SLOPES
        return Divided(
            kinds=np.array(kinds),
            numbers=np.array(numbers),
            dropped=np.array(dropped),
            least=np.array(least),
            scaled=np.array(scaled),
            widths=np.array(self._widths),
            weights=np.array([int(w["weight"].storage_offset()) for w in weights]),
            biases=np.array([int(w["bias"].storage_offset()) if "bias" in w else -1 for w in weights]),
            values=values,
            firsts=firsts,
            past=past,
            capacity=capacity,
            threads=num_threads,
        )

    def _behind(self, k: int) -> tuple[int, float]:
        """The activation behind layer k, and its option."""
        layers, choices = self._engine.layers, self._engine.spec.layers
        if k + 1 == len(layers) or isinstance(layers[k + 1], Linear | Dropout):
            return IDENTITY, 0.0
        form = OPERATIONS[choices[k + 1].name]
        return form.kind, float((*form.numbers(layers[k + 1]), 0.0)[0])

    def _dropped(self, k: int) -> tuple[int, float, float]:
        """The number of the dropout behind layer k and its activation, what bits stay, the scale of what is left."""
        for number, layer in enumerate(self._engine.layers[k + 1 : k + 3], start=k + 1):
            if isinstance(layer, Linear):
                break
            if isinstance(layer, Dropout):
                return number, *threshold(layer)
        return -1, 0.0, 1.0

    def _panels(self, level: int, thread: int, firsts: Array) -> int:
        at = level * (len(firsts) // len(self._widths)) + thread
        return int(firsts[at + 1] - firsts[at])

    def _own_room(self, thread: int, kind: Any, panels: Sequence[int]) -> Own:
        """What a thread has for itself."""
        net, columns, last = self._net, self._columns(), len(self._layers) - 1
        own = [self._panels(level, thread, net.firsts) for level in range(last + 1)]
        forward = [own[layer + 1] * self._widths[layer] for layer in range(last)]
        back = [own[layer] * self._widths[layer + 1] for layer in range(1, last + 1)]
        part = panels[-1] * own[last] * columns
        sizes = panels[0] * net.capacity, max([*forward, *back, part]), max(own), ROWS
        tile = tile_for(self._engine.spec, self._engine.params)
        dropped = [width for width, k in zip(self._widths[1:], net.dropped, strict=True) if k >= 0]
        room = max((self._num_bits(width) for width in dropped), default=0)
        words, streams = np.zeros(-(-room // IN_A_WORD), np.uint64), np.zeros((last + 1) * IN_A_STREAM, np.uint64)
        rooms = (aligned(size * columns, kind) for size in sizes)
        return Own._make((*rooms, tile, words.view(np.int16), words, streams, self._parts(thread)))

    def _num_bits(self, width: int) -> int:
        """Room for the random bits of a layer that are drawn at a time; its last tile and panel may read beyond."""
        rows = min(self._net.capacity, max(ROWS, NEAR_BITS // width))
        return IN_A_WORD + (rows + ROWS) * width + self._columns()

    def _parts(self, thread: int) -> Parts:
        """The parameters that a thread moves, layer by layer; of the last one, a part of each row: its inputs."""
        net, last, columns = self._net, len(self._layers) - 1, self._columns()
        places: list[tuple[int, int, int]] = []

        def reach(level: int) -> tuple[int, int]:
            at = level * (net.threads + 1) + thread
            first, end = (min(int(panel) * columns, self._widths[level]) for panel in net.firsts[at : at + 2])
            return first, end

        for layer, (weight, bias, num_in) in enumerate(zip(net.weights, net.biases, self._widths, strict=False)):
            first, end = reach(layer + 1 if layer < last else layer)
            if layer < last:
                places.append((weight + first * num_in, weight + end * num_in, 1))
            else:
                rows = range(weight, weight + self._widths[-1] * num_in, num_in)
                places += [(row + first, row + end, 1) for row in rows]
                first, end = 0, self._widths[-1] if thread == 0 else 0
            if bias >= 0:
                places.append((bias + first, bias + end, 0))
        groups = [self._group_at(place) for place, *_ in places]
        numbers = [(group.lr_factor, decay_of(group)) for group in groups]
        return Parts(np.array(places), np.array(numbers))

    def _group_at(self, place: int) -> RuleGroup:
        """The group of the parameter at a place of the flat vector."""
        wheres = ((group, group.where_in(self._engine.params)) for group in self._groups)
        return next(group for group, where in wheres if where.start <= place < where.stop)

    def _work(self, block: Block, num_threads: int, *, merges: bool) -> Work:
        """The rows and the steps, as compiled code takes them."""
        rows, engine = self._rows, self._engine
        rows.take(block)
        targets, share = rows.all_targets(self._widths[-1])
        stored, order, scale = rows.stored()
        first, size = int(block.starts.min()), type_of(engine.params)
        bounds = block.starts.numpy() - first, block.stops.numpy() - first
        part = engine.plan.micro_batch_size
        if part is not None and not share.size:
            share = shares_alike(*bounds, size)
        steps, starts, stops = parts_of(*bounds, part)
        return Work(
            stored=stored,
            order=order,
            scale=scale,
            targets=targets,
            share=share,
            steps=steps,
            starts=starts,
            stops=stops,
            rates=block.rates.numpy(),
            l2=block.l2.contiguous().numpy(),
            losses=np.zeros((num_threads, len(block.rates)), size),
            penalties=np.zeros((num_threads, len(block.rates)), size),
            seed=np.uint64(engine.draws.seed % 2**64),
            done=engine.num_updates,
            merges=merges,
        )

    def _call(self, work: Work, num_threads: int) -> None:
        """Lets each thread do its part, this one the first; raises what one of them raised."""
        train, apart, failed = _compiled.one_pass("train_divided"), cores_apart(num_threads), list[BaseException]()

        def part(t: int) -> None:
            try:
                if t and apart:
                    move_to(apart[t])
                train(Thread(t, self._net, self._room, self._own[t]), self._rules, work, self._remembered[t])
            except BaseException as error:  # whatever it is, who waits for this thread must not wait for ever
                self._room.meeting[num_threads * APART] = 1
                failed.append(error)

        others = [threading.Thread(target=part, args=(t,), daemon=True) for t in range(1, num_threads)]
        try:
            for thread in others:
                thread.start()
            part(0)
        except BaseException:  # a key that was pressed in between
            self._room.meeting[num_threads * APART] = 1
            raise
        finally:
            for thread in others:
                if thread.ident is not None:
                    thread.join()
        if failed:
            raise failed[0]


def parts_of(starts: Array, stops: Array, size: int | None) -> tuple[Array, Array, Array]:
    """The parts of so many places of some steps, which have places of their own: steps, first places, and last + 1."""
    steps = np.arange(len(starts))
    if size is None:
        return steps, starts, stops
    counts = -(-(stops - starts) // size)
    steps = steps.repeat(counts)
    number = np.arange(len(steps)) - (counts.cumsum() - counts)[steps]
    first = starts[steps] + number * size
    return steps, first, np.minimum(first + size, stops[steps])


def shares_alike(starts: Array, stops: Array, kind: Any) -> Array:
    """What each place weighs where all of a step weigh alike."""
    share = np.zeros(int(stops.max()), kind)
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        share[start:stop] = 1.0 / (stop - start)
    return share


def cores_apart(count: int) -> list[int]:
    """A core for each of so many threads, the first that of this thread; none where that cannot be said, or too few."""
    if sys.platform != "linux" or len(cores := sorted(os.sched_getaffinity(0))) < count:
        return []
    here = ctypes.CDLL(None).sched_getcpu()
    return sorted(cores, key=lambda core: core != here)[:count]


def move_to(core: int) -> None:
    """Moves this thread to a core, where it then need not stay.

    Linux begins a thread on the core of the one that started it, and takes up to ten milliseconds to see that another
    one has nothing to do; threads that wait for one another then take turns on one core.
    """
    allowed = os.sched_getaffinity(0)
    with suppress(OSError):  # a core that may no longer be used
        os.sched_setaffinity(0, {core})
        os.sched_setaffinity(0, allowed)
