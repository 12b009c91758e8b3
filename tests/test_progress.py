"""What the loop remembers, whatever the number of steps that are done in one call."""

from itertools import islice

import pytest
import torch

import fivestep.progress
from fivestep.progress import Progress
from fivestep.steps import Step, steps
from fivestep.train import train
from tests.samples import do_steps, small_engine, small_plan, three_classes
from tests.tolerances import FORMULA

DATA = three_classes()
PLAN = small_plan(optimizer="adam", epochs=3)


def in_blocks(done: list[Step], sizes: list[int]) -> list[Step]:
    """The same steps, some of them together."""
    blocks = []
    for size in sizes:
        block, done = done[:size], done[size:]
        losses = torch.stack([step.loss for step in block])
        num_rows = sum(step.num_rows for step in block)
        blocks.append(Step(block[-1].number, block[-1].epoch, num_rows, losses.mean(), losses))
    return blocks


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", [[1] * 8, [8], [3, 5], [4, 1, 2, 1]], ids=str)
@pytest.mark.parametrize("together", [1000, 2])
def test_the_running_loss_does_not_depend_on_how_steps_are_cut_into_blocks(
    sizes: list[int], together: int, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fivestep.progress, "LOSSES_PER_VECTOR", together)
    engine = small_engine("scratch", PLAN, dtype=dtype)
    single, blocks = Progress(engine, PLAN), Progress(engine, PLAN)
    done = do_steps(engine, DATA, PLAN, 1, 8)
    for step in done:
        single.add(step)
    for block in in_blocks(done, sizes):
        blocks.add(block)
    assert single.running_loss(50) == blocks.running_loss(50)  # to the bit
    expected = sum(float(step.loss) * step.num_rows for step in done) / 100
    assert single.running_loss(50) == pytest.approx(expected, rel=FORMULA)
    assert blocks.num_rows == single.num_rows == 100


def test_an_epoch_begins_the_sums_again() -> None:
    engine = small_engine("scratch", PLAN)
    progress = Progress(engine, PLAN)
    shown = [(epoch, len(progress.losses), progress.num_rows) for epoch in train(engine, DATA, PLAN, 1, progress)]
    assert [(epoch.index, losses, rows) for epoch, losses, rows in shown] == [(1, 0, 0), (2, 0, 0), (3, 0, 0)]
    assert progress.history == [epoch for epoch, _, _ in shown]
    assert progress.seen == [epoch.train_loss for epoch, _, _ in shown]
    assert progress.is_over()


def test_a_run_goes_on_with_what_the_loop_remembers() -> None:
    """With a schedule that answers to what was seen, and a running loss over steps of both halves."""
    plan = small_plan(schedule="plateau:patience=0,threshold=0.9", epochs=5, lr=3.0)
    whole, halted = small_engine("scratch", plan), small_engine("scratch", plan)
    expected = list(train(whole, DATA, plan, 2))
    progress = Progress(halted, plan)
    next(train(halted, DATA, plan, 2, progress))
    for step in islice(steps(halted, DATA, plan, 8, progress.seen), 3):  # into the third epoch
        progress.add(step)
    rest = list(train(halted, DATA, plan, 2, progress))
    assert [(e.index, e.running_loss, e.train_loss, e.lr) for e in rest] == [
        (e.index, e.running_loss, e.train_loss, e.lr) for e in expected[1:]
    ]
    assert torch.equal(whole.params.flat, halted.params.flat)
    assert len({epoch.lr for epoch in expected}) > 1
