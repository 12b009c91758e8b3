"""Answers or losses are kept together with the graphs behind them."""

import gc

import pytest
import torch
from torch import Tensor, optim
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, rows, signs


def training(kept: str) -> list[Tensor]:
    (x, y), model, those = rows(), net(), list[Tensor]()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for _ in range(25):
        answers = model(x)
        loss = F.cross_entropy(answers, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        those.append({"losses": loss, "answers": answers, "numbers": loss.detach()}[kept])
    return those


def evaluation(with_graph: bool, used: bool = False) -> None:
    (x, y), model = rows(), net()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        model.eval()
        with torch.set_grad_enabled(with_graph):
            answers = [model(row) for row in x.split(4)]
        if used:
            F.cross_entropy(torch.cat(answers), y).backward()
        model.train()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        optimizer.zero_grad()


@pytest.mark.parametrize("kept", ["losses", "answers"])
def test_a_list_of_tensors(kept: str) -> None:
    (found,) = findings(lambda: training(kept))
    assert found.sign == "graphs kept"
    assert "of 25 rounds seen" in found.seen


def test_a_list_of_numbers() -> None:
    assert signs(lambda: training("numbers")) == []


def test_an_evaluation_with_graphs() -> None:
    (found,) = findings(lambda: evaluation(with_graph=True))
    assert found.sign == "graphs kept"
    assert "An evaluation kept 16 answers" in found.seen
    assert str(found.where).endswith("answers = [model(row) for row in x.split(4)]")


@pytest.mark.parametrize(("with_graph", "used"), [(False, False), (True, True)], ids=["without", "used by backward"])
def test_one_without_and_one_whose_graphs_are_used(with_graph: bool, used: bool) -> None:
    assert signs(lambda: evaluation(with_graph, used)) == []


def test_garbage_is_not_collected_at_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, own = list[int](), gc.collect

    def collect() -> int:
        calls.append(1)
        return own()

    monkeypatch.setattr(gc, "collect", collect)
    findings(lambda: training("losses"))
    assert len(calls) == 1
