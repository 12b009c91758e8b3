"""The rows of a batch are taken for the steps of a sequence."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, signs, train


class Recurrent(nn.Module):
    """The last state of a GRU goes into a linear layer."""

    def __init__(self, *, is_batch_first: bool, is_turned: bool = False) -> None:
        super().__init__()
        self.gru, self.last = nn.GRU(3, 8, batch_first=is_batch_first), nn.Linear(8, 2)
        self.is_turned = is_turned

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.gru(x.transpose(0, 1) if self.is_turned else x)
        return self.last(states[-1] if self.is_turned else states[:, -1])


class Attentive(nn.Module):
    """The mean over the steps of what one block of a transformer makes."""

    def __init__(self, *, is_batch_first: bool) -> None:
        super().__init__()
        self.block = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=is_batch_first)
        self.first, self.last = nn.Linear(3, 4), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.block(self.first(x)).mean(1))


def loop(model: nn.Module, num_rows: int = 16, num_steps: int = 5) -> None:
    x = torch.randn(num_rows, num_steps, 3)
    y = (x[:, :, 0].sum(1) > 0).long()
    train(model, lambda: F.cross_entropy(model(x), y), steps=5)


@pytest.mark.parametrize("kind", [Recurrent, Attentive])
def test_rows_first_in_a_layer_that_takes_steps_first(kind: type[nn.Module]) -> None:
    (found,) = findings(lambda: loop(kind(is_batch_first=False)))
    assert found.sign == "batch not first"
    assert "reads the 16 rows of a batch as the steps of one sequence, and the 5 steps as rows" in found.seen
    assert signs(lambda: loop(kind(is_batch_first=True))) == []


def test_rows_that_are_turned_and_as_many_as_steps() -> None:
    assert signs(lambda: loop(Recurrent(is_batch_first=False, is_turned=True))) == []
    assert signs(lambda: loop(Recurrent(is_batch_first=False), num_rows=5)) == []


@pytest.mark.parametrize("num_rows", [1, 4])
def test_a_target_for_each_step(num_rows: int) -> None:
    def loop() -> None:
        x, gru, last = torch.randn(7, num_rows, 3), nn.GRU(3, 8), nn.Linear(8, 2)
        y = (x.cumsum(0)[:, :, 0] > 0).long()
        model = nn.ModuleList([gru, last])
        train(model, lambda: F.cross_entropy(last(gru(x)[0]).flatten(0, 1), y.flatten()), steps=5)

    assert signs(loop) == []
