"""Steps of an engine as `fs.steps` has them done, rows and rates included, and windows of as many as take so long."""

import time
from collections.abc import Callable
from dataclasses import replace

import torch

import fivestep as fs
from fivestep.blocks import Blocks
from fivestep.engines._engine import BlockEngine
from fivestep.machine.threads import one_thread
from fivestep.steps import do_step, learn_from_rows, upcoming_steps

Steps = Callable[[int], None]
"""Does so many steps more."""


def steps_of(engine: fs.Engine, data: fs.Dataset) -> Steps:
    """An engine's by its own plan, at a constant rate: one by one, or in blocks of a size that it would take."""
    plan = replace(engine.plan, schedule="constant")
    if not isinstance(engine, BlockEngine):
        upcoming = upcoming_steps(engine, data, plan, 0)

        def one_by_one(count: int) -> None:
            for _ in range(count):
                do_step(engine, next(upcoming), plan)

        return one_by_one
    learn_from_rows(engine, data)
    blocks = Blocks(data, plan.batch_size, plan.seed, engine.dtype, engine.device, engine.row_access)

    def in_blocks(count: int) -> None:
        end = engine.num_updates + count
        while engine.num_updates < end:
            number = min(blocks.most_steps, end - engine.num_updates)
            rates = torch.full((number,), plan.lr, dtype=torch.float64)
            with one_thread():  # as `fs.steps` does: torch's threads would still turn round when ours begin
                block = blocks.take(engine.num_updates, rates, plan.l2)
            engine.train_block(block)

    return in_blocks


def steps_in(run: Steps, seconds: float) -> int:
    """How many steps take about so long, at least two."""
    run(2)  # compiled, or loaded
    count, taken = 1, 0.0
    while taken < seconds / 4:  # of small networks, the first few say little
        count *= 2
        started = time.perf_counter()
        run(count)
        taken = time.perf_counter() - started
    return max(2, round(count * seconds / taken))
