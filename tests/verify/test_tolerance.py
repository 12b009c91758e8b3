"""The tolerance is what its docstring derives."""

import pytest

from fivestep.verify._tolerance import Tolerance, tolerance_between
from tests.samples import small_engine, small_plan


@pytest.mark.parametrize(
    ("tolerance", "step", "expected"),
    [
        (Tolerance("float64"), 1, 1.11e-11),
        (Tolerance("float64"), 200, 2.22e-9),
        (Tolerance("float32"), 1, 5.96e-5),
        (Tolerance("float32"), 100, 5.96e-3),
        (Tolerance("float64", looks_again=True), 7, 7.77e-8),
        (Tolerance("bfloat16"), 4, 0.25),
    ],
    ids=str,
)
def test_tolerance_follows_from_type_and_step(tolerance: Tolerance, step: int, expected: float) -> None:
    assert tolerance.after(step) == pytest.approx(expected, rel=1e-2)


@pytest.mark.parametrize(("precision", "most"), [("float64", 0.1), ("float32", 0.1), ("bfloat16", 0.5)])
def test_tolerance_never_grows_beyond_what_still_says_something(precision: str, most: float) -> None:
    assert Tolerance(precision).after(10**18) == most


def test_the_coarser_engine_and_the_rule_that_looks_again_decide() -> None:
    fine, coarse = small_engine("scratch"), small_engine("nn", dtype="float32")
    again = small_engine("scratch", small_plan(optimizer="lbfgs", batch_size=None))
    assert tolerance_between(fine, coarse) == Tolerance("float32")
    assert tolerance_between(again, fine) == Tolerance("float64", looks_again=True)


def test_the_formula_is_what_is_computed() -> None:
    assert str(Tolerance("float64")) == "1e5 u t, where u = 1.1e-16 is one rounding in float64"
    assert str(Tolerance("bfloat16")) == "32 u sqrt(t), where u = 3.9e-03 is one rounding in bfloat16"
