"""A binary loss gets targets that are no probabilities."""

import pytest
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, rows, signs, train


def loop(low: float, high: float) -> None:
    (x, y), model = rows(num_classes=2), net(1)
    targets = y * (high - low) + low
    train(model, lambda: F.binary_cross_entropy_with_logits(model(x).squeeze(1), targets.float()), lr=0.01)


@pytest.mark.parametrize(("low", "high"), [(-1, 1), (1, 2), (0, 9)])
def test_labels_that_are_no_probabilities(low: float, high: float) -> None:
    (found,) = findings(lambda: loop(low, high))
    assert found.sign == "targets outside 0 and 1"
    assert f"between {low} and {high};" in found.seen


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.1, 0.9)])
def test_those_that_are(low: float, high: float) -> None:
    assert signs(lambda: loop(low, high)) == []
