"""What is learned of the training rows says nothing of others."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn, optim

from tests.doctor.loops import findings, signs

Change = Callable[[Tensor], Tensor]


def loop(change: Change = lambda y: y, num_rows: int = 600, lr: float = 0.01, *, numbers: bool = False) -> None:
    """Forty epochs on 600 rows, evaluated after each on as many others; `change` is made to the training targets."""
    x = torch.randn(2 * num_rows, 6)
    y = x[:, :1] - x[:, 1:2] if numbers else x[:, :3].argmax(1)
    loss_fn = nn.MSELoss() if numbers else nn.CrossEntropyLoss()
    model = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 1 if numbers else 3))
    optimizer = optim.Adam(model.parameters(), lr=lr)
    x_train, y_train = x[:num_rows], change(y[:num_rows])
    for _ in range(40):
        for part in torch.randperm(num_rows).split(60):
            optimizer.zero_grad()
            loss_fn(model(x_train[part]), y_train[part]).backward()
            optimizer.step()
        with torch.no_grad():
            for part in torch.arange(num_rows, 2 * num_rows).split(100):
                loss_fn(model(x[part]), y[part])


def shuffled(y: Tensor) -> Tensor:
    return y[torch.randperm(len(y))]


@pytest.mark.parametrize("change", [shuffled, lambda y: y.roll(1, 0)])
@pytest.mark.parametrize("numbers", [False, True])
def test_targets_that_have_left_their_rows(change: Change, numbers: bool) -> None:
    (found,) = findings(lambda: loop(change, lr=0.03, numbers=numbers))
    assert found.sign == "nothing for other rows"
    assert "evaluations seen, of 600 rows, the answers fit the targets no better than shuffled ones" in found.seen


@pytest.mark.parametrize("numbers", [False, True])
def test_targets_that_belong_to_their_rows(numbers: bool) -> None:
    assert signs(lambda: loop(numbers=numbers)) == []


def test_a_little_truth_that_is_overfitted() -> None:
    """Three rows in four have another's label, and the training rows are learned by heart."""

    def mostly_shuffled(y: Tensor) -> Tensor:
        return torch.where(torch.rand(len(y)) < 0.75, shuffled(y), y)

    assert signs(lambda: loop(mostly_shuffled, lr=0.03)) == []


def test_too_few_rows_to_tell() -> None:
    assert signs(lambda: loop(shuffled, num_rows=150, lr=0.03)) == []
