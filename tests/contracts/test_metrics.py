"""What holds for every metric, for each kind of target that it suits."""

import pytest
import torch
from torch import Tensor

from fivestep.check import InputError
from fivestep.metrics._base import Metric, build_metrics, measure
from tests.contracts.cases import Item, items, over
from tests.tolerances import FORMULA

NUM_ROWS, NUM_OUTPUTS = 60, 7
KINDS = {"classes": "classes", "yes_no": "yes or no", "numbers": "numbers"}
PAIRS = [pytest.param(item, kind, id=f"{item} {kind}") for item in items("metrics") for kind in item.build().kinds]
OTHERS = [
    pytest.param(item, kind, id=f"{item} {kind}")
    for item in items("metrics")
    for kind in KINDS
    if kind not in item.build().kinds
]
OF_OUTPUTS = [pair for pair in PAIRS if pair.values[1] != "classes" and pair.values[0].build().averages_outputs]
every_metric = pytest.mark.parametrize(("item", "kind"), PAIRS)


def targets(kind: str, *shape: int) -> Tensor:
    stream = torch.Generator().manual_seed(1)
    if kind == "classes":
        return torch.randint(0, NUM_OUTPUTS, shape[:-1], generator=stream)
    numbers = torch.randn(shape, generator=stream, dtype=torch.float64)
    return numbers if kind == "numbers" else (numbers > 0).double()


