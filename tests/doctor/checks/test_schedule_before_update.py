"""`scheduler.step()` in front of `optimizer.step()`."""

import pytest
from torch import optim
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, rows, signs


def loop(is_first: bool, forward: int = 0) -> None:
    (x, y), model = rows(), net()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    schedule = optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    for _ in range(forward):
        schedule.step()
    for _ in range(6):
        if is_first:
            schedule.step()
        for _ in range(4):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        if not is_first:
            schedule.step()


@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step")
def test_the_first_rate_is_skipped() -> None:
    (found,) = findings(lambda: loop(is_first=True))
    assert found.sign == "schedule before update"
    assert "ExponentialLR is stepped before the updates that it is for" in found.seen


@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step")
@pytest.mark.parametrize("forward", [0, 1, 3], ids=["after it", "begun at the second rate", "resumed"])
def test_one_that_stands_behind(forward: int) -> None:
    assert signs(lambda: loop(is_first=False, forward=forward)) == []


def warmed(steps: int = 30) -> None:
    """A warm-up and a cosine in one, which begins the first of them once more."""
    (x, y), model = rows(), net()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    warm = optim.lr_scheduler.LinearLR(optimizer, 0.1, total_iters=5)
    cosine = optim.lr_scheduler.CosineAnnealingLR(optimizer, steps - 5)
    schedule = optim.lr_scheduler.SequentialLR(optimizer, [warm, cosine], milestones=[5])
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        schedule.step()


def test_schedules_that_follow_on_each_other() -> None:
    assert signs(warmed) == []
