"""Root mean square normalization."""

import pytest
import torch

from fivestep.check import InputError
from fivestep.find import build
from tests.contracts.cases import Case
from tests.layers.alone import Alone, rows
from tests.samples import numbers
from tests.tolerances import FORMULA, distance

CASES = [Case(), Case({"eps": 0.1, "elementwise_affine": False}, pairs=False)]


def test_three_four_is_divided_by_the_root_of_twelve_and_a_half() -> None:
    # mean square (9 + 16) / 2 = 12.5; 3 / sqrt(12.5) = 0.848528, 4 / sqrt(12.5) = 1.131371
    y = Alone.of("rms_norm", 2).train(rows([3, 4]))
    assert distance(y, rows([3, 4]) / 12.5**0.5) < FORMULA


def test_the_gradient_worked_by_hand() -> None:
    # n = (3, 4) / c and s = 1 / c with c^2 = 12.5. For dy = (1, 0): mean(dn n) = 3 / 2c, so
    # dx = s (1 - 9 / 2c^2, -12 / 2c^2) = s (0.64, -0.48): at a right angle to x
    one = Alone.of("rms_norm", 2)
    one.train(rows([3, 4]))
    assert distance(one.back(rows([1, 0])), rows([0.64, -0.48]) / 12.5**0.5) < FORMULA


@pytest.mark.parametrize("scale", [1e-3, 7.0, 1e6])
def test_the_scale_of_a_row_does_not_matter(scale: float) -> None:
    one, x = Alone.of("rms_norm:eps=1e-30", 5), numbers(4, 5)
    assert distance(one.train(scale * x), one.train(x)) < FORMULA


def test_a_shift_does_matter() -> None:
    one, x = Alone.of("rms_norm", 5), numbers(4, 5)
    assert not torch.allclose(one.train(x + 1), one.train(x))


def test_an_eps_below_zero_is_refused() -> None:
    with pytest.raises(InputError, match="eps must be a finite number greater than 0, got -1; 1e-6 is usual"):
        build("layers", "rms_norm:eps=-1")
