"""`loss(target, prediction)`."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, rows, signs, train


def loop(loss: Callable[..., Tensor], is_swapped: bool, of_probabilities: bool = False, steps: int = 3) -> None:
    (x, y), model = rows(), net()
    target = F.one_hot(y, 3).float()

    def loss_of() -> Tensor:
        answer = torch.softmax(model(x), 1) if of_probabilities else model(x)
        return loss(target, answer) if is_swapped else loss(answer, target)

    train(model, loss_of, steps)


@pytest.mark.parametrize(
    ("loss", "of_probabilities"),
    [(F.cross_entropy, True), (F.binary_cross_entropy, True), (F.binary_cross_entropy_with_logits, True)],
)
def test_they_have_changed_places(loss: Callable[..., Tensor], of_probabilities: bool) -> None:
    found = [one for one in findings(lambda: loop(loss, True, of_probabilities, 1)) if one.sign == "arguments swapped"]
    assert [loss.__name__ in one.seen for one in found] == [True]


@pytest.mark.parametrize(
    "right",
    [lambda: loop(F.cross_entropy, False), lambda: loop(F.mse_loss, True), lambda: loop(F.l1_loss, True)],
    ids=["in place", "a squared error", "an absolute error"],
)
def test_they_have_not_or_it_does_not_matter(right: Callable[[], None]) -> None:
    assert signs(right) == []
