"""Each update is far too large, or far too small, for the weights it moves."""

import pytest

from tests.doctor.loops import classify, findings, net, signs


@pytest.mark.parametrize(("lr", "advice"), [(1e-7, "larger"), (20.0, "smaller")])
def test_a_rate_that_is_far_off(lr: float, advice: str) -> None:
    found = findings(lambda: classify(net(), steps=60, lr=lr))
    assert {one.sign for one in found} - {"dead units"} == {"size of updates"}  # far too large updates leave such
    assert advice in found[-1].advice


def test_one_that_is_not() -> None:
    assert signs(lambda: classify(net(), steps=60, lr=0.1)) == []
