"""Something that backward needs was changed after it was used."""

import pytest
import torch
from torch import nn, optim
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import broken, net, rows, signs, train


class Adds(nn.Module):
    """A hidden layer whose answer is written over, or not."""

    def __init__(self, in_place: bool) -> None:
        super().__init__()
        self.hidden, self.out, self.in_place = nn.Linear(6, 16), nn.Linear(16, 3), in_place

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.hidden(x).sigmoid()
        if self.in_place:
            h += 1
        else:
            h = h + 1
        return self.out(h)


def written(in_place: bool) -> None:
    (x, y), model = rows(), Adds(in_place)
    train(model, lambda: F.cross_entropy(model(x), y))


def moved(in_time: bool) -> None:
    (x, y), model = rows(), net()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for _ in range(5):
        loss = F.cross_entropy(model(x), y)
        if in_time:
            loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if not in_time:
            loss.backward()


def test_an_answer_that_is_written_over() -> None:
    (found,) = broken(lambda: written(True), RuntimeError)
    assert found.sign == "changed in place"
    assert "tensor of shape (64, 16)" in found.seen
    assert "h = h + 1" in found.advice


def test_weights_that_were_moved_in_between() -> None:
    (found,) = broken(lambda: moved(False), RuntimeError)
    assert found.sign == "changed in place"
    assert "weights of shape (3, 16)" in found.seen
    assert "Sequential.2.weight" in found.seen


@pytest.mark.parametrize("loop", [lambda: written(False), lambda: moved(True)])
def test_another_tensor_and_the_right_order(loop: object) -> None:
    assert callable(loop)
    assert signs(loop) == []
