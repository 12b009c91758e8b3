"""Another scheme's initial values, times a factor."""

import pytest
import torch

from fivestep.check import InputError
from fivestep.find import Choice, build
from fivestep.inits.scaled import Scaled
from tests.contracts.cases import Case
from tests.samples import stream

CASES = [Case(), Case({"of": "normal:std=0.2", "factor": 0.5}, pairs=False)]


@pytest.mark.parametrize("of", ["torch", "normal:std=0.2", "xavier:gain=2.0,distribution=normal"])
def test_the_numbers_are_those_of_the_other_scheme_times_the_factor(of: str) -> None:
    scaled, plain = (torch.empty(5, 7), torch.empty(5)), (torch.empty(5, 7), torch.empty(5))
    for (weight, bias), init in ((scaled, Scaled(of, 0.25)), (plain, build("inits", of))):
        draws = stream(3)
        init.weight_(weight, draws)
        init.bias_(bias, 7, draws)
    assert torch.equal(scaled[0], plain[0] * 0.25)  # a power of two multiplies without rounding
    assert torch.equal(scaled[1], plain[1] * 0.25)


def test_it_is_written_like_any_other_scheme() -> None:
    assert build("inits", Choice.parse("scaled:of='normal:std=0.2',factor=2")) == Scaled("normal:std=0.2", 2)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"factor": 0}, "factor must be a finite number greater than 0, got 0"),
        ({"of": "scaled"}, "of must be one of"),
        ({"of": "kaimng"}, "did you mean 'kaiming'"),
    ],
)
def test_nonsense_is_refused(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        Scaled(**options)  # type: ignore[arg-type]
