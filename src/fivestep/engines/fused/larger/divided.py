"""A larger dense network on torch's number of threads, each with units of its own: the host's side.

`body/divided.py` says why, and does the work. Here are the tables that it takes, and the threads that call it. They
live for one block of steps; a thread that is not there when others wait would hold them forever, so whoever leaves
early lets them go.
"""

import math
import threading
from collections.abc import Sequence
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from ....blocks import Block
from ....layers._norm import single_row
from ....machine.threads import cores_apart, move_to, num_processors, one_thread
from ..._engine import Engine
from ..._update import RuleGroup
from .. import _compiled
from .._tables import LANES, Array, aligned, decay_of, descent_form, measure_of, type_of
from ..body.barrier import APART
from ..body.divided_passes import OF_ROW, OF_UNIT
from ..body.divided_rows import Work
from ..body.divided_update import Limits, Parts
from ..body.division import (
    GRADIENTS,
    NEAR_BITS,
    VALUES,
    Alone,
    Dense,
    Divided,
    Learned,
    Nonzeros,
    Own,
    Passes,
    Plain,
    Room,
    Thread,
)
from ..body.kinds import BATCH_NORM, COLUMNS, LINEAR
from ..body.lanes import BYTES
from ..body.masks import IN_A_STREAM, IN_A_WORD
from ..body.panels import BESIDE, ROWS
from .columns import columns_of, parts_of_columns
from .levels import level_places
from .nonzeros import FirstInputs
from .rows import BlockRows, parts_of, shares_alike, tokens_of
from .stages import NORMS, staged
from .tables import remembered_together, tile_for

OPERATIONS_FOR_A_THREAD = 8_000_000
"""The least floating-point operations per step for another thread: some thirty microseconds of a core."""

MOST_PACKED = 2**20
"""Weights of which a thread has a copy in panels at a time: beyond, rows go past some panels after others."""

MOST_NUMBERS = 2**23
"""Inputs of a batch of which each thread may have a copy of its own."""


