"""Successive halving: who goes on."""

import math

import pytest

from fivestep.sweep.halving import rungs, survivors


@pytest.mark.parametrize(
    ("num_epochs", "eta", "expected"),
    [(1000, 3, [111, 333]), (9, 3, [1, 3]), (10, 2, [2, 5]), (2, 3, [1]), (1, 3, []), (1000, None, [])],
)
def test_rungs_are_at_a_ninth_and_a_third(num_epochs: int, eta: int | None, expected: list[int]) -> None:
    assert rungs(num_epochs, eta) == expected


def test_the_best_third_of_a_fleet_goes_on() -> None:
    assert survivors({network: float(-network) for network in range(9)}, [], 3) == {6, 7, 8}


def test_whoever_was_there_before_counts() -> None:
    """Of 9 values the best three go on: 1, 2 and 3, and the 1 and the 3 were before."""
    assert survivors({7: 2.0, 8: 5.0, 9: 6.0}, [1.0, 7.0, 8.0, 3.0, 9.0, 9.5], 3) == {7}
    assert survivors({7: 9.0}, [1.0, 2.0, 3.0, 4.0], 2) == set()


def test_fewer_than_the_square_of_the_factor_all_go_on() -> None:
    values = {network: float(network) for network in range(4)}
    assert survivors(values, [9.0] * 4, 3) == {0, 1, 2, 3}
    assert survivors(values, [9.0] * 5, 3) == {0, 1, 2}


def test_one_alone_goes_on_and_so_do_all_that_are_equal() -> None:
    assert survivors({4: 3.0}, [], 3) == {4}
    assert survivors({1: 3.0, 2: 3.0, 3: 3.0}, [], 3) == {1, 2, 3}


def test_what_is_not_finite_does_not_go_on() -> None:
    assert survivors({1: math.inf, 2: math.inf}, [], 2) == set()
    assert survivors({1: math.inf, 2: 1.0, 3: 1.0, 4: math.inf}, [], 2) == {2, 3}
