"""An update by hand is made a part of the graph, or finds no gradient."""

import pytest
import torch

from tests.doctor.loops import broken, rows, signs


def loop(how: str) -> None:
    (x, y), w = rows(), torch.zeros(6, 1, requires_grad=True)
    for _ in range(5):
        (x @ w - y.unsqueeze(1)).square().mean().backward()
        if how == "watched":
            w -= 0.1 * w.grad
        elif how == "another":
            w = w - 0.1 * w.grad
        else:
            with torch.no_grad():
                w -= 0.1 * w.grad
            w.grad = None


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
@pytest.mark.parametrize(
    ("how", "error", "said"),
    [("watched", RuntimeError, "while autograd watches"), ("another", TypeError, "it is no leaf any more")],
)
def test_an_update_that_is_a_part_of_it(how: str, error: type[Exception], said: str) -> None:
    (found,) = broken(lambda: loop(how), error)
    assert found.sign == "update in the graph"
    assert said in found.seen


def test_an_update_that_is_not() -> None:
    assert signs(lambda: loop("right")) == []
