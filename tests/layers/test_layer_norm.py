"""Layer normalization: each row by itself."""

import math

import pytest
import torch

from fivestep.check import InputError
from fivestep.find import build
from tests.contracts.cases import Case
from tests.layers.alone import Alone, rows
from tests.samples import numbers
from tests.tolerances import FORMULA, distance

CASES = [Case(), Case({"elementwise_affine": False}, pairs=False), Case({"bias": False}, pairs=False)]


def test_one_two_three_becomes_minus_1_2247_zero_1_2247() -> None:
    # mean 2, variance (1 + 0 + 1) / 3 = 2/3, so (1 - 2) / sqrt(2/3) = -sqrt(1.5) = -1.2247
    y = Alone.of("layer_norm:eps=1e-30", 3).train(rows([1, 2, 3]))
    assert distance(y, rows([-math.sqrt(1.5), 0, math.sqrt(1.5)])) < FORMULA


def test_the_result_has_population_deviation_one_and_a_larger_sample_deviation() -> None:
    # sqrt(v / (v + eps)) with v = 2/3 and eps = 1e-5; the sample deviation divides by 2 instead of 3, sqrt(3/2) more
    y = Alone.of("layer_norm", 3).train(rows([1, 2, 3]))
    assert round(float(y.std(correction=0)), 7) == 0.9999925
    assert round(float(y.std()), 4) == 1.2247


def test_the_gradient_worked_by_hand() -> None:
    # n = (-a, 0, a) with a^2 = 3/2 and s = a. For dy = (1, 0, 0): mean(dn) = 1/3, mean(dn n) = -a/3, so
    # dx = s (1 - 1/3 - a a/3, -1/3, -1/3 + a a/3) = a (1/6, -1/3, 1/6)
    one = Alone.of("layer_norm:eps=1e-30", 3)
    one.train(rows([1, 2, 3]))
    a = math.sqrt(1.5)
    assert distance(one.back(rows([1, 0, 0])), a * rows([1 / 6, -1 / 3, 1 / 6])) < FORMULA
    assert distance(one.dw["weight"], rows([-a, 0, 0])[0]) < FORMULA
    assert one.dw["bias"].tolist() == [1, 0, 0]


def test_a_row_does_not_depend_on_the_others() -> None:
    one, x = Alone.of("layer_norm", 5), numbers(4, 5)
    other = torch.cat([x[:1], numbers(3, 5, seed=1)])
    assert torch.equal(one.train(x)[0], one.train(other)[0])


@pytest.mark.parametrize(("scale", "shift"), [(7.0, 0.0), (1.0, -3.0), (0.5, 100.0)])
def test_scale_and_shift_of_a_row_do_not_matter(scale: float, shift: float) -> None:
    one, x = Alone.of("layer_norm:eps=1e-30", 5), numbers(4, 5)
    assert distance(one.train(scale * x + shift), one.train(x)) < FORMULA


def test_weight_and_bias_can_undo_the_normalization() -> None:
    one, x = Alone.of("layer_norm", 3), rows([1, 2, 3])
    one.w["weight"].fill_(math.sqrt(2 / 3 + 1e-5))
    one.w["bias"].fill_(2)
    assert distance(one.train(x), x) < FORMULA


def test_another_number_of_features_is_refused() -> None:
    with pytest.raises(InputError, match="num_features must be the 5 numbers that a row has at this layer, got 4; mak"):
        build("layers", "layer_norm:num_features=4").sized((5,))


def test_an_eps_of_zero_is_refused() -> None:
    with pytest.raises(InputError, match="eps must be a finite number greater than 0, got 0; 1e-5 is usual"):
        build("layers", "layer_norm:eps=0")
