"""Every batch holds rows of one class."""

import torch
from torch import Tensor, optim
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import net, rows, signs


def loop(order: Tensor | None) -> None:
    (x, y), model = rows(240), net()
    order = y.argsort() if order is None else order
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for part in order.split(10):
        optimizer.zero_grad()
        F.cross_entropy(model(x[part]), y[part]).backward()
        optimizer.step()


def test_rows_that_are_sorted_by_class() -> None:
    assert "batches of one class" in signs(lambda: loop(None))


def test_rows_in_any_order() -> None:
    assert signs(lambda: loop(torch.arange(240))) == []


def test_one_class_that_nearly_all_rows_have() -> None:
    def rare() -> None:
        x, model = torch.randn(240, 6), net()
        y = (torch.arange(240) % 60 == 0).long()
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        for part in torch.arange(240).split(10):
            optimizer.zero_grad()
            F.cross_entropy(model(x[part]), y[part]).backward()
            optimizer.step()

    assert signs(rare) == []
