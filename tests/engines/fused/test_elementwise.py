"""The functions on lanes against forty digits: their error in the last place, and what they do at the edges."""

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from numba import njit

from fivestep.engines.fused.body import elementwise
from fivestep.engines.fused.body.lanes import load, store, width
from tests.tolerances import ULPS

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "exp": (mpmath.exp, -87, 88),
    "expm1": (mpmath.expm1, -40, 0),
    "sigmoid": (lambda z: 1 / (1 + mpmath.exp(-z)), -87, 87),
    "slope of softplus": (lambda z: 1 / (1 + mpmath.exp(-z)), -87, 87),
    "tanh": (mpmath.tanh, -25, 25),
    "log": (mpmath.log, 1e-3, 1e3),
    "log1p": (mpmath.log1p, 0, 1),
    "softplus": (lambda z: mpmath.log1p(mpmath.exp(z)), -80, 80),
    "erf": (mpmath.erf, -7, 7),
}
NUM_POINTS = 480


@njit
def slope_of_softplus(z: Any) -> Any:
    return elementwise.softplus_and_sigmoid(z, elementwise.exp_of_size(z))[1]


def on_lanes(name: str) -> Callable[[Any], Any]:
    """One of the functions, over an array whose length is a multiple of the lanes."""
    function = slope_of_softplus if name == "slope of softplus" else getattr(elementwise, name)

    @njit
    def loop(z: Any, out: Any) -> None:
        for r in range(0, z.size, width(z)):
            store(out, r, function(load(z, r)))

    def call(z: Any) -> Any:
        out = np.empty_like(z)
        loop(z, out)
        return out

    return call


@DTYPES
@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_is_exact_to_a_few_units_in_the_last_place(name: str, dtype: Any) -> None:
    exact, low, high = FUNCTIONS[name]
    stream = np.random.default_rng(0)
    even, near_zero = stream.uniform(low, high, (2, NUM_POINTS))
    near_zero *= 10.0 ** stream.uniform(-6, 0, NUM_POINTS)
    z = np.clip(np.concatenate([even, near_zero]), low, high).astype(dtype)
    got = on_lanes(name)(z)
    with mpmath.workdps(40):
        expected = [exact(mpmath.mpf(float(value))) for value in z]
        errors = [
            abs(float(mpmath.mpf(float(value)) - right)) / float(np.spacing(dtype(abs(float(right)))))
            for value, right in zip(got, expected, strict=True)
        ]
    assert max(errors) <= ULPS


@DTYPES
@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("exp", (np.inf, 0.0)),
        ("sigmoid", (1.0, 0.0)),
        ("slope of softplus", (1.0, 0.0)),
        ("tanh", (1.0, -1.0)),
        ("erf", (1.0, -1.0)),
        ("softplus", (np.inf, 0.0)),
    ],
)
def test_function_ends_where_it_should_and_not_a_number_stays_so(
    name: str, limits: tuple[float, float], dtype: Any
) -> None:
    z = np.array([np.inf, -np.inf, np.nan, 1e30, -1e30, np.nan, 0, 0] * 2, dtype)
    high, low, unknown, almost_high, almost_low = on_lanes(name)(z)[:5]
    assert (high, low) == limits
    assert np.isnan(unknown)
    assert almost_low == limits[1]
    assert almost_high == (dtype(1e30) if name == "softplus" else limits[0])
