"""Losses are added up together with the graphs behind them."""

import pytest
import torch
from torch import Tensor, optim
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, rows, signs, train


def loop(kept: bool, before_backward: bool) -> None:
    (x, y), model, total = rows(), net(), 0.0
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for _ in range(10):
        loss = F.cross_entropy(model(x), y)
        if before_backward:
            total += loss * len(x) if kept else loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if not before_backward:
            total = total + (loss if kept else loss.detach())


@pytest.mark.parametrize("before_backward", [False, True])
def test_a_sum_of_tensors(before_backward: bool) -> None:
    assert signs(lambda: loop(True, before_backward)) == ["loss kept with graph"]


@pytest.mark.parametrize("before_backward", [False, True])
def test_a_sum_of_numbers(before_backward: bool) -> None:
    assert signs(lambda: loop(False, before_backward)) == []


def test_several_losses_for_one_backward() -> None:
    def together() -> None:
        (x, y), model = rows(), net()
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        for _ in range(10):
            loss: Tensor | float = 0.0
            for part in x.split(16):
                loss = loss + F.cross_entropy(model(part), y[: len(part)])
            optimizer.zero_grad()
            assert isinstance(loss, Tensor)
            loss.backward()
            optimizer.step()

    assert signs(together) == []


def evaluated(graph: bool, kept: bool, before: int, backward: bool = False) -> None:
    """An evaluation over 20 batches, after some updates."""
    (x, y), model = rows(), net()
    train(model, lambda: F.cross_entropy(model(x), y), before)
    model.eval()
    total = torch.zeros(()) if before else 0
    with torch.set_grad_enabled(graph):
        for _ in range(20):
            loss = F.cross_entropy(model(x), y)
            total += loss if kept else loss.item()
    if backward:
        total.backward()


@pytest.mark.parametrize("before", [10, 42], ids=["in a round that is watched", "in one that is not"])
def test_a_sum_of_tensors_in_an_evaluation(before: int) -> None:
    (found,) = findings(lambda: evaluated(graph=True, kept=True, before=before))
    assert found.sign == "loss kept with graph"
    assert "A sum holds 20 losses of an evaluation with their graphs" in found.seen
    assert "total += loss" in str(found.where)


@pytest.mark.parametrize(
    ("graph", "kept", "backward"), [(True, False, False), (False, True, False), (True, True, True)]
)
def test_an_evaluation_that_keeps_no_graph(graph: bool, kept: bool, backward: bool) -> None:
    assert signs(lambda: evaluated(graph, kept, 10, backward)) == []
