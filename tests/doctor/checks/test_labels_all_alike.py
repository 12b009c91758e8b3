"""One label for all rows."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, optim
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, rows, signs


def loop(labels_of: Callable[[Tensor], Tensor], logits_of: Callable[[Tensor], Tensor] = lambda out: out) -> None:
    (x, y), model = rows(), net()
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    for step in range(24):
        part = slice(step % 8 * 8, step % 8 * 8 + 8)
        optimizer.zero_grad()
        F.cross_entropy(logits_of(model(x[part])), labels_of(y[part])).backward()
        optimizer.step()


def test_argmax_of_one_column() -> None:
    (found,) = findings(lambda: loop(lambda y: y.unsqueeze(1).argmax(1)))
    assert found.sign == "labels all alike"
    assert "In all 24 batches seen, every label is 0, and the model has 3 outputs" in found.seen


@pytest.mark.parametrize(
    "right",
    [
        lambda: loop(lambda y: y),
        lambda: loop(torch.zeros_like, lambda out: out / 0.1),
        lambda: loop(lambda y: torch.zeros_like(y) + (y[0] == 2)),
    ],
    ids=["several", "contrastive", "one for each batch"],
)
def test_there_are_several_or_it_is_meant_so(right: Callable[[], None]) -> None:
    assert "labels all alike" not in signs(right)


def test_the_right_one_has_nothing_else_either() -> None:
    assert signs(lambda: loop(lambda y: y)) == []
