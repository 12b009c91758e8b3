"""Four waves: where they end and where their tops are."""

import pytest

from fivestep.schedules.coslog4 import CosLog4
from tests.tolerances import FORMULA


@pytest.mark.parametrize("step", [0, 1000, 3000, 7000])
def test_waves_end_where_fifteen_shares_and_one_are_a_power_of_two(step: int) -> None:
    assert CosLog4().factor(step, 15_000) == pytest.approx(0, abs=FORMULA)


@pytest.mark.parametrize("wave", range(4))
def test_each_wave_reaches_one_half_way_in_the_logarithm(wave: int) -> None:
    """log2(1 + 15 t) = wave + 1/2 at t = (2^(wave + 1/2) - 1) / 15: cos(2 pi (wave + 1/2)) = -1."""
    num_steps = 10**9
    step = round((2 ** (wave + 0.5) - 1) / 15 * num_steps)
    assert CosLog4().factor(step, num_steps) == pytest.approx(1, rel=FORMULA)