def logits_like(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def perfect(kind: str, y: Tensor) -> Tensor:
    """Predictions that are certain and right."""
    if kind == "numbers":
        return y
    certain = torch.nn.functional.one_hot(y, NUM_OUTPUTS).double() if kind == "classes" else y
    return 200 * certain - 100


def weights() -> Tensor:
    """Whole numbers, 0 among them."""
    return torch.arange(NUM_ROWS).remainder(4).double()


def value(item: Item, logits: Tensor, y: Tensor, weight: Tensor | None = None) -> float:
    return measure({"it": item.build()}, logits, y, weight)["it"]


@over("metrics")
def test_each_kind_of_target_is_known(item: Item) -> None:
    assert set(item.build().kinds) <= set(KINDS)


@every_metric
def test_perfect_predictions_have_the_best_value(item: Item, kind: str) -> None:
    y = targets(kind, NUM_ROWS, NUM_OUTPUTS)
    best = 1.0 if item.build().higher_is_better else 0.0
    assert value(item, perfect(kind, y), y) == pytest.approx(best, abs=FORMULA)


@every_metric
def test_opposite_predictions_are_worse_than_random_ones_and_those_worse_than_perfect_ones(
    item: Item, kind: str
) -> None:
    width = NUM_OUTPUTS if item.build().averages_outputs else 2  # seven at once are never right by chance
    y, random = targets(kind, NUM_ROWS, width), logits_like(NUM_ROWS, width)
    values = [value(item, z, y) for z in (-perfect(kind, y), random, perfect(kind, y))]
    assert values == sorted(values, reverse=not item.build().higher_is_better)
    assert len(set(values)) == 3


@every_metric
def test_a_whole_weight_is_that_many_rows(item: Item, kind: str) -> None:
    y, z = targets(kind, NUM_ROWS, NUM_OUTPUTS), logits_like(NUM_ROWS, NUM_OUTPUTS)
    times = weights().long()
    repeated = value(item, z.repeat_interleave(times, 0), y.repeat_interleave(times, 0))
    assert value(item, z, y, weights()) == pytest.approx(repeated, rel=FORMULA)


@every_metric
def test_only_the_ratios_of_weights_count(item: Item, kind: str) -> None:
    y, z = targets(kind, NUM_ROWS, NUM_OUTPUTS), logits_like(NUM_ROWS, NUM_OUTPUTS)
    assert value(item, z, y, torch.full((NUM_ROWS,), 0.3)) == pytest.approx(value(item, z, y), rel=FORMULA)
    assert value(item, z, y, weights() / 7) == pytest.approx(value(item, z, y, weights()), rel=FORMULA)


@every_metric
def test_the_order_of_the_rows_does_not_count(item: Item, kind: str) -> None:
    y, z = targets(kind, NUM_ROWS, NUM_OUTPUTS), logits_like(NUM_ROWS, NUM_OUTPUTS)
    assert value(item, z.flip(0), y.flip(0), weights().flip(0)) == pytest.approx(
        value(item, z, y, weights()), rel=FORMULA
    )


@every_metric
def test_tokens_count_as_rows_with_the_weight_of_theirs(item: Item, kind: str) -> None:
    y, z = targets(kind, NUM_ROWS, 3, NUM_OUTPUTS), logits_like(NUM_ROWS, 3, NUM_OUTPUTS)
    as_rows = value(item, z.flatten(0, 1), y.flatten(0, 1), weights().repeat_interleave(3))
    assert value(item, z, y, weights()) == pytest.approx(as_rows, rel=FORMULA)


@pytest.mark.parametrize(("item", "kind"), OF_OUTPUTS)
def test_several_outputs_are_the_mean_of_single_ones(item: Item, kind: str) -> None:
    y, z = targets(kind, NUM_ROWS, NUM_OUTPUTS), logits_like(NUM_ROWS, NUM_OUTPUTS)
    single = [value(item, z[:, [k]], y[:, [k]], weights()) for k in range(NUM_OUTPUTS)]
    assert value(item, z, y, weights()) == pytest.approx(sum(single) / NUM_OUTPUTS, rel=FORMULA)


def share_of_ties(no: Tensor, yes: Tensor) -> float:
    """From the weights of the no and the yes by score (..., B): the share of pairs that count as ties, at most."""
    ties = (no * yes).sum(-1) / (no.sum(-1) * yes.sum(-1))
    return float(ties.max())


@every_metric
@pytest.mark.parametrize("sizes", [[60], [1, 59], [20, 20, 13, 7]], ids=str)
def test_summaries_of_parts_give_the_value_of_all(item: Item, kind: str, sizes: list[int]) -> None:
    """To rounding; of the area under the curve to within half the share of pairs whose scores agree in their bits."""
    metric = item.build()
    y, z = targets(kind, NUM_ROWS, NUM_OUTPUTS), logits_like(NUM_ROWS, NUM_OUTPUTS)
    parts = zip(z.split(sizes), y.split(sizes), (weights() + 1).split(sizes), strict=True)
    first, *others = [metric.summary(*part) for part in parts]
    for other in others:
        first = first.merged(other)
    off = abs(metric.from_summary(first) - value(item, z, y, weights() + 1))
    assert off <= FORMULA + (share_of_ties(*first.numbers.unbind(-2)) / 2 if item.name == "auc" else 0)


@every_metric
def test_inputs_stay_as_they_are(item: Item, kind: str) -> None:
    y, z, weight = targets(kind, NUM_ROWS, NUM_OUTPUTS), logits_like(NUM_ROWS, NUM_OUTPUTS), weights()
    value(item, z, y, weight)
    assert torch.equal(z, logits_like(NUM_ROWS, NUM_OUTPUTS))
    assert torch.equal(y, targets(kind, NUM_ROWS, NUM_OUTPUTS))
    assert torch.equal(weight, weights())


@pytest.mark.parametrize(("item", "kind"), OTHERS)
def test_a_metric_of_another_kind_is_refused_with_those_that_suit(item: Item, kind: str) -> None:
    with pytest.raises(
        InputError, match=f"a metric for {KINDS[kind]}, .* must be one of .*, got '{item.name}.*; choose one"
    ):
        build_metrics([str(item.choice)], kind)  # type: ignore[arg-type]


@pytest.mark.parametrize("item", items("metrics"), ids=str)
def test_a_metric_is_found_by_its_name(item: Item) -> None:
    metric = item.build()
    assert isinstance(metric, Metric)
    assert build_metrics([str(item.choice)], metric.kinds[0]) == {str(item.choice): metric}
