"""Beside each number, how many of the training rows lie below it."""

import dataclasses
import pickle

import numpy as np
import pytest
import scipy.stats
import torch

from fivestep.check import InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.find import Choice, build
from fivestep.net import NetSpec
from fivestep.plan import TrainPlan
from fivestep.train import train
from tests.contracts.cases import Case
from tests.layers.alone import Alone, rows
from tests.samples import ENGINES, numbers, small_engine
from tests.tolerances import FORMULA, distance

CASES = [Case({"columns": (1, 3), "num_knots": 5}), Case({"num_knots": 9}, pairs=False)]

every_engine = pytest.mark.parametrize("name", ENGINES)


def learned(text: str, *values: float, weight: list[float] | None = None) -> Alone:
    """The layer for one column, after it has seen these values."""
    one = Alone.of(f"percentiles:{text}", 1)
    one.layer.learn_(one.w, rows(list(values)).T, None if weight is None else rows(weight)[0])
    return one


def test_levels_worked_by_hand() -> None:
    # of 1, 1, 2, 5: at 1 nothing lies below and half is equal: 0 + 1/2 - 1; at 2: 1 + 1/4 - 1; at 5: 3/2 + 1/4 - 1
    one = learned("num_knots=3", 1, 1, 2, 5)
    assert distance(one.w["levels"], rows([-0.5, 0.25, 0.75])) < FORMULA
    # 3 is a third of the way from 2 to 5; what lies outside is level
    got = one.train(rows([3], [0], [9]))
    assert distance(got, rows([0.25 + 0.5 / 3, 3], [-0.5, 0], [0.75, 9])) < FORMULA


def test_its_gradient_worked_by_hand() -> None:
    one = learned("num_knots=3", 1, 1, 2, 5)
    one.train(rows([3], [9]))
    assert distance(one.back(rows([6, 1], [6, 1])), rows([1 + 6 * 0.5 / 3], [1])) < FORMULA


def test_with_a_knot_for_every_value_it_is_scipys_percentile() -> None:
    values = numbers(40).mul(4).round()
    got = learned("num_knots=64", *values.tolist()).train(values[:, None])[:, 0]
    expected = [scipy.stats.percentileofscore(values, value, kind="mean") / 50 - 1 for value in values.tolist()]
    assert distance(got, torch.tensor(expected, dtype=torch.float64)) < FORMULA


def test_with_fewer_knots_equal_shares_of_the_rows_lie_between_them() -> None:
    values = numbers(1000).exp()
    knots = learned("num_knots=11", *values.tolist()).w["knots"][0]
    shares, _ = np.histogram(values.numpy(), knots.numpy())
    assert abs(shares - 100).max() <= 1


def test_a_row_of_weight_two_is_two_rows() -> None:
    weighed, repeated = learned("", 1, 2, 5, weight=[2, 1, 1]), learned("", 1, 1, 2, 5)
    assert distance(weighed.w["levels"], repeated.w["levels"]) < FORMULA


def test_each_token_weighs_as_much_as_its_row() -> None:
    tokens, weight = rows([1, 2], [5, 7])[..., None], rows([2, 1])[0]  # (N, T, 1), (N,)
    one, repeated = Alone.of("percentiles:", 1), learned("", 1, 1, 2, 2, 5, 7)
    one.layer.learn_(one.w, tokens, weight)
    assert distance(one.w["levels"], repeated.w["levels"]) < FORMULA


def test_a_column_of_one_value_is_level() -> None:
    assert distance(learned("", 4, 4, 4).train(rows([4], [5], [3]))[:, 0], torch.zeros(3).double()) < FORMULA


def test_before_it_has_learned_it_is_a_straight_line() -> None:
    assert (
        distance(Alone.of("percentiles", 1).train(rows([1.5], [-3], [4])), rows([0.5, 1.5], [-1, -3], [1, 4])) < FORMULA
    )


def data() -> tuple[Dataset, NetSpec, TrainPlan]:
    x = numbers(30, 3).exp()
    layers = (Choice("linear", out_features=4), Choice("percentiles", columns=(0, 2)), Choice("linear"))
    plan = TrainPlan(loss="mse", lr=0.01, batch_size=8, epochs=2)
    return Dataset(Rows(x, x.sum(1, keepdim=True)), num_outputs=1), NetSpec(layers, 3, 1), plan


@every_engine
def test_it_learns_once_from_what_the_layer_below_gives(name: str) -> None:
    rows_, spec, plan = data()
    engine = small_engine(name, plan, spec)
    below = engine.named_parameters()
    first = (rows_.train.x @ below["0.weight"].T + below["0.bias"]).detach()
    for _ in train(engine, rows_, dataclasses.replace(plan, epochs=1)):
        pass
    knots = engine.params.weights[1]["knots"].clone()
    assert distance(knots[:, :30], first[:, [0, 2]].sort(0).values.T) < FORMULA
    for _ in train(engine, rows_, plan):
        pass
    assert torch.equal(engine.params.weights[1]["knots"], knots)


def test_what_it_has_learned_survives_in_a_pickle_of_its_weights() -> None:
    rows_, spec, plan = data()
    engine, other = small_engine("scratch", plan, spec), small_engine("scratch", plan, spec)
    for _ in train(engine, rows_, plan):
        pass
    other.load_weights(pickle.loads(pickle.dumps(engine.params.named_with_buffers())))
    assert torch.equal(other.predict(rows_.train.x), engine.predict(rows_.train.x))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("columns=3", r"columns must be places in a row in ascending order, got 3; write for example \(0, 1, 4\)"),
        ("columns=(-1,)", "columns must be a whole number of at least 0, got -1"),
        ("num_knots=1", "num_knots must be a whole number of at least 2, got 1"),
    ],
)
def test_an_option_out_of_its_range_is_refused(options: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        build("layers", f"percentiles:{options}")


def test_a_column_that_a_row_does_not_have_is_refused() -> None:
    with pytest.raises(InputError, match="rows of 5 numbers or more for columns up to 4, got 3; make the sizes agree"):
        build("layers", "percentiles:columns=(0,4)").sized((3,))
