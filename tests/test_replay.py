"""A training once more: the same steps, and nothing changed by looking."""

from typing import Any

import pytest
import torch

from fivestep.net import MLP, NetSpec
from fivestep.replay import gradient_of, replay
from fivestep.steps import upcoming_steps
from fivestep.train import train
from tests.samples import small_engine, small_net, small_plan, three_classes
from tests.tolerances import ENGINES_FLOAT64, EXACT, distance

DATA = three_classes(valid=20)
CASES: list[tuple[NetSpec, dict[str, Any]]] = [
    (small_net(), {"momentum": 0.9}),
    (small_net(), {"optimizer": "adam", "schedule": "cosine"}),
    (small_net(dropout=0.5), {}),
    (small_net(norm="batch_norm"), {}),
    (small_net(), {"micro_batch_size": 5}),
    (small_net(), {"clip_norm": 0.01}),
    (small_net(), {"schedule": "plateau:patience=0,threshold=0.2", "epochs": 6}),
    (small_net(), {"optimizer": "lbfgs", "batch_size": None, "lr": 1.0}),
]
IDS = ["momentum", "adam", "dropout", "batch_norm", "micro-batches", "clipping", "plateau", "lbfgs"]


@pytest.mark.parametrize(("spec", "plan"), CASES, ids=IDS)
def test_it_ends_with_the_weights_of_the_run_to_the_last_bit(spec: NetSpec, plan: dict[str, Any]) -> None:
    run, again = (small_engine("scratch", small_plan(**plan), spec) for _ in range(2))
    history = list(train(run, DATA, run.plan))
    steps = sorted({1, run.num_updates // 2, run.num_updates})
    assert [moment.step for moment in replay(again, DATA, steps, history)] == steps
    assert distance(again.params.flat, run.params.flat) == EXACT


def test_a_moment_holds_the_step_as_it_was() -> None:
    engine, other = (small_engine("scratch", small_plan(optimizer="sgd", lr=0.1)) for _ in range(2))
    first = next(iter(upcoming_steps(other, DATA, other.plan, 0)))
    start = other.params.flat.clone()
    loss = other.train_step(*first.batch)
    (moment,) = replay(engine, DATA, [1])
    assert (moment.step, moment.epoch, moment.lr, moment.loss) == (1, 1, 0.1, loss.item())
    assert torch.equal(moment.weights, start)
    assert distance(moment.change, -0.1 * moment.gradient) <= ENGINES_FLOAT64


def test_the_gradient_is_that_of_autograd() -> None:
    rows = DATA.train
    engine, oracle = small_engine("scratch"), small_engine("nn")
    found = gradient_of(engine, next(iter(upcoming_steps(engine, DATA, engine.plan, 0))).batch)
    expected = gradient_of(oracle, next(iter(upcoming_steps(oracle, DATA, oracle.plan, 0))).batch)
    assert len(rows) == 50
    assert distance(found, expected) <= ENGINES_FLOAT64


def test_looking_at_a_gradient_leaves_no_trace() -> None:
    engine = small_engine("scratch", small_plan(), small_net(norm="batch_norm", dropout=0.3))
    before = engine.state()
    gradient_of(engine, next(iter(upcoming_steps(engine, DATA, engine.plan, 0))).batch)
    assert all(torch.equal(value, before[name]) for name, value in engine.state().items())
    assert engine.num_updates == 0


def test_it_goes_on_where_the_engine_stands() -> None:
    engine, whole = (small_engine("scratch", small_plan(optimizer="adam")) for _ in range(2))
    assert [moment.step for moment in replay(engine, DATA, [3])] == [3]
    assert engine.num_updates == 3
    later = [moment.loss for moment in replay(engine, DATA, [5, 7])]
    assert later == [moment.loss for moment in replay(whole, DATA, [5, 7])]


def test_without_wanted_steps_nothing_is_done() -> None:
    engine = small_engine("scratch", small_plan(), MLP(4, 3))
    assert list(replay(engine, DATA, [])) == []
    assert engine.num_updates == 0
