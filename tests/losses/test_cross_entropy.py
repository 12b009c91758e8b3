"""The cross-entropy: worked values of the softmax, and why logits."""

import math

import pytest
import torch

from fivestep.check import InputError
from fivestep.layer import Memo
from fivestep.losses.cross_entropy import CrossEntropy
from tests.contracts.cases import Case
from tests.samples import numbers
from tests.tolerances import FORMULA, PRINTED, distance

CASES = [Case(), Case({"label_smoothing": 0.1}, pairs=False)]


def softmax_inside(logits: list[float]) -> list[float]:
    """The probabilities that the loss works with: its gradient is p, minus 1 at the right class."""
    z, memo = torch.tensor([logits], dtype=torch.float64), Memo(training=True)
    y = torch.tensor([0])
    CrossEntropy().rows(z, y, memo)
    return (CrossEntropy().gradient(z, y, memo)[0] + torch.eye(len(logits))[0]).tolist()


@pytest.mark.parametrize(
    ("logits", "expected"),
    [([1, 3, 0.5, 1.5], [0.0939, 0.6942, 0.0570, 0.1549]), ([-1, 2, 1, 0], [0.0321, 0.6439, 0.2369, 0.0871])],
)
def test_worked_softmax(logits: list[float], expected: list[float]) -> None:
    assert softmax_inside(logits) == pytest.approx(expected, abs=PRINTED)


def loss(logits: list[float], y: int) -> float:
    z = torch.tensor([logits], dtype=torch.float64)
    return CrossEntropy().value(z, torch.tensor([y]), None, Memo(training=True)).item()


@pytest.mark.parametrize(
    ("logits", "y", "expected"),
    [
        ([0, 0, 0, 0], 2, math.log(4)),
        ([math.log(1), math.log(2), math.log(5)], 2, math.log(8 / 5)),
        ([0, 1000], 0, 1000),  # exp(1000) would overflow
        ([0, 1000], 1, 0),
    ],
)
def test_worked_values(logits: list[float], y: int, expected: float) -> None:
    assert loss(logits, y) == pytest.approx(expected, rel=FORMULA)


def test_adding_a_number_to_all_logits_changes_nothing() -> None:
    z, y = numbers(20, 5), torch.arange(20) % 5
    shifted = CrossEntropy().rows(z + 100, y, Memo(training=True))
    assert distance(shifted, CrossEntropy().rows(z, y, Memo(training=True))) < FORMULA


def test_the_gradient_of_a_row_sums_to_zero() -> None:
    z, y, memo = numbers(20, 5), torch.arange(20) % 5, Memo(training=True)
    CrossEntropy().rows(z, y, memo)
    assert CrossEntropy().gradient(z, y, memo).sum(1).abs().max() < FORMULA


def test_the_largest_logit_is_the_largest_probability() -> None:
    z = numbers(100, 10)
    assert torch.equal(torch.softmax(z, 1).argmax(1), z.argmax(1))


def test_a_second_softmax_cannot_get_below_1_4612_for_ten_classes() -> None:
    """Its inputs are probabilities: at best 1 for the right class and 0 elsewhere, so log(e + 9) - 1."""
    best = torch.softmax(torch.tensor([1e6] + [0.0] * 9), 0).tolist()
    assert loss(best, 0) == pytest.approx(1.4612, abs=PRINTED)
    assert loss(best, 0) == pytest.approx(math.log(math.e + 9) - 1, rel=FORMULA)
    assert loss([1e6] + [0.0] * 9, 0) == 0


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int32, torch.int64, torch.bool])
def test_labels_of_every_whole_type_are_taken(dtype: torch.dtype) -> None:
    y = torch.tensor([0, 1, 1]).to(dtype)
    assert CrossEntropy().match(torch.zeros(3, 2), y).tolist() == [0, 1, 1]


def test_labels_that_are_floating_point_are_refused() -> None:
    with pytest.raises(
        InputError, match=r"whole-number class labels for cross_entropy, got torch.float32; .*y.long\(\)"
    ):
        CrossEntropy().match(torch.zeros(3, 2), torch.zeros(3))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.bool])
def test_one_hot_rows_of_whole_numbers_are_told_their_labels(dtype: torch.dtype) -> None:
    with pytest.raises(InputError, match=r"got one-hot rows \(4, 3\); take y.argmax\(-1\)\.$"):
        CrossEntropy().match(torch.zeros(4, 2), torch.eye(3)[[0, 2, 1, 0]].to(dtype))


@pytest.mark.parametrize("row", [[0, 0, 0], [1, 1, 0], [2, 0, 0], [2, -1, 0]])
def test_rows_of_several_whole_numbers_are_refused_by_their_shape(row: list[int]) -> None:
    with pytest.raises(InputError, match=r"must have the shape \(4,\) .* got \(4, 3\); reshape it"):
        CrossEntropy().match(torch.zeros(4, 3), torch.tensor([row] * 4))


def test_label_smoothing_gives_every_class_its_share() -> None:
    """p = (3/4, 1/4), s = 0.2: targets (0.8 + 0.1, 0.1), so 0.9 log(4/3) + 0.1 log 4, gradient (0.75 - 0.9, 0.15)."""
    z, y, memo = torch.tensor([[math.log(3), 0.0]], dtype=torch.float64), torch.tensor([0]), Memo(training=True)
    smoothed = CrossEntropy(label_smoothing=0.2)
    assert smoothed.value(z, y, None, memo).item() == pytest.approx(
        0.9 * math.log(4 / 3) + 0.1 * math.log(4), rel=FORMULA
    )
    assert smoothed.gradient(z, y, memo)[0].tolist() == pytest.approx([-0.15, 0.15], rel=FORMULA)


@pytest.mark.parametrize("label_smoothing", [-0.1, 1, "0.1"])
def test_a_smoothing_outside_its_range_is_refused(label_smoothing: object) -> None:
    with pytest.raises(InputError, match=r"label_smoothing must be a number in \[0, 1\), got .*; 0 switches it off"):
        CrossEntropy(label_smoothing)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(20, 15), (20, 16), (20, 3, 15), (20, 3, 16)])
def test_few_classes_and_many_give_the_loss_and_the_gradient_of_torch(shape: tuple[int, ...]) -> None:
    """From 16 classes on, another order of the axes."""
    z, memo = numbers(*shape), Memo(training=True)
    y = torch.arange(z[..., 0].numel()).view(shape[:-1]) % shape[-1]
    leaf = z.clone().requires_grad_()
    expected = torch.nn.functional.cross_entropy(leaf.flatten(0, -2), y.flatten())
    expected.backward()
    assert distance(CrossEntropy().value(z, y, None, memo), expected.detach()) < FORMULA
    assert distance(CrossEntropy().logits_gradient(z, y, None, memo), leaf.grad) < FORMULA


@pytest.mark.parametrize(
    ("labels", "range_"), [([0, 3], "0 to 3; make them agree"), ([-1, 2], "-1 to 2; count labels from 0")]
)
def test_a_label_that_is_no_class_is_refused_by_hand_too(labels: list[int], range_: str) -> None:
    with pytest.raises(InputError, match=f"y must hold classes 0 to 2 for a network of 3 outputs, got {range_}"):
        CrossEntropy().rows(torch.zeros(2, 3), torch.tensor(labels), Memo(training=False))
