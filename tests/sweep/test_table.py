"""What came out of a sweep, as the columns of a picture."""

from typing import Any

import pytest

from fivestep.sweep.attempts import Attempt
from fivestep.sweep.space import Space
from fivestep.sweep.table import picture_of


@pytest.mark.parametrize(
    ("seeds", "drawn", "entry"),
    [("0:9", "7", "7"), ("0:50", "7", 7), ("0:5000", 7, 7)],
    ids=["words", "scale", "range"],
)
def test_many_numbers_are_on_a_scale_and_a_few_are_words(seeds: str, drawn: Any, entry: Any) -> None:
    space = Space.of({"seed": seeds, "activation": ["relu", "tanh"]})
    one = Attempt(0, 0, "", "done", {"seed": drawn, "activation": "relu"}, {}, 0.5, {})
    assert picture_of([one], space) == ({"seed": [entry], "activation": ["relu"]}, [0.5], ())
