"""Several networks of one shape, whose answers are averaged."""

import math

import pytest
import torch

from fivestep.check import InputError
from fivestep.find import build
from fivestep.layers.ensemble import LINKS, Ensemble
from tests.contracts.cases import Case
from tests.layers.alone import Alone, rows
from tests.samples import numbers
from tests.tolerances import FORMULA, distance

SMALL = ("linear:out_features=4", "tanh", "linear")
CASES = [
    Case({"layers": SMALL, "members": 3, "out_features": 5, "link": "softmax"}),
    Case({"layers": ("linear", "dropout:p=0.3"), "members": 2, "out_features": 5, "link": "sigmoid"}, pairs=False),
    Case({"layers": SMALL, "members": 2, "out_features": 3, "link": "exp"}, pairs=False),
    Case({"layers": SMALL, "members": 3, "out_features": 4, "link": "normal"}, pairs=False),
    Case({"layers": SMALL, "members": 2, "out_features": 5}, pairs=False),
    Case({"layers": ("linear", "tanh"), "members": 2, "out_features": 5}, pairs=False),
]


def mean_of(z: torch.Tensor, link: str) -> torch.Tensor:
    return Ensemble(("linear",), len(z), z.shape[-1], link).logits_of_mean(z)


def test_the_mean_of_probabilities_worked_by_hand() -> None:
    # two members say 0.9 and 0.5 for the first of two classes: 0.7, and its logits are log 0.7 and log 0.3
    z = torch.stack([rows([0.9, 0.1]), rows([0.5, 0.5])]).log()
    assert distance(mean_of(z, "softmax"), rows([0.7, 0.3]).log()) < FORMULA
    assert distance(mean_of(rows([0.9], [0.5]).logit(), "sigmoid"), rows([0.7])[0].logit()) < FORMULA
    assert distance(mean_of(rows([1], [4]).log(), "exp"), rows([2.5])[0].log()) < FORMULA
    assert distance(mean_of(rows([1], [4]), "identity"), rows([2.5])[0]) < FORMULA


@pytest.mark.parametrize("link", LINKS)
def test_the_mean_of_equal_answers_is_that_answer(link: str) -> None:
    z = numbers(1, 4, 6)
    answer = z[0].log_softmax(-1) if link == "softmax" else z[0]
    assert distance(mean_of(z.expand(5, 4, 6), link), answer) < FORMULA


def test_a_mixture_of_normal_answers_worked_by_hand() -> None:
    """Means 1 and 3, variances 2 and 4: the mean is 2, the variance (2 + 4) / 2 + ((1 - 2)^2 + (3 - 2)^2) / 2 = 4."""
    z = rows([1, math.log(2)], [3, math.log(4)])[:, None]
    assert distance(mean_of(z, "normal"), rows([2, math.log(4)])) < FORMULA


@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
def test_probabilities_too_small_to_write_down_still_have_logits(link: str) -> None:
    z = torch.tensor([[[1000.0, -1000.0]], [[900.0, -900.0]]], dtype=torch.float64)
    assert mean_of(z, link).isfinite().all()


def test_its_members_begin_differently() -> None:
    one = Alone.of("ensemble:layers=['linear'],members=2,out_features=2", 3)
    assert not torch.equal(one.w["members.0.0.weight"], one.w["members.1.0.weight"])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("layers=[],members=2,out_features=1", "layers of an ensemble must be a list of one or more texts"),
        ("layers=['relu'],members=0,out_features=1", "members must be a whole number of at least 1, got 0"),
        ("layers=['relu'],members=2,out_features=1,link=log", "link must be one of identity, softmax"),
        ("layers=['relu'],members=1001,out_features=1", "members must be at most 1000 of such networks, got 1001"),
    ],
)
def test_an_option_out_of_its_range_is_refused(options: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        build("layers", f"ensemble:{options}")
