"""What is measured of a network, beside scikit-learn's figures."""

import math

import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, log_loss

from fivestep.check import InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.engines import _parts
from fivestep.evaluation import evaluate
from fivestep.net import MLP
from fivestep.plan import TrainPlan
from fivestep.train import train
from tests.samples import ENGINES, do_steps, numbers, small_engine, small_net, small_plan, three_classes
from tests.tolerances import FORMULA

every_engine = pytest.mark.parametrize("name", ENGINES)


@every_engine
@pytest.mark.parametrize("rows_at_a_time", [7, 1000])
@pytest.mark.parametrize("weighted", [False, True])
def test_evaluation_equals_scikit_learns(
    name: str, rows_at_a_time: int, weighted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_parts, "MOST_ROWS", rows_at_a_time)
    engine, rows = small_engine(name), three_classes(weighted=weighted).train
    probabilities = torch.softmax(engine.predict(rows.x), 1)
    got = evaluate(engine, rows)
    assert got.loss == pytest.approx(log_loss(rows.y, probabilities, sample_weight=rows.weight), rel=FORMULA)
    expected = accuracy_score(rows.y, probabilities.argmax(1), sample_weight=rows.weight)
    assert got.accuracy == pytest.approx(expected, rel=FORMULA)


def test_wide_layers_are_evaluated_fewer_rows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the widest layer puts out for the rows of one pass has a bound, and the result is that of all at once."""
    engine, rows = small_engine("scratch"), three_classes().train
    at_once, seen = evaluate(engine, rows), []
    widest = max(w["weight"].shape[0] for w in engine.params.weights if "weight" in w)
    monkeypatch.setattr(_parts, "LEAST_ROWS", 9)
    monkeypatch.setattr(_parts, "OUTPUTS_ON_CPU", 9 * widest + 1)
    predict = engine.predict
    monkeypatch.setattr(engine, "predict", lambda x: seen.append(len(x)) or predict(x))
    assert evaluate(engine, rows).loss == pytest.approx(at_once.loss, rel=FORMULA)
    assert (max(seen), sum(seen)) == (9, len(rows))


def test_evaluation_of_yes_and_no_counts_the_sign_of_the_logit() -> None:
    plan = TrainPlan(loss="binary_cross_entropy", batch_size=None)
    engine = small_engine("scratch", plan, MLP(1, 1))
    engine.load_weights({"0.weight": torch.ones(1, 1), "0.bias": torch.zeros(1)})
    x = torch.tensor([[-2.0], [-1.0], [1.0], [2.0]])
    assert evaluate(engine, Rows(x, torch.tensor([0, 1, 1, 1]))).accuracy == 0.75


def test_answers_may_be_true_and_false() -> None:
    plan = TrainPlan(loss="binary_cross_entropy", batch_size=None, epochs=2)
    rows = three_classes().train
    truths, ones = Rows(rows.x, rows.y == 1), Rows(rows.x, (rows.y == 1).double())
    first, second = small_engine("scratch", plan, MLP(4, 1)), small_engine("scratch", plan, MLP(4, 1))
    list(train(first, Dataset(truths), plan))
    list(train(second, Dataset(ones), plan))
    assert torch.equal(first.params.flat, second.params.flat)


def test_evaluation_of_numbers_has_no_accuracy() -> None:
    plan = TrainPlan(loss="mse", batch_size=None)
    engine = small_engine("scratch", plan, MLP(4, 1))
    rows = Rows(numbers(6, 4), numbers(6, 1))
    expected = float((engine.predict(rows.x) - rows.y).square().mean())
    assert evaluate(engine, rows) == (pytest.approx(expected, rel=FORMULA), None, {})


@every_engine
@pytest.mark.parametrize("rows_at_a_time", [7, 1000])
@pytest.mark.parametrize("weighted", [False, True])
def test_metrics_are_those_of_all_rows_together(
    name: str, rows_at_a_time: int, weighted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_parts, "MOST_ROWS", rows_at_a_time)
    engine, rows = small_engine(name, small_plan(metrics=("f1", "log_loss"))), three_classes(weighted=weighted).train
    got, guesses = evaluate(engine, rows), engine.predict(rows.x).argmax(1)
    expected = f1_score(rows.y, guesses, average="macro", sample_weight=rows.weight)
    assert got.metrics == {
        "f1": pytest.approx(expected, rel=FORMULA),
        "log_loss": pytest.approx(got.loss, rel=FORMULA),
    }
    assert evaluate(engine, rows, metrics=["accuracy"]).metrics == {"accuracy": pytest.approx(got.accuracy)}
    assert evaluate(engine, rows, metrics="accuracy") == evaluate(engine, rows, metrics=["accuracy"])
    assert evaluate(engine, rows, metrics=[]).metrics == {}


@pytest.mark.parametrize(("loss", "expected"), [("mse", 5 - math.log(3)), ("poisson", 2.0)])
def test_where_the_loss_applies_exp_the_rates_are_measured(loss: str, expected: float) -> None:
    """A logit of log 3 stands for a rate of 3: its distance from 5 is 2."""
    engine = small_engine("scratch", TrainPlan(loss=loss, batch_size=None), MLP(1, 1))
    engine.load_weights({"0.weight": torch.ones(1, 1), "0.bias": torch.zeros(1)})
    rows = Rows(torch.tensor([[3.0]]).double().log(), torch.tensor([5.0]))
    assert evaluate(engine, rows, metrics=["mae"]).metrics["mae"] == pytest.approx(expected, rel=FORMULA)


def test_a_metric_for_another_kind_of_target_is_refused() -> None:
    with pytest.raises(InputError, match=r"a metric for classes, .* must be one of accuracy, .*, got 'rmse'; choose"):
        evaluate(small_engine("scratch"), three_classes().train, metrics=["rmse"])


@every_engine
def test_evaluation_changes_nothing(name: str) -> None:
    plan, data = small_plan(), three_classes()
    engine, other = small_engine(name, plan, small_net(dropout=0.5)), small_engine(name, plan, small_net(dropout=0.5))
    do_steps(engine, data, plan, 1, 3)
    do_steps(other, data, plan, 1, 3)
    evaluate(engine, data.train)
    do_steps(engine, data, plan, 4, 6)
    do_steps(other, data, plan, 4, 6)
    assert torch.equal(engine.params.flat, other.params.flat)


@pytest.mark.parametrize("wrong", [-1.0, math.nan, math.inf])
def test_weights_that_are_none_are_refused(wrong: float) -> None:
    data = three_classes()
    weight = torch.ones(50)
    weight[7] = wrong
    with pytest.raises(InputError, match=f"weights of the rows must be finite numbers of at least 0, got {wrong};"):
        evaluate(small_engine("scratch"), Rows(data.train.x, data.train.y, weight))


@pytest.mark.usefixtures("without_shape_checks")
def test_rows_that_all_weigh_nothing_have_no_mean() -> None:
    data = three_classes()
    with pytest.raises(InputError, match="weights of the rows must be numbers of at least 0 that are not all 0"):
        evaluate(small_engine("scratch"), Rows(data.train.x, data.train.y, torch.zeros(50)))
