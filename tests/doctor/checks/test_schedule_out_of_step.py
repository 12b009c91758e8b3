"""Schedules that count otherwise than they are stepped."""

from collections.abc import Callable

import pytest
from torch import optim
from torch.nn import functional as F  # noqa: N812
from torch.optim import lr_scheduler as schedules

from tests.doctor.loops import broken, findings, net, rows, signs

Make = Callable[[optim.Optimizer], schedules.LRScheduler]


def loop(make: Make, every: int, epochs: int = 12, batches: int = 10) -> None:
    (x, y), model = rows(), net()
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    schedule = make(optimizer)
    for step in range(epochs * batches):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        if every and step % every == every - 1:
            schedule.step()


def cosine(length: int) -> Make:
    return lambda optimizer: schedules.CosineAnnealingLR(optimizer, T_max=length)


def one_cycle(length: int) -> Make:
    return lambda optimizer: schedules.OneCycleLR(optimizer, max_lr=0.1, total_steps=length)


def one_after_another(optimizer: optim.Optimizer) -> schedules.LRScheduler:
    parts = [schedules.LinearLR(optimizer, total_iters=10), schedules.CosineAnnealingLR(optimizer, 1000)]
    return schedules.SequentialLR(optimizer, parts, milestones=[1000])


@pytest.mark.parametrize(
    ("make", "every", "said"),
    [
        (cosine(12), 1, "CosineAnnealingLR was made for 12 steps, and was stepped 120 times: the rate has come to its"),
        (one_cycle(120), 10, "OneCycleLR was made for 120 steps, as many as there were updates, and was stepped 12"),
        (one_cycle(120), 0, "OneCycleLR was made, and not stepped in 120 updates of its optimizer"),
    ],
    ids=["too often", "too seldom", "never"],
)
def test_it_counts_otherwise(make: Make, every: int, said: str) -> None:
    (found,) = findings(lambda: loop(make, every))
    assert found.sign == "schedule out of step"
    assert said in found.seen


def test_one_that_ends_with_an_error() -> None:
    (found,) = broken(lambda: loop(one_cycle(12), 1), ValueError)
    assert found.sign == "schedule out of step"
    assert "OneCycleLR was made for 12 steps, and was stepped once more." in found.seen


@pytest.mark.parametrize(
    ("make", "every", "epochs"),
    [
        (cosine(120), 1, 12),
        (cosine(12), 10, 12),
        (one_cycle(120), 1, 12),
        (one_cycle(12), 10, 12),
        (one_cycle(100), 10, 5),
        (lambda optimizer: schedules.CosineAnnealingWarmRestarts(optimizer, 12), 1, 12),
        (one_after_another, 1, 12),
    ],
    ids=["updates", "epochs", "a cycle of updates", "a cycle of epochs", "stopped early", "restarts", "a sequence"],
)
@pytest.mark.filterwarnings("ignore:The epoch parameter:UserWarning")
def test_it_is_stepped_as_it_counts(make: Make, every: int, epochs: int) -> None:
    assert signs(lambda: loop(make, every, epochs)) == []
