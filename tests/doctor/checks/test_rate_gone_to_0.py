"""The schedule has ended long before the loop."""

from collections.abc import Callable
from typing import Literal

import pytest
from torch import optim
from torch.nn import functional as F  # noqa: N812

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
    [(lambda step: max(0.0, 1 - step / 10), "0 by update 11,"), (lambda step: 0.1**step, "5e-06 by update 6,")],
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
