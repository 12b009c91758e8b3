import math

import pytest
import torch
from torch import nn

from fivestep.check import InputError
from fivestep.inits.orthogonal import Orthogonal
from tests.contracts.cases import Case
from tests.inits.depth import factors, mean_squares
from tests.inits.twins import drawn, shapes
from tests.samples import stream
from tests.tolerances import DEPTH, FLOAT32, FORMULA, distance

CASES = [Case(), Case({"gain": 1.5}, pairs=False)]


@shapes
def test_it_is_torchs_orthogonal(shape: tuple[int, ...]) -> None:
    twin = nn.init.orthogonal_(torch.empty(shape), 1.5, generator=stream(7))
    assert torch.equal(drawn("orthogonal:gain=1.5", shape), twin)


@shapes
def test_its_rows_or_columns_are_orthonormal(shape: tuple[int, ...]) -> None:
    weight = drawn("orthogonal", shape)
    gram = weight @ weight.T if shape[0] <= shape[1] else weight.T @ weight
    assert distance(gram, torch.eye(min(shape))) < FLOAT32


@pytest.mark.parametrize("which", ["activations", "gradients"])
def test_linear_layers_keep_every_length_exactly(which: str) -> None:
    found = getattr(mean_squares("orthogonal"), which)
    assert distance(found, found[0].expand(len(found))) < FORMULA


@pytest.mark.parametrize(("gain", "factor"), [(1.0, 0.5), (math.sqrt(2), 1.0)])
def test_relu_keeps_half_the_mean_square_which_a_gain_of_root_2_restores(gain: float, factor: float) -> None:
    assert factors(f"orthogonal:gain={gain}", "relu") == pytest.approx((factor, factor), rel=DEPTH)


@pytest.mark.parametrize("gain", [0, -1.0, float("nan"), "1"])
def test_a_gain_that_is_not_positive_is_refused(gain: object) -> None:
    with pytest.raises(InputError, match="gain must be a finite number greater than 0, got"):
        Orthogonal(gain)  # type: ignore[arg-type]
