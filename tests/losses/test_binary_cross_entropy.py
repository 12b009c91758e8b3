"""The binary cross-entropy: worked values, and what the logit saves."""

import math

import pytest
import torch
from torch import nn

from fivestep.check import InputError
from fivestep.layer import Memo
from fivestep.losses.binary_cross_entropy import BinaryCrossEntropy
from fivestep.losses.cross_entropy import CrossEntropy
from tests.contracts.cases import Case
from tests.samples import numbers
from tests.tolerances import FORMULA, distance

CASES = [
    Case(),
    Case({"label_smoothing": 0.1}, pairs=False),
    Case({"pos_weight": 3.0}, pairs=False),
    Case({"pos_weight": 0.5, "label_smoothing": 0.1}, pairs=False),
]


def loss(z: float, y: float) -> float:
    logits, target = torch.tensor([[z]], dtype=torch.float64), torch.tensor([[y]], dtype=torch.float64)
    return BinaryCrossEntropy().value(logits, target, None, Memo(training=True)).item()


@pytest.mark.parametrize(
    ("z", "y", "expected"),
    [
        (0, 1, math.log(2)),
        (math.log(3), 1, math.log(4 / 3)),  # sigmoid is 3/4
        (math.log(3), 0, math.log(4)),
        (math.log(3), 0.5, math.log(4 / 3) / 2 + math.log(4) / 2),  # a soft label
    ],
)
def test_worked_values(z: float, y: float, expected: float) -> None:
    assert loss(z, y) == pytest.approx(expected, rel=FORMULA)


def test_on_the_logit_it_is_200_where_the_clamped_probability_gives_100() -> None:
    assert loss(-200, 1) == 200
    assert loss(200, 0) == 200
    clamped = nn.BCELoss()(torch.sigmoid(torch.tensor([-200.0])), torch.tensor([1.0]))
    assert clamped.item() == 100


def test_a_certain_right_answer_keeps_its_last_digit() -> None:
    """log1p(exp(-40)) is 4.2e-18, where 1 - sigmoid(40) is already 0."""
    assert loss(40, 1) == pytest.approx(math.exp(-40), rel=FORMULA)


def test_it_is_the_cross_entropy_of_two_classes() -> None:
    z, y = numbers(20, 1), (numbers(20, seed=1) > 0).long()
    two = torch.cat([torch.zeros_like(z), z], 1)
    expected = CrossEntropy().rows(two, y, Memo(training=True))
    got = BinaryCrossEntropy().rows(z, y[:, None].double(), Memo(training=True))
    assert distance(got, expected) < FORMULA


def test_label_smoothing_moves_the_targets_towards_one_half() -> None:
    """With s = 0.2 the target 1 becomes 0.8 + 0.1 = 0.9: 0.9 log(4/3) + 0.1 log 4 at z = ln 3."""
    z, y, memo = torch.tensor([[math.log(3)]], dtype=torch.float64), torch.ones(1, 1).double(), Memo(training=True)
    smoothed = BinaryCrossEntropy(label_smoothing=0.2)
    assert smoothed.value(z, y, None, memo).item() == pytest.approx(
        0.9 * math.log(4 / 3) + 0.1 * math.log(4), rel=FORMULA
    )
    assert smoothed.gradient(z, y, memo).item() == pytest.approx(0.75 - 0.9, rel=FORMULA)


@pytest.mark.parametrize("label_smoothing", [-0.1, 1, "0.1"])
def test_a_smoothing_outside_its_range_is_refused(label_smoothing: object) -> None:
    with pytest.raises(InputError, match=r"label_smoothing must be a number in \[0, 1\), got .*; 0 switches it off"):
        BinaryCrossEntropy(label_smoothing)  # type: ignore[arg-type]


def test_a_yes_of_weight_3_costs_three_times_as_much_and_a_no_what_it_did() -> None:
    """At z = ln 3, where p = 3/4: 3 log(4/3) and log 4; gradients 3 (3/4 - 1) and 3/4, over two outputs."""
    z, y, memo = (
        torch.full((1, 2), math.log(3), dtype=torch.float64),
        torch.tensor([[1.0, 0.0]]).double(),
        Memo(training=True),
    )
    weighed = BinaryCrossEntropy(pos_weight=3)
    expected = (3 * math.log(4 / 3) + math.log(4)) / 2
    assert weighed.rows(z, y, memo).item() == pytest.approx(expected, rel=FORMULA)
    assert weighed.gradient(z, y, memo).tolist() == [pytest.approx([-0.375, 0.375], rel=FORMULA)]


def test_each_question_has_its_own_weight_as_in_torch() -> None:
    z, y, memo = numbers(9, 3), (numbers(9, 3, seed=1) > 1).double(), Memo(training=True)
    ours = BinaryCrossEntropy(pos_weight=(1, 5, 9.5)).value(z, y, None, memo)
    assert distance(ours, nn.BCEWithLogitsLoss(pos_weight=torch.tensor([1, 5, 9.5]).double())(z, y)) < FORMULA


def test_one_question_weighed_so_is_what_a_class_weight_gives() -> None:
    """A class weight divides by the sum of all weights, so the two differ by that factor alone."""
    z, y, memo = numbers(20, 1), (numbers(20, 1, seed=1) > 0.5).double(), Memo(training=True)
    weight = 1 + 4 * y[:, 0]
    weighed = BinaryCrossEntropy(pos_weight=5.0).value(z, y, None, memo) * len(y)
    assert distance(BinaryCrossEntropy().value(z, y, weight, memo), weighed) < FORMULA


@pytest.mark.parametrize("weight", [0, -1.0, float("nan"), (1.0, 0.0), (), "balanced", True], ids=str)
def test_a_weight_that_is_not_above_0_is_refused(weight: object) -> None:
    with pytest.raises(InputError, match="pos_weight must be "):
        BinaryCrossEntropy(pos_weight=weight)  # type: ignore[arg-type]


def test_as_many_weights_as_there_are_questions_are_asked_for() -> None:
    loss = BinaryCrossEntropy(pos_weight=(1.0, 2.0))
    with pytest.raises(InputError, match=r"one number, or one for each of the 3 outputs, got \(1.0, 2.0\); write"):
        loss.match(torch.zeros(5, 3), torch.zeros(5, 3))
