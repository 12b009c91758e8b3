"""cross_entropy takes targets for probabilities, and they are none."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, rows, signs, train


def loop(made: str) -> None:
    (x, y), several = rows(), (torch.rand(64, 3) > 0.3).float()
    one_hot = F.one_hot(y, 3).float()
    without = one_hot.clone()
    without[:5] = 0
    targets = {"several": several, "signs": one_hot * 2 - 1, "one-hot": one_hot, "some rows left out": without,
               "mixed": 0.7 * one_hot + 0.3 * one_hot.flip(0), "labels": y}  # fmt: skip
    model = net()
    train(model, lambda: F.cross_entropy(model(x), targets[made]))


def flat() -> None:
    model, (x, y) = net(1), rows()

    def loss() -> Tensor:
        return F.cross_entropy(model(x).squeeze(1), (y == 1).float())

    train(model, loss, lr=1e-3)


def test_several_labels_a_row() -> None:
    (found,) = findings(lambda: loop("several"))
    assert found.sign == "targets no probabilities"
    assert "of each row's 3 classes, and they sum to as much as 3." in found.seen


def test_labels_of_plus_and_minus_1() -> None:
    assert "targets no probabilities" in signs(lambda: loop("signs"))


def test_one_number_a_row() -> None:
    (found,) = [one for one in findings(flat) if one.sign == "targets no probabilities"]
    assert "targets of shape (64,) for the probabilities of one row of 64 classes" in found.seen


@pytest.mark.parametrize("made", ["one-hot", "some rows left out", "mixed", "labels"])
def test_targets_that_are_probabilities_or_labels(made: str) -> None:
    assert signs(lambda: loop(made)) == []
