"""Numbers as a diagnosis writes them."""

import math

import pytest

from fivestep.diagnosis._finding import figure, figure_in_list


@pytest.mark.parametrize(
    ("value", "in_sentence", "in_list"),
    [
        (1.0, "1", "1.000"),
        (0.69314, "0.6931", "0.6931"),
        (5910.0, "5910", "5910"),
        (5.9e10, "5.9e+10", "5.900e+10"),
        (math.inf, "inf", "inf"),
    ],
)
def test_four_digits_count_and_in_a_list_all_are_written(value: float, in_sentence: str, in_list: str) -> None:
    assert (figure(value), figure_in_list(value)) == (in_sentence, in_list)
