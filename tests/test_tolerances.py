"""The measure of the tests itself: nothing that is no number passes for equal."""

import pytest
import torch
from torch import Tensor

from tests.tolerances import distance, worst

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        ([NAN, 5.0], [NAN, 7.0]),
        ([NAN, 5.0], [NAN, 5.0]),
        ([INF, 5.0], [INF, 7.0]),
        ([INF, 5.0], [-INF, 5.0]),
        ([NAN, 5.0], [1.0, 5.0]),
        ([1.0], [0.0]),
        ([1.0, 2.0], [1.0]),
    ],
)
def test_numbers_that_are_missing_or_differ_without_end_are_infinitely_far(
    got: list[float], expected: list[float]
) -> None:
    one, other = torch.tensor(got), torch.tensor(expected)
    assert distance(one, other) == INF
    named: tuple[dict[str, Tensor], ...] = ({"a": torch.ones(1), "b": one}, {"a": torch.ones(1), "b": other})
    assert worst(*named) == (INF, "b")


def test_the_same_numbers_are_at_distance_0() -> None:
    same = torch.tensor([0.0, INF, 3.0])
    assert distance(same, same.clone()) == 0.0
    assert distance(torch.zeros(2), torch.zeros(2)) == 0.0


def test_the_distance_is_relative_to_the_largest_number() -> None:
    assert distance(torch.tensor([1.0, 4.5]), torch.tensor([1.0, 4.0])) == 0.125
