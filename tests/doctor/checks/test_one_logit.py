"""cross_entropy gets a single class."""

import torch
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import classify, net, rows, signs, train


def test_one_output_for_each_row() -> None:
    (x, _), model = rows(), net(1)
    target = torch.zeros(64, dtype=torch.long)
    assert signs(lambda: train(model, lambda: F.cross_entropy(model(x), target))) == ["one logit"]


def test_one_for_each_class() -> None:
    assert signs(lambda: classify(net())) == []
