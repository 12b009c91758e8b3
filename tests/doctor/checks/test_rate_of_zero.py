"""The learning rate is 0."""

import pytest

from tests.doctor.loops import classify, net, signs


def test_a_rate_of_zero() -> None:
    assert signs(lambda: classify(net(), lr=0.0)) == ["rate of zero"]


@pytest.mark.parametrize("lr", [0.1, 0.01])
def test_another(lr: float) -> None:
    assert signs(lambda: classify(net(), lr=lr)) == []
