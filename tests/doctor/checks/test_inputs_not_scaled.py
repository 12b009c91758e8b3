"""The numbers of the rows are far from the size that layers begin with."""

import torch
from torch import optim
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import net, rows, signs, train


def loop(unit: float, lr: float) -> None:
    (x, y), model = rows(), net()
    train(model, lambda: F.cross_entropy(model(x * unit), y), steps=40, lr=lr)


def test_large_inputs_where_the_loss_does_not_fall() -> None:
    assert "inputs not scaled" in signs(lambda: loop(1000.0, lr=1e-12))


def test_large_ones_where_it_does_and_those_of_a_usual_size() -> None:
    assert signs(lambda: loop(20.0, lr=0.001)) == []
    assert signs(lambda: loop(1.0, lr=0.1)) == []


def test_large_ones_where_it_only_came_down_to_the_shares_of_the_classes() -> None:
    assert "inputs not scaled" in signs(lambda: noise(100.0))
    assert "inputs not scaled" not in signs(lambda: noise(1.0))


def noise(unit: float) -> None:
    """300 updates on labels that the rows say nothing of, of two of three classes."""
    (x, _), model = rows(200), net()
    y = torch.randint(2, (200,))
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    for step in range(300):
        part = slice(step % 10 * 20, step % 10 * 20 + 20)
        optimizer.zero_grad()
        F.cross_entropy(model(x[part] * unit), y[part]).backward()
        optimizer.step()
