import pytest
import torch
from sklearn.metrics import top_k_accuracy_score

from fivestep.check import InputError
from fivestep.metrics.accuracy import Accuracy
from fivestep.metrics.top_k import TopK
from tests.contracts.cases import Case
from tests.metrics.samples import Z, class_rows
from tests.tolerances import FORMULA

CASES = [Case(), Case({"k": 1}), Case({"k": 2})]


def test_worked_example() -> None:
    """The two likeliest are {0, 1}, {1, 2}, {1, 2} and {2, 0}: all but class 0 of the second row are among them."""
    assert TopK(2).value(Z, torch.tensor([1, 0, 2, 0]), None) == 0.75


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_it_equals_scikit_learns(k: int, weighted: bool) -> None:
    z, y, weight = class_rows(weighted)
    expected = top_k_accuracy_score(y.numpy(), z.numpy(), k=k, sample_weight=weight)
    assert TopK(k).value(z, y, weight) == pytest.approx(expected, rel=FORMULA)


def test_with_k_of_one_it_is_the_accuracy_ties_included() -> None:
    z, y, _ = class_rows(False)
    z = z.round()
    assert TopK(1).value(z, y, None) == Accuracy().value(z, y, None)


@pytest.mark.parametrize("k", [3, 9])
def test_as_many_as_there_are_classes_is_refused(k: int) -> None:
    with pytest.raises(InputError, match=f"top_k must be measured over more than k={k} classes, got 3; .* top_k:k=1"):
        TopK(k).value(Z, torch.tensor([0, 1, 2, 0]), None)


@pytest.mark.parametrize("k", [0, 1.5, "2"])
def test_a_k_that_is_no_positive_whole_number_is_refused(k: object) -> None:
    with pytest.raises(InputError, match="k of top_k must be a whole number of at least 1, got"):
        TopK(k)  # type: ignore[arg-type]
