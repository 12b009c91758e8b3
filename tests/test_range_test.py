"""The learning-rate range test: what it does, what it says, and that it leaves no trace."""

from itertools import islice
from typing import Any

import pytest
import torch

from fivestep.check import InputError
from fivestep.find import Choice
from fivestep.net import NetSpec
from fivestep.range_test import lr_range_test
from fivestep.steps import do_step, upcoming_steps
from fivestep.train import train
from tests.samples import ENGINES, do_steps, small_engine, small_net, small_plan, three_classes
from tests.tolerances import FORMULA

DATA = three_classes(weighted=True)
BATCH_NORM = NetSpec((Choice("linear", out_features=6, bias=False), Choice("batch_norm"), Choice("linear")), 4, 3)
CASES: dict[str, tuple[NetSpec, dict[str, Any]]] = {
    "momentum": (small_net(), {"momentum": 0.9}),
    "adam, dropout": (small_net(dropout=0.5), {"optimizer": "adam", "schedule": "cosine"}),
    "batch norm": (BATCH_NORM, {}),
    "moving average": (small_net(), {"ema": 0.9}),
    "in parts": (small_net(), {"micro_batch_size": 5, "clip_norm": 0.1}),
}
RANGES = {"usual": (1e-6, 1.0), "diverges": (1e10, 1e30)}
every_engine = pytest.mark.parametrize("name", ENGINES)
every_case = pytest.mark.parametrize(("spec", "options"), CASES.values(), ids=CASES)
every_range = pytest.mark.parametrize(("low", "high"), RANGES.values(), ids=RANGES)


@every_engine
@every_case
@every_range
@pytest.mark.parametrize("epochs_before", [0, 1])
def test_it_leaves_no_trace(
    name: str, spec: NetSpec, options: dict[str, Any], low: float, high: float, epochs_before: int
) -> None:
    """At a yield, too, where the engine may hold other weights than those it trains."""
    plan = small_plan(**options)
    engine, other = small_engine(name, plan, spec), small_engine(name, plan, spec)
    run, other_run = train(engine, DATA, plan), train(other, DATA, plan)
    assert len(list(islice(run, epochs_before))) == len(list(islice(other_run, epochs_before)))
    chance = torch.get_rng_state()
    lr_range_test(engine, DATA, plan, low, high, num_steps=20)
    assert torch.equal(torch.get_rng_state(), chance)
    assert (engine.num_updates, engine.lr) == (other.num_updates, other.lr)
    assert torch.equal(engine.params.flat, other.params.flat)
    assert torch.equal(engine.params.grad, other.params.grad)
    assert torch.equal(engine.params.buffers, other.params.buffers)
    ours, theirs = engine.state(), other.state()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert len(list(run)) == len(list(other_run)) == 3 - epochs_before
    assert torch.equal(engine.params.flat, other.params.flat)


@every_engine
@pytest.mark.parametrize("before", [0, 6])
def test_losses_are_those_of_training_at_these_rates(name: str, before: int) -> None:
    """Beyond the plan's three epochs too, and from where the engine stands."""
    plan = small_plan(optimizer="adam", schedule="cosine")
    engine, by_hand = small_engine(name, plan, small_net(dropout=0.5)), small_engine(name, plan, small_net(dropout=0.5))
    do_steps(engine, DATA, plan, 1, before)
    do_steps(by_hand, DATA, plan, 1, before)
    found = lr_range_test(engine, DATA, plan, 1e-3, 1e-1, num_steps=17)
    upcoming = islice(upcoming_steps(by_hand, DATA, small_plan(optimizer="adam", epochs=9), before), 17)
    pairs = zip(found.rates, upcoming, strict=True)
    assert list(found.losses) == [do_step(by_hand, one._replace(lr=rate), plan).item() for rate, one in pairs]


def test_rates_grow_by_one_factor_from_the_smallest_to_the_largest() -> None:
    """Five rates over four decades: a factor of ten each."""
    found = lr_range_test(small_engine("scratch"), DATA, small_plan(), 1e-5, 1e-1, num_steps=5)
    assert found.rates == pytest.approx([1e-5, 1e-4, 1e-3, 1e-2, 1e-1], rel=FORMULA)


def test_the_smoothed_loss_is_a_moving_average_without_its_start_at_zero() -> None:
    """(0.2 l0) / 0.2, (0.16 l0 + 0.2 l1) / 0.36, (0.128 l0 + 0.16 l1 + 0.2 l2) / 0.488."""
    found = lr_range_test(small_engine("scratch"), DATA, small_plan(), num_steps=3)
    first, second, third = found.losses
    expected = [first, (0.16 * first + 0.2 * second) / 0.36, (0.128 * first + 0.16 * second + 0.2 * third) / 0.488]
    assert found.smoothed == pytest.approx(expected, rel=FORMULA)


def test_the_suggestion_is_a_tenth_of_the_rate_with_the_smallest_smoothed_loss() -> None:
    found = lr_range_test(small_engine("scratch"), DATA, small_plan(), 1e-4, 100.0)
    smallest = found.smoothed.index(min(found.smoothed))
    assert 0 < smallest < len(found.rates) - 1
    assert found.suggestion == pytest.approx(found.rates[smallest] / 10, rel=FORMULA)


def test_it_ends_where_the_loss_has_burst() -> None:
    found = lr_range_test(small_engine("scratch"), DATA, small_plan(), 1e-4, 1e6)
    assert len(found.rates) == len(found.losses) == len(found.smoothed) < 100
    assert found.smoothed[-1] <= 4 * found.losses[0]


def test_a_loss_that_never_fell_suggests_nothing() -> None:
    found = lr_range_test(small_engine("scratch"), DATA, small_plan(), 1e20, 1e30)
    assert found.suggestion is None
    assert found.rates == (1e20,)


def test_the_suggested_rate_learns() -> None:
    plan = small_plan(epochs=20)
    rate = lr_range_test(small_engine("scratch"), DATA, small_plan(), high=10.0).suggestion
    assert rate is not None
    plan = small_plan(epochs=20, lr=rate)
    epochs = list(train(small_engine("scratch", plan), DATA, plan))
    assert epochs[-1].train_loss < 0.5 * epochs[0].train_loss


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"low": 0}, "low must be a finite number greater than 0, got 0; 1e-6 is usual"),
        ({"high": float("inf")}, "high must be a finite number greater than 0, got inf; 1 is usual"),
        ({"low": 1.0}, "high must be greater than low=1.0, got 1.0; 1 is usual"),
        ({"num_steps": 1}, "num_steps must be a whole number of at least 2, got 1; 100 is usual"),
        ({"plan": small_plan(optimizer="adam")}, "optimizer of the plan must be the engine's sgd, got adam"),
    ],
)
def test_nonsense_is_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        lr_range_test(small_engine("scratch"), DATA, **{"plan": small_plan(), **options})
