import pytest
import torch
from sklearn.metrics import roc_auc_score

from fivestep.check import InputError
from fivestep.metrics.auc import AUC
from tests.contracts.cases import Case
from tests.metrics.samples import class_rows, yes_no_rows
from tests.tolerances import FORMULA

CASES = [Case(), Case({"average": "weighted"})]


def test_worked_example() -> None:
    """Yes at 3 and 1, no at 2 and 1: of the four pairs 3 > 2, 3 > 1, 1 < 2, 1 = 1: (1 + 1 + 0 + 1/2) / 4."""
    z, y = torch.tensor([[3.0], [1], [2], [1]]), torch.tensor([[1.0], [1], [0], [0]])
    assert AUC().value(z, y, None) == 0.625


@pytest.mark.parametrize("weighted", [False, True])
def test_it_equals_scikit_learns(weighted: bool) -> None:
    z, y, weight = yes_no_rows(weighted)
    expected = roc_auc_score(y[:, 0].numpy(), z[:, 0].numpy(), sample_weight=weight)
    assert AUC().value(z, y, weight) == pytest.approx(expected, rel=FORMULA)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("average", ["macro", "weighted"])
def test_it_equals_scikit_learns_one_versus_rest(average: str, weighted: bool) -> None:
    z, y, weight = class_rows(weighted)
    expected = roc_auc_score(y.numpy(), z.softmax(1).numpy(), multi_class="ovr", average=average, sample_weight=weight)
    assert AUC(average).value(z, y, weight) == pytest.approx(expected, rel=FORMULA)


def test_an_unknown_average_is_refused() -> None:
    with pytest.raises(InputError, match="average of auc must be one of macro, weighted, got 'micro'; did you mean"):
        AUC("micro")


def test_a_class_that_does_not_occur_is_left_out() -> None:
    z, y, _ = class_rows(False)
    kept = y != 3
    p = z.softmax(1)[kept]
    single = [roc_auc_score(y[kept] == c, p[:, c]) for c in range(3)]
    assert AUC().value(z[kept], y[kept], None) == pytest.approx(sum(single) / 3, rel=FORMULA)


def test_any_rising_function_of_the_logit_gives_the_same() -> None:
    z, y, weight = yes_no_rows(True)
    assert AUC().value(z.exp(), y, weight) == AUC().value(z, y, weight)


def test_a_class_of_one_row_counts_in_a_summary_as_it_does_among_the_rows() -> None:
    """Its weight is 1/2, its score is not the highest of its class, and none is close enough to another for a tie."""
    z = torch.tensor([[3.0, 0, 0], [0, 2, 0], [2, 0, 1], [0, 1, 0], [1, 0, 2]])
    y, weight = torch.tensor([0, 1, 2, 1, 0]), torch.tensor([1, 1, 0.5, 1, 1], dtype=torch.float64)
    auc = AUC()
    assert auc.from_summary(auc.summary(z, y, weight)) == pytest.approx(auc.value(z, y, weight), rel=FORMULA)


@pytest.mark.parametrize(
    ("z", "y"), [(torch.rand(3, 1), torch.ones(3, 1)), (torch.rand(3, 4), torch.tensor([2, 2, 2]))]
)
def test_rows_with_one_answer_only_are_refused(z: torch.Tensor, y: torch.Tensor) -> None:
    with pytest.raises(InputError, match="auc must be measured on rows with at least two different answers"):
        AUC().value(z, y, None)
