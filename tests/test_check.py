"""The one error sentence and the checks that raise it."""

import math
from typing import Any

import numpy as np
import pytest

from fivestep.check import (
    InputError,
    InWords,
    at_least,
    in_unit_interval,
    nearest,
    not_negative,
    one_of,
    plain,
    positive,
    refuse,
)


def test_the_sentence_says_what_was_expected_what_came_and_what_to_do() -> None:
    sentence = str(refuse("epochs", 0, "a whole number of at least 1", "10 is usual"))
    assert sentence == "epochs must be a whole number of at least 1, got 0; 10 is usual."


def test_without_advice_the_sentence_ends_with_the_value() -> None:
    assert str(refuse("epochs", "two", "a whole number", "")) == "epochs must be a whole number, got 'two'."


def test_what_came_in_words_is_not_quoted() -> None:
    sentence = str(refuse("a table", InWords("a Series"), "a DataFrame", "write series.to_frame()"))
    assert sentence == "a table must be a DataFrame, got a Series; write series.to_frame()."


def test_an_input_error_is_a_value_error() -> None:
    assert isinstance(refuse("epochs", 0, "1", ""), ValueError)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rleu", "relu"),
        ("sigmoi", "sigmoid"),
        ("ReLU", "relu"),
        ("RELUU", "relu"),
        ("bce", "binary_cross_entropy"),
        ("CE", "cross_entropy"),
        ("CrossEntropyLoss", "cross_entropy"),
        ("h", None),
        ("qqqq", None),
    ],
)
def test_nearest_is_the_name_that_was_probably_meant(name: str, expected: str | None) -> None:
    assert nearest(name, ["huber", "relu", "sigmoid", "tanh", "binary_cross_entropy", "cross_entropy"]) == expected


def test_a_name_of_which_half_is_other_letters_is_not_near() -> None:
    assert (nearest("foo", ["moons"]), nearest("mons", ["moons"])) == (None, "moons")


@pytest.mark.parametrize(("name", "expected"), [("fo", None), ("sg", "sgd"), ("r3", "r2"), ("s", None)])
def test_a_name_of_two_letters_is_near_to_short_names_only(name: str, expected: str | None) -> None:
    assert nearest(name, ["mlflow", "sgd", "r2", "silu"]) == expected


def test_a_known_name_is_returned() -> None:
    assert one_of("activation", "relu", ["relu", "tanh"]) == "relu"


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(InputError) as caught:
        one_of("activation", "rellu", ["relu", "tanh"])
    assert str(caught.value) == "activation must be one of relu, tanh, got 'rellu'; did you mean 'relu'?"


def test_an_unknown_name_like_nothing_lists_what_there_is() -> None:
    with pytest.raises(InputError, match=r"one of relu, tanh, got 'xyz'; choose one of them\.$"):
        one_of("activation", "xyz", ["relu", "tanh"])


@pytest.mark.parametrize("value", [0, -1, -0.5, math.nan, math.inf, True, "3", None])
def test_positive_refuses(value: Any) -> None:
    with pytest.raises(InputError, match="lr must be a finite number greater than 0, got"):
        positive("lr", value)


@pytest.mark.parametrize("value", [1, 0.1, 5e-324, np.float32(0.1), np.int64(2)])
def test_positive_accepts(value: float) -> None:
    positive("lr", value)


@pytest.mark.parametrize("value", [-1, -1e-9, math.nan, math.inf, True, "3", None])
def test_not_negative_refuses(value: Any) -> None:
    with pytest.raises(InputError, match="weight_decay must be a finite number of at least 0, got"):
        not_negative("weight_decay", value)


@pytest.mark.parametrize("value", [0, 0.0, 0.1])
def test_not_negative_accepts(value: float) -> None:
    not_negative("weight_decay", value)


@pytest.mark.parametrize("value", [0, -1, 1.0, 2.5, True, "3", None])
def test_at_least_refuses(value: Any) -> None:
    with pytest.raises(InputError, match="epochs must be a whole number of at least 1, got"):
        at_least("epochs", value, 1)


@pytest.mark.parametrize("value", [0, np.int64(0), np.uint8(3)])
def test_at_least_accepts(value: int) -> None:
    at_least("seed", value, 0)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(np.int64(3), 3), (np.uint8(3), 3), (np.float64(0.5), 0.5), (np.float32(0.5), 0.5), (3, 3), (0.5, 0.5)],
)
def test_a_number_of_numpy_becomes_one_of_python(value: Any, expected: float) -> None:
    assert plain(value) == expected
    assert type(plain(value)) is type(expected)


@pytest.mark.parametrize("value", [True, None, "3", (1, 2), np.bool_(True)])
def test_what_is_no_number_stays_as_it_is(value: Any) -> None:
    assert plain(value) is value


@pytest.mark.parametrize("value", [1, 1.5, -0.1, math.nan, True, "0.5", None])
def test_in_unit_interval_refuses(value: Any) -> None:
    with pytest.raises(InputError, match=r"p must be a number in \[0, 1\), got"):
        in_unit_interval("p", value)


@pytest.mark.parametrize("value", [0, 0.0, 0.999])
def test_in_unit_interval_accepts(value: float) -> None:
    in_unit_interval("p", value)