@final
class Division:
    """The steps of one engine, by as many threads as torch has when a block begins, or as have enough to do."""

    def __init__(self, engine: Engine, groups: Sequence[RuleGroup], rows: BlockRows) -> None:
        self._engine, self._groups, self._rows = engine, groups, rows
        self._dtype = engine.dtype_name
        self._stages, self._inputs = (found := staged(engine)).stages, found.inputs
        self._has_passes, self._has_columns, self._learns = found.has_passes, found.has_columns, found.learns
        self._widths = [self._stages[0].num_in, *(stage.num_out for stage in self._stages)]
        plan = engine.plan
        limits = (math.inf if limit is None else limit for limit in (plan.clip_value, plan.clip_norm))
        self._rules = measure_of(plan, engine.criterion), descent_form(plan, groups[0]), Limits(*limits)
        self._memory = remembered_together(plan, engine.params, groups)
        self._made: tuple[int, int] = 0, 0

    def takes(self, block: Block) -> bool:
        """Whether inputs are few enough for a copy for each thread."""
        return self._num_rows(block) * self._widths[0] <= MOST_NUMBERS

    def train(self, block: Block, losses: Tensor, penalties: Tensor, *, merges: bool) -> None:
        """Does the steps of a block, and writes the loss of each, and its L2 term."""
        engine, num_rows = self._engine, self._num_rows(block)
        num_threads = self._num_threads(num_rows)
        if self._made[0] != num_threads or self._made[1] < num_rows:
            self._make(num_threads, num_rows)
        self._room.barrier[:] = 0
        with one_thread():  # or torch's other threads would spin on our cores
            work = self._work(block, num_threads, merges=merges)
            inputs = self._first.of(work, self._rows)
            name = "divided" + "-learned" * self._learns + "-passes" * self._has_passes
            with _compiled.compiling(name + "-nonzeros" * isinstance(inputs[0], Nonzeros), self._dtype):
                self._call(work, inputs)
            for stage in self._stages:
                if stage.operation == BATCH_NORM:
                    engine.params.buffers[stage.running + 2 * stage.num_out] += len(work.steps)
            losses.copy_(torch.from_numpy(work.losses).sum(0))
            penalties.copy_(torch.from_numpy(work.penalties).sum(0))
        engine.draws.step += len(work.rates)
        if len(work.rates) < len(block.rates):
            raise single_row()

    def release(self, rows: BlockRows) -> None:
        """Releases the rows."""
        self._rows = rows

    def _num_rows(self, block: Block) -> int:
        """The rows of a part, or their tokens: of whole ones, since the last ones of an epoch must decide nothing."""
        plan = self._engine.plan
        of_step = max(int(block.num_rows.max()), plan.batch_size or 0)
        return min(of_step, plan.micro_batch_size or of_step) * tokens_of(block.rows.stored, self._widths[0])

    def _num_threads(self, num_rows: int) -> int:
        """As many as torch has, if there are processors, units and work for each: they wait for one another, busily."""
        products = sum(stage.num_in * stage.num_out for stage in self._stages if stage.operation == LINEAR)
        operations = 6 * num_rows * products
        divided = self._widths[1 + self._has_columns : -1] or self._widths[-2:-1]
        units = min(-(-width // self._columns()) for width in divided)
        return max(1, min(torch.get_num_threads(), num_processors(), units, operations // OPERATIONS_FOR_A_THREAD))

    def _columns(self) -> int:
        return BESIDE * BYTES // int(type_of(self._engine.params).itemsize)

    def _make(self, num_threads: int, num_rows: int) -> None:
        """The tables, and room for so many rows."""
        beyond = max(ROWS, LANES) if self._has_columns else ROWS  # no panels then begin at the same places of a cache
        capacity = -(-num_rows // ROWS) * ROWS + beyond  # of columns, rows are lanes, and whole ones are written
        kind, params, columns = type_of(self._engine.params), self._engine.params, self._columns()
        panels = [-(-width // columns) for width in self._widths]
        overwrites = not self._has_passes and not self._learns
        values, gradients = level_places([count * capacity * columns for count in panels[1:]], overwrites=overwrites)
        firsts = [panels_of * t // num_threads for panels_of in panels for t in range(num_threads + 1)]
        places = values[:-1], gradients[:-1]
        self._net = self._divided(capacity, num_threads, places, np.array(firsts, dtype=np.int64))
        kept = values[-1] if any(stage.keeps_derivative for stage in self._stages[:-1]) else 0
        parts = num_threads * capacity * self._widths[-1]
        numbers = aligned(gradients[-1], kind)
        rooms = (
            numbers,
            aligned(kept, kind),
            numbers if overwrites else aligned(gradients[-1], kind),
            aligned(parts, kind),
        )
        barrier, squares = np.zeros((num_threads + 1) * APART, np.int64), np.zeros(num_threads * APART)
        self._room = Room._make((params.flat.numpy(), params.grad.numpy(), *rooms, barrier, squares))
        self._between = self._passes(capacity, num_threads, panels) if self._has_passes else Alone(len(self._stages))
        far = values[-1] if any(stage.strength >= 0 for stage in self._stages) else 0
        self._learned = self._learned_of(aligned(far, kind), capacity) if self._learns else Plain(len(self._stages))
        self._own = [self._own_room(t, kind, panels) for t in range(num_threads)]
        units = [self._panels(1, t, self._net.firsts) for t in range(num_threads)]
        self._first = FirstInputs(self._stages, units, capacity, kind)
        rest = params.flat.new_zeros(self._memory.rest.shape)
        self._remembered = [self._memory._replace(rest=rest.clone().numpy()) for _ in range(num_threads)]
        self._made = num_threads, num_rows

    def _divided(self, capacity: int, num_threads: int, places: tuple[Array, Array], firsts: Array) -> Divided:
        """The network, as compiled code takes it."""
        stages, past = self._stages, np.zeros(len(self._widths), np.int64)
        for layer, stage in enumerate(stages[:-1]):
            if layer and stage.operation == LINEAR and num_threads > 1:
                past[layer] += VALUES
                past[layer + 1] += GRADIENTS
        return Divided(
            kinds=np.array([stage.activation for stage in stages]),
            numbers=np.array([float(stage.option) for stage in stages]),
            dropped=np.array([stage.draws for stage in stages]),
            least=np.array([stage.least for stage in stages]),
            scaled=np.array([stage.scaled for stage in stages]),
            widths=np.array(self._widths),
            weights=np.array([stage.weight for stage in stages]),
            biases=np.array([stage.bias for stage in stages]),
            factors=np.array([stage.factor for stage in stages]),
            values=places[0],
            gradients=places[1],
            firsts=firsts,
            past=past,
            capacity=capacity,
            threads=num_threads,
        )

    def _passes(self, capacity: int, num_threads: int, panels: Sequence[int]) -> Passes:
        """The passes between the products, as tables for compiled code."""
        stages, also = self._stages, np.full(len(self._widths), -1)
        rows = 2 * OF_ROW * num_threads * -(-capacity // LANES) * LANES
        for layer, stage in enumerate(stages):
            if stage.joins >= 0:
                also[stage.joins] = layer + 1
        rooms = [
            OF_UNIT * panels[layer] * self._columns() + rows if stage.operation in NORMS else 0
            for layer, stage in enumerate(stages)
        ]
        params = self._engine.params
        return Passes(
            kinds=np.array([stage.operation for stage in stages]),
            eps=np.array([float((*stage.numbers, 0.0)[0]) for stage in stages]),
            momenta=np.array([float((*stage.numbers, 0.0, 0.0)[1]) for stage in stages]),
            running=np.array([stage.running for stage in stages]),
            joins=np.array([stage.joins for stage in stages]),
            also=also,
            places=np.cumsum([0, *rooms[:-1]]),
            buffers=params.buffers.numpy(),
            kept=aligned(sum(rooms), type_of(params)),
            shares=any(layer and stage.operation == LINEAR for layer, stage in enumerate(stages[:-1])),
        )

    def _learned_of(self, far: Array, capacity: int) -> Learned:
        """What a network for tables has besides, as compiled code takes it."""
        num_units = -(-self._widths[1] // self._columns()) * self._columns() * self._has_columns
        columns = columns_of(self._engine, num_units, capacity)
        return Learned(np.array([stage.strength for stage in self._stages]), far, self._has_columns, columns)

    def _panels(self, level: int, thread: int, firsts: Array) -> int:
        at = level * (len(firsts) // len(self._widths)) + thread
        return int(firsts[at + 1] - firsts[at])

    def _own_room(self, thread: int, kind: Any, panels: Sequence[int]) -> Own:
        """What a thread has for itself."""
        net, columns, last = self._net, self._columns(), len(self._stages) - 1
        own = [self._panels(level, thread, net.firsts) for level in range(last + 1)]
        linear = [layer for layer, stage in enumerate(self._stages) if stage.operation == LINEAR]
        forward = [
            _room_for(own[layer + 1], self._widths[layer], columns, draws=net.dropped[layer] >= 0)
            for layer in linear[:-1]
        ]
        back = [_room_for(own[layer], self._widths[layer + 1], columns) for layer in linear if layer]
        part = own[last] * columns
        sizes = panels[0] * net.capacity, max([*forward, *back, part]), *[max(own)] * 3, ROWS
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
        net, last, columns = self._net, len(self._stages) - 1, self._columns()
        places: list[tuple[int, int]] = []

        def reach(level: int) -> tuple[int, int]:
            at = level * (net.threads + 1) + thread
            first, end = (min(int(panel) * columns, self._widths[level]) for panel in net.firsts[at : at + 2])
            return first, end

        for layer, (weight, bias, num_in) in enumerate(zip(net.weights, net.biases, self._widths, strict=False)):
            first, end = reach(layer + 1 if layer < last else layer)
            if (strength := self._stages[layer].strength) >= 0:
                places.append((strength + first, strength + end))
            if self._stages[layer].operation == COLUMNS:
                places += parts_of_columns(self._engine, first, end)
            elif self._stages[layer].operation != LINEAR:
                places += [(weight + first, weight + end)] if weight >= 0 else []
            elif layer < last:
                places.append((weight + first * num_in, weight + end * num_in))
            else:
                rows = range(weight, weight + self._widths[-1] * num_in, num_in)
                places += [(row + first, row + end) for row in rows]
                first, end = 0, self._widths[-1] if thread == 0 else 0
            if bias >= 0:
                places.append((bias + first, bias + end))
        groups = [self._group_at(place) for place, _ in places]
        numbers = [(group.lr_factor, decay_of(group)) for group in groups]
        in_matrices = (place < self._engine.params.matrices.numel() for place, _ in places)
        reaches = [(*place, is_in) for place, is_in in zip(places, in_matrices, strict=True)]
        return Parts(np.array(reaches), np.array(numbers))

    def _group_at(self, place: int) -> RuleGroup:
        """The group of the parameter at a place of the flat vector, or of the last one."""
        place = min(place, self._engine.params.flat.numel() - 1)  # of a thread without units
        wheres = ((group, group.where_in(self._engine.params)) for group in self._groups)
        return next(group for group, where in wheres if where.start <= place < where.stop)

    def _work(self, block: Block, num_threads: int, *, merges: bool) -> Work:
        """The rows and the steps, as compiled code takes them."""
        rows, engine = self._rows, self._engine
        rows.take(block)
        tokens, num_in = tokens_of(block.rows.stored, self._widths[0]), self._widths[0]
        targets, share = rows.all_targets(self._widths[-1], tokens)
        stored, order, scale = rows.stored()
        factor, shift = self._inputs
        first, size = int(block.starts.min()), type_of(engine.params)
        bounds = (block.starts.numpy() - first) * tokens, (block.stops.numpy() - first) * tokens
        part = engine.plan.micro_batch_size
        if part is not None and not share.size:
            share = shares_alike(*bounds, size)
        steps, starts, stops = parts_of(*bounds, None if part is None else part * tokens)
        if (
            any(stage.operation == BATCH_NORM for stage in self._stages)
            and (single := np.flatnonzero(stops - starts == 1)).size
        ):
            whole = steps < steps[single[0]]
            steps, starts, stops = steps[whole], starts[whole], stops[whole]
        num_steps = int(steps[-1]) + 1 if steps.size else 0
        return Work(
            stored=stored.reshape(-1, num_in),
            order=order if tokens == 1 else (order[:, None] * tokens + np.arange(tokens)).ravel(),
            scale=np.array([float(scale[0]) * factor, shift], size),
            targets=targets,
            share=share,
            steps=steps,
            starts=starts,
            stops=stops,
            rates=block.rates[:num_steps].contiguous().numpy(),
            l2=block.l2.contiguous().numpy(),
            losses=np.zeros((num_threads, len(block.rates)), size),
            penalties=np.zeros((num_threads, len(block.rates)), size),
            seed=np.uint64(engine.draws.seed % 2**64),
            done=engine.num_updates,
            merges=merges and not self._learns,
        )

    def _call(self, work: Work, inputs: Sequence[Dense] | Sequence[Nonzeros]) -> None:
        """Lets each thread do its part, this one the first; raises what one of them raised."""
        num_threads = len(inputs)
        train, apart, failed = _compiled.one_pass("train_divided"), cores_apart(num_threads), list[BaseException]()

        def part(t: int) -> None:
            try:
                if t and apart:
                    move_to(apart[t])
                train(
                    Thread(t, self._net, inputs[t], self._between, self._learned, self._room, self._own[t]),
                    self._rules,
                    work,
                    self._remembered[t],
                )
            except BaseException as error:  # whatever it is, other threads must not wait for this one forever
                self._room.barrier[num_threads * APART] = 1
                failed.append(error)

        others = [threading.Thread(target=part, args=(t,), daemon=True) for t in range(1, num_threads)]
        try:
            for thread in others:
                thread.start()
            part(0)
        except BaseException:  # Ctrl-C in between
            self._room.barrier[num_threads * APART] = 1
            raise
        finally:
            for thread in others:
                if thread.ident is not None:
                    thread.join()
        if failed:
            raise failed[0]


def _room_for(panels: int, count: int, columns: int, *, draws: bool = False) -> int:
    """Weights of a panel's column, `count` for each unit: in all panels, where dropout's bits are drawn but once."""
    return panels * count if draws else min(panels * count, max(count, MOST_PACKED // columns))
