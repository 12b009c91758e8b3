"""The two betas of Adam have changed places."""

import pytest
from torch import optim
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, rows, signs


def loop(betas: tuple[float, float], kind: type[optim.Adam] = optim.Adam, cycle: bool = False) -> None:
    (x, y), model = rows(), net()
    optimizer = kind(model.parameters(), lr=0.01, betas=betas)
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=30, cycle_momentum=cycle)
    for _ in range(30):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        schedule.step()


@pytest.mark.parametrize("kind", [optim.Adam, optim.AdamW])
def test_the_longer_memory_first(kind: type[optim.Adam]) -> None:
    (found,) = findings(lambda: loop((0.999, 0.9), kind))
    assert found.sign == "betas swapped"
    assert "remembers the gradient for about 1,000 updates, and its square, which is the measure of it, for 10" in (
        found.seen
    )
    assert "betas=(0.9, 0.999)" in found.advice


def test_a_long_memory_is_not_rounded_to_1() -> None:
    (found,) = findings(lambda: loop((0.99999, 0.99)))
    assert "betas=(0.99999, 0.99)" in found.seen
    assert "betas=(0.99, 0.99999)" in found.advice


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.9, 0.95), (0.95, 0.95), (0.5, 0.999), (0.0, 0.9), (0.9, 0.8)])
def test_what_people_use(betas: tuple[float, float]) -> None:
    assert signs(lambda: loop(betas)) == []


def test_a_momentum_that_a_schedule_moves() -> None:
    assert signs(lambda: loop((0.9, 0.8), cycle=True)) == []
