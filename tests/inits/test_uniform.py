import math

import pytest
import torch
from torch import nn

from fivestep.check import InputError
from fivestep.inits.uniform import Uniform
from tests.contracts.cases import Case
from tests.inits.depth import WIDTH, factors
from tests.inits.twins import drawn, shapes
from tests.samples import stream
from tests.tolerances import DEPTH

CASES = [Case(), Case({"bound": 0.4}, pairs=False)]


@shapes
def test_it_is_torchs_uniform(shape: tuple[int, ...]) -> None:
    twin = nn.init.uniform_(torch.empty(shape), -0.4, 0.4, generator=stream(7))
    assert torch.equal(drawn("uniform:bound=0.4", shape), twin)


@pytest.mark.parametrize("bound", [0.05, 0.3, math.sqrt(3 / WIDTH)])
def test_each_layer_multiplies_the_mean_square_by_the_fan_in_and_a_third_of_the_squared_bound(bound: float) -> None:
    """128 * 0.05^2 / 3 = 0.107 vanishes, 128 * 0.3^2 / 3 = 3.84 explodes, 128 * (3 / 128) / 3 = 1 keeps."""
    factor = WIDTH * bound**2 / 3
    assert factors(f"uniform:bound={bound}") == pytest.approx((factor, factor), rel=DEPTH)


@pytest.mark.parametrize("bound", [0, -1.0, float("inf"), "0.1"])
def test_a_bound_that_is_not_positive_is_refused(bound: object) -> None:
    with pytest.raises(InputError, match=r"bound must be a finite number greater than 0, got .*; 0.05 is usual"):
        Uniform(bound)  # type: ignore[arg-type]
