"""The linear layer in the parametrization of the neural tangent kernel."""

import math

import pytest
import torch

from fivestep.check import InputError
from fivestep.find import build
from tests.contracts.cases import Case
from tests.layers.alone import Alone, rows
from tests.samples import numbers
from tests.tolerances import FORMULA, STATISTICS, distance

CASES = [Case({"out_features": 4}), Case({"out_features": 4, "zero_init": True}, pairs=False)]


def test_a_layer_worked_by_hand() -> None:
    # four inputs, so the factor is 1/2: z = (1 + 2 + 3 + 4) / 2 + 1 = 6
    # dz = 2: dW = 2 x / 2 = x, db = 2, dx = 2 W / 2 = W
    one = Alone.of("ntk_linear:out_features=1", 4)
    one.w["weight"].fill_(1)
    one.w["bias"].fill_(1)
    assert one.train(rows([1, 2, 3, 4])).tolist() == [[6]]
    assert one.back(rows([2])).tolist() == [[1, 1, 1, 1]]
    assert one.dw["weight"].tolist() == [[1, 2, 3, 4]]
    assert one.dw["bias"].tolist() == [2]


def test_it_is_a_linear_layer_with_its_weights_divided() -> None:
    one, x = Alone.of("ntk_linear:out_features=4", 3), numbers(5, 3)
    assert distance(one.train(x), x @ (one.w["weight"] / math.sqrt(3)).T + one.w["bias"]) < FORMULA


def test_a_step_moves_the_outputs_by_lr_and_the_mean_square_of_a_row() -> None:
    """W <- W - lr dz^T x / sqrt(I) moves z = x W^T / sqrt(I) by -lr dz |x|^2 / I: the same for every width."""
    for_width = {}
    for width in (4, 4096):
        one = Alone.of("ntk_linear:out_features=1", width)
        x = torch.ones(1, width, dtype=torch.float64)
        before = one.train(x)
        one.back(rows([1]))
        one.w["weight"].sub_(one.dw["weight"], alpha=0.1)
        for_width[width] = float(one.train(x) - before)
    assert for_width == pytest.approx({4: -0.1, 4096: -0.1}, rel=FORMULA * 1e3)


def test_outputs_begin_about_as_large_as_inputs() -> None:
    # z is a sum of 1000 products over sqrt(1000), plus b: variance 1 + 1 for each of 2000 units, which have different
    # weights; a mean square of n of them has the standard error 2 sqrt(2 / n)
    one = Alone.of("ntk_linear:out_features=2000", 1000)
    z = one.train(torch.ones(1, 1000, dtype=torch.float64))
    assert abs(float(z.square().mean()) - 2) < STATISTICS * 2 * math.sqrt(2 / 2000)


def test_with_zero_init_all_outputs_begin_as_zero() -> None:
    assert Alone.of("ntk_linear:out_features=4,zero_init=true", 3).train(numbers(5, 3)).count_nonzero() == 0


def test_another_input_size_is_refused() -> None:
    with pytest.raises(InputError, match="in_features must be the 3 numbers that a row has at this layer, got 5"):
        build("layers", "ntk_linear:out_features=2,in_features=5").sized((3,))
