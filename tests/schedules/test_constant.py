"""The constant rate."""

import pytest

from fivestep.schedules.constant import Constant


@pytest.mark.parametrize(("step", "num_steps"), [(0, 1), (0, 10), (9, 10)])
def test_the_factor_is_one_at_every_step(step: int, num_steps: int) -> None:
    assert Constant().factor(step, num_steps) == 1
