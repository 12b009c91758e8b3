"""From logits to answers, with numbers worked by hand."""

import math

import numpy as np
import pytest
import torch

from fivestep.find import build
from fivestep.prediction.answers import Answers
from tests.tolerances import FLOAT32

MOMENTS = (torch.tensor([100.0], dtype=torch.float64), torch.tensor([20.0], dtype=torch.float64))


def answers(loss: str, classes: dict[str, tuple[str, ...]] | None = None, *, scaled: bool = False) -> Answers:
    return Answers(build("losses", loss), classes or {}, MOMENTS if scaled else None, ())


def test_a_class_is_named_and_has_the_softmax() -> None:
    logits = torch.tensor([[0.0, math.log(3), 0.0]])  # e^z = 1, 3, 1
    of = answers("cross_entropy", {"": ("a", "b", "c")})
    assert of.predictions(logits).tolist() == ["b"]
    assert of.probabilities(logits)[0].tolist() == pytest.approx([0.2, 0.6, 0.2], rel=FLOAT32)


def test_yes_or_no_has_both_probabilities() -> None:
    logits = torch.tensor([[math.log(3)], [-math.log(4)]])  # odds of 3 to 1, and of 1 to 4
    of = answers("binary_cross_entropy", {"": ("no", "yes")})
    assert of.predictions(logits).tolist() == ["yes", "no"]
    assert of.probabilities(logits).ravel().tolist() == pytest.approx([0.25, 0.75, 0.8, 0.2], rel=FLOAT32)


def test_of_equally_likely_classes_the_first_is_named() -> None:
    assert answers("binary_cross_entropy", {"": ("no", "yes")}).predictions(torch.zeros(1, 1)).tolist() == ["no"]


def test_each_of_several_questions_has_its_own_names() -> None:
    logits = torch.tensor([[math.log(3), -math.log(4)]])
    of = answers("binary_cross_entropy", {"rain": ("dry", "wet"), "storm": ("calm", "windy")})
    assert of.predictions(logits).tolist() == [["wet", "calm"]]
    assert of.probabilities(logits)[0].tolist() == pytest.approx([0.75, 0.2], rel=FLOAT32)


def test_margins_of_hinge_are_those_of_both_classes() -> None:
    of = answers("hinge", {"": ("no", "yes")})
    assert of.shares(torch.tensor([[1.5]])).tolist() == [[[-1.5, 1.5]]]
    assert of.predictions(torch.tensor([[1.5], [-0.5]])).tolist() == ["yes", "no"]


def test_numbers_are_in_the_units_of_the_target() -> None:
    predicted = answers("mse", scaled=True).predictions(torch.tensor([[0.5], [-1.0]]))
    assert (predicted.tolist(), predicted.dtype) == ([110.0, 80.0], np.float64)  # 100 + 20 z


def test_numbers_on_no_other_scale_stay_in_their_own_type() -> None:
    predicted = answers("mse").predictions(torch.tensor([[0.5, 2.0]]))
    assert (predicted.tolist(), predicted.dtype) == ([[0.5, 2.0]], np.float32)


def test_a_standard_deviation_is_scaled_but_not_shifted() -> None:
    logits = torch.tensor([[0.5, 2 * math.log(3)]])  # the logarithm of a variance of 9
    of = answers("gaussian_nll", scaled=True)
    assert of.predictions(logits).tolist() == [110.0]
    assert of.deviations(logits).tolist() == pytest.approx([60.0], rel=FLOAT32)  # 20 * 3


def test_quantiles_are_all_there() -> None:
    of = answers("quantile:levels=(0.1,0.5,0.9)", scaled=True)
    assert of.predictions(torch.tensor([[-1.0, 0.0, 2.0]])).tolist() == [[80.0, 100.0, 140.0]]


def test_rates_are_exponentials() -> None:
    predicted = answers("poisson").predictions(torch.tensor([[math.log(5)]]))
    assert predicted.tolist() == pytest.approx([5.0], rel=FLOAT32)
