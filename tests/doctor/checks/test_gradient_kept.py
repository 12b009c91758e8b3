"""The gradient of the last step is still there when the next one is added."""

import pytest
import torch
from torch import optim
from torch.nn import functional as F  # noqa: N812

import fivestep as fs
from tests.doctor.loops import net, rows, signs


def loop(clear_every: int, steps: int = 30, accumulate: int = 1) -> None:
    (x, y), model = rows(), net()
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    for step in range(steps):
        if step % clear_every == 0:
            optimizer.zero_grad()
        for _ in range(accumulate):
            F.cross_entropy(model(x), y).backward()
        optimizer.step()


@pytest.mark.parametrize("clear_every", [1000, 10, 2], ids=["never", "each tenth time", "each second time"])
def test_a_gradient_that_is_not_cleared(clear_every: int) -> None:
    assert signs(lambda: loop(clear_every)) == ["gradient kept"]


@pytest.mark.parametrize("accumulate", [1, 3])
def test_one_that_is(accumulate: int) -> None:
    assert signs(lambda: loop(1, accumulate=accumulate)) == []


def test_it_is_counted_and_the_line_is_named() -> None:
    torch.manual_seed(0)
    with fs.watch() as seen:
        loop(10)
    (found,) = seen.findings
    assert "In 27 of 30 updates seen" in found.seen
    assert "Sequential.0.weight" in found.seen
    assert str(found.where).endswith("optimizer.step()")
    assert "test_gradient_kept.py:" in str(found.where)


def test_long_after_the_first_rounds_it_is_still_seen() -> None:
    with fs.watch() as seen:
        loop(1, steps=40)
        assert seen.findings == ()
        loop(1000, steps=130)
    assert [one.sign for one in seen.findings] == ["gradient kept"]


def by_hand(clear: bool, move: bool = True) -> None:
    (x, y), model = rows(), net()
    for _ in range(20):
        F.cross_entropy(model(x), y).backward()
        for p in model.parameters() if move else ():
            p.data -= 0.05 * p.grad
            if clear:
                p.grad = None


def test_without_an_optimizer() -> None:
    torch.manual_seed(0)
    with fs.watch() as seen:
        by_hand(clear=False)
    (found,) = seen.findings
    assert found.sign == "gradient kept"
    assert "In 19 of 20 backward passes seen" in found.seen
    assert "w.grad = None" in found.advice


def test_without_an_optimizer_it_is_cleared() -> None:
    assert signs(lambda: by_hand(clear=True)) == []


def test_a_gradient_that_nobody_uses_may_grow() -> None:
    assert "gradient kept" not in signs(lambda: by_hand(clear=False, move=False))
