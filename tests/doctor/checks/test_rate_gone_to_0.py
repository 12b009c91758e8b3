"""The schedule has ended long before the loop."""

from collections.abc import Callable
from typing import Literal

import pytest
from torch import optim
from torch.nn import functional as F  # noqa: N812

from fivestep.doctor._window import EVERY
from tests.doctor.loops import findings, net, rows, signs


def loop(share: Callable[[int], float], steps: int = 120) -> None:
    (x, y), model = rows(), net()
    optimizer = optim.SGD(model.parameters(), lr=0.5)
    schedule = optim.lr_scheduler.LambdaLR(optimizer, share)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        schedule.step()


@pytest.mark.parametrize(
    ("share", "said"),
    [(lambda step: max(0.0, 1 - step / 10), "0 by update 11,"), (lambda step: 0.1**step, "0.005 by update 3,")],
)
def test_a_schedule_that_is_stepped_too_often(share: Callable[[int], float], said: str) -> None:
    (found,) = findings(lambda: loop(share))
    assert found.sign == "rate gone to 0"
    assert f"The learning rate of SGD has gone from 0.5 to {said}" in found.seen


@pytest.mark.parametrize(
    "share",
    [
        lambda step: max(0.0, 1 - step / 120),
        lambda step: max(0.0, 1 - step / 90),
        lambda step: step % 20 / 20,
        lambda step: min(1.0, step / 60),
        lambda step: 0.97**step,
    ],
    ids=["to 0 at the end", "near the end", "again and again", "warm-up", "slowly"],
)
def test_schedules_of_the_loop_s_length(share: Callable[[int], float]) -> None:
    assert signs(lambda: loop(share)) == []


def plateau(lr: float, mode: Literal["min", "max"], steps: int = 120) -> None:
    (x, y), model = rows(), net()
    optimizer = optim.SGD(model.parameters(), lr=lr)
    schedule = optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode, patience=1)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        schedule.step(loss.item())


def test_a_plateau_that_waits_for_a_loss_to_grow() -> None:
    (found,) = [one for one in findings(lambda: plateau(0.01, "max")) if one.sign == "rate gone to 0"]
    assert "and mode='min'" in found.advice


def test_a_plateau_after_the_loss_has_fallen() -> None:
    assert signs(lambda: plateau(0.5, "min")) == []


def of_batches(schedule: Callable[[optim.Optimizer], optim.lr_scheduler.LRScheduler], *, each: bool) -> None:
    """Twenty epochs of eight batches, with a schedule that is stepped with each batch, or once an epoch."""
    (x, y), model = rows(), net()
    optimizer = optim.SGD(model.parameters(), lr=0.5)
    made = schedule(optimizer)
    for _ in range(20):
        for part in range(0, 64, 8):
            optimizer.zero_grad()
            F.cross_entropy(model(x[part : part + 8]), y[part : part + 8]).backward()
            optimizer.step()
            if each:
                made.step()
        if not each:
            made.step()


EPOCHS = [
    lambda optimizer: optim.lr_scheduler.MultiStepLR(optimizer, [5, 12]),
    lambda optimizer: optim.lr_scheduler.StepLR(optimizer, 6),
    lambda optimizer: optim.lr_scheduler.ExponentialLR(optimizer, 0.8),
]
NAMES = ["milestones", "steps", "factors"]


@pytest.mark.parametrize("schedule", EPOCHS, ids=NAMES)
def test_a_schedule_for_epochs_that_counts_batches(
    schedule: Callable[[optim.Optimizer], optim.lr_scheduler.LRScheduler],
) -> None:
    (found,) = [one for one in findings(lambda: of_batches(schedule, each=True)) if one.sign == "rate gone to 0"]
    assert "once an epoch or once a batch" in found.advice
    assert f"the loop went on to update {3 * EVERY + 2}" in found.seen  # the last of 160 that is watched


@pytest.mark.parametrize("schedule", EPOCHS, ids=NAMES)
def test_the_same_once_an_epoch(schedule: Callable[[optim.Optimizer], optim.lr_scheduler.LRScheduler]) -> None:
    assert signs(lambda: of_batches(schedule, each=False)) == []


def test_steps_that_are_as_long_as_the_loop() -> None:
    assert signs(lambda: of_batches(lambda one: optim.lr_scheduler.StepLR(one, 50), each=True)) == []


def plateau_of_batches(rows_of_a_batch: int) -> None:
    (x, y), model = rows(), net()
    optimizer = optim.SGD(model.parameters(), lr=0.5)
    schedule = optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
    for step in range(160):
        part = slice(step * rows_of_a_batch % 64, step * rows_of_a_batch % 64 + rows_of_a_batch)
        loss = F.cross_entropy(model(x[part]), y[part])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step(loss.item())


def test_a_plateau_that_sees_each_batch() -> None:
    (found,) = [one for one in findings(lambda: plateau_of_batches(4)) if one.sign == "rate gone to 0"]
    assert "Step it once an epoch" in found.advice


def test_a_plateau_that_sees_all_rows() -> None:
    assert signs(lambda: plateau_of_batches(64)) == []


def exponential(gamma: float) -> None:
    (x, y), model = rows(), net()
    optimizer = optim.SGD(model.parameters(), lr=0.5)
    schedule = optim.lr_scheduler.ExponentialLR(optimizer, gamma)
    for _ in range(400):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        schedule.step()


def test_an_exponential_schedule_that_counts_batches() -> None:
    """At the middle of 400 updates, 0.96^200 = 2.8e-4 and 0.99^200 = 0.13, and a twentieth came after a tenth."""
    assert signs(lambda: exponential(0.96)) == ["rate gone to 0"]
    assert signs(lambda: exponential(0.99)) == []
