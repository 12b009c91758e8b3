"""The loop by steps: what a step says, and that a run continues as if it had not stopped."""

import gc
import weakref
from dataclasses import replace
from typing import Any

import pytest
import torch

from fivestep.check import InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.net import MLP
from fivestep.plan import TrainPlan
from fivestep.steps import steps, upcoming_steps
from tests.samples import ENGINES, do_steps, engine_of, numbers, small_engine, small_net, small_plan, three_classes
from tests.tolerances import EXACT, FORMULA, distance, worst

every_engine = pytest.mark.parametrize("name", ENGINES)
PLANS: dict[str, dict[str, Any]] = {
    "sgd with momentum": {"momentum": 0.9},
    "adam and cosine": {"optimizer": "adam", "lr": 0.01, "schedule": "cosine"},
    "adamw in parts, clipped": {"optimizer": "adamw", "lr": 0.01, "micro_batch_size": 5, "clip_norm": 0.1},
    "full batch": {"batch_size": None, "epochs": 12},
}
plans = pytest.mark.parametrize("options", [pytest.param(options, id=name) for name, options in PLANS.items()])


def test_steps_are_numbered_from_one_through_the_epochs() -> None:
    done = list(steps(small_engine("scratch"), three_classes(), small_plan()))
    assert [step.number for step in done] == list(range(1, 13))
    assert [step.epoch for step in done] == [1] * 4 + [2] * 4 + [3] * 4
    assert [step.num_rows for step in done] == [16, 16, 16, 2] * 3


@every_engine
@pytest.mark.parametrize("start", [-3, 13])
def test_a_start_that_is_no_step_of_the_run_is_refused(name: str, start: int) -> None:
    with pytest.raises(InputError, match=f"start must be 0 to 12, the number of steps, got {start}"):
        next(steps(small_engine(name), three_classes(), small_plan(), start))


@pytest.mark.parametrize("name", [*ENGINES, "fused:larger=true"])
@pytest.mark.parametrize("label", [99, -1])
def test_a_class_that_there_is_not_is_refused_before_a_step(name: str, label: int) -> None:
    """By an engine that does many steps without looking too."""
    data = three_classes()
    data.train.y[7] = label
    with pytest.raises(InputError, match=f"y must hold classes 0 to 2 for a network of 3 outputs, got .*{label}"):
        list(steps(small_engine(name), data, small_plan()))


@pytest.mark.parametrize("name", [*ENGINES, "fused:larger=true"])
def test_answers_may_be_true_and_false_in_a_row_of_several(name: str) -> None:
    rows = three_classes().train
    answers = torch.stack([rows.y == 0, rows.y == 1], 1)
    plan, trained = small_plan(loss="binary_cross_entropy"), list[torch.Tensor]()
    for y in (answers, answers.double()):
        engine = small_engine(name, plan, MLP(4, 6, 2))
        list(steps(engine, Dataset(Rows(rows.x, y)), plan))
        trained.append(engine.params.flat)
    assert torch.equal(*trained)


@every_engine
@plans
@pytest.mark.parametrize("stop", [1, 5, 8, 11], ids=lambda stop: f"stopped after {stop}")
def test_a_continued_run_is_the_uninterrupted_run(name: str, options: dict[str, Any], stop: int) -> None:
    """In the middle of an epoch, with dropout: the same bits."""
    plan, spec, data = small_plan(**options), small_net(dropout=0.3), three_classes(weighted=True)
    whole, first, second = (small_engine(name, plan, spec) for _ in range(3))
    whole_losses = [step.loss for step in do_steps(whole, data, plan, 1, 12)]
    do_steps(first, data, plan, 1, stop)
    second.load_state(first.state(), first.num_updates)
    later_losses = [step.loss for step in do_steps(second, data, plan, stop + 1, 12)]
    assert second.num_updates == 12
    assert torch.equal(second.params.flat, whole.params.flat)
    assert torch.equal(torch.stack(later_losses), torch.stack(whole_losses[stop:]))


@every_engine
def test_a_state_is_a_copy(name: str) -> None:
    plan, data = small_plan(optimizer="adam"), three_classes()
    engine = small_engine(name, plan)
    do_steps(engine, data, plan, 1, 2)
    state = engine.state()
    copy = {key: value.clone() for key, value in state.items()}
    do_steps(engine, data, plan, 3, 5)
    assert worst(state, copy).distance == EXACT


@every_engine
def test_a_state_can_be_loaded_twice(name: str) -> None:
    plan, data = small_plan(optimizer="adam"), three_classes()
    engine = small_engine(name, plan)
    do_steps(engine, data, plan, 1, 2)
    state, ends = engine.state(), []
    for _ in range(2):
        engine.load_state(state, 2)
        do_steps(engine, data, plan, 3, 6)
        ends.append(engine.params.flat.clone())
    assert torch.equal(*ends)


@every_engine
def test_the_same_seed_gives_the_same_bits(name: str) -> None:
    plan, spec = small_plan(optimizer="adam"), small_net(dropout=0.5)
    first, second = small_engine(name, plan, spec), small_engine(name, plan, spec)
    do_steps(first, three_classes(), plan, 1, 12)
    do_steps(second, three_classes(), plan, 1, 12)
    assert torch.equal(first.params.flat, second.params.flat)


@every_engine
def test_another_seed_gives_another_run(name: str) -> None:
    plan = small_plan()
    other = replace(plan, seed=2)
    first, second = small_engine(name, plan), small_engine(name, other)
    assert not torch.equal(first.params.flat, second.params.flat)
    second.load_weights(first.named_parameters())
    do_steps(first, three_classes(), plan, 1, 1)
    do_steps(second, three_classes(), other, 1, 1)
    assert not torch.equal(first.params.flat, second.params.flat)  # the order of the rows is drawn from the seed too


def test_the_learning_rate_follows_the_schedule() -> None:
    plan = small_plan(schedule="cosine")
    rates = [upcoming.lr for upcoming in upcoming_steps(small_engine("scratch", plan), three_classes(), plan, 0)]
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], plan.lr)
    scheduler, expected = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 12), []
    for _ in range(12):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert distance(torch.tensor(rates).double(), torch.tensor(expected).double()) < FORMULA


@every_engine
def test_a_step_uses_the_rate_of_the_schedule(name: str) -> None:
    plan = small_plan(schedule="cosine")
    engine = small_engine(name, plan)
    do_steps(engine, three_classes(), plan, 1, 7)
    assert engine.lr == next(upcoming_steps(engine, three_classes(), plan, 6)).lr


def test_upcoming_steps_do_nothing() -> None:
    engine = small_engine("scratch")
    before = engine.params.flat.clone()
    assert len(list(upcoming_steps(engine, three_classes(), small_plan(), 0))) == 12
    assert engine.num_updates == 0
    assert torch.equal(engine.params.flat, before)


@every_engine
def test_fresh_rows_are_used_as_they_come(name: str) -> None:
    """A task that draws new rows for each epoch trains on those of the epoch, not on the first ones."""
    plan = TrainPlan(loss="mse", lr=0.01, batch_size=None, epochs=3)
    rows = [Rows(numbers(8, 4, seed=k), numbers(8, 3, seed=k + 10)) for k in range(3)]
    data = Dataset(rows[0], num_outputs=3, fresh=lambda index: rows[index])
    engine, by_hand = small_engine(name, plan), small_engine(name, plan)
    do_steps(engine, data, plan, 1, 3)
    for one in rows:
        by_hand.train_step(one.x, one.y)
    assert torch.equal(engine.params.flat, by_hand.params.flat)


@pytest.mark.parametrize("batch_size", [7, None])
@pytest.mark.parametrize("name", ["fused:larger=false", "fused:larger=true", "fused:recorded=true"])
def test_an_engine_keeps_no_training_rows_when_a_training_has_ended(name: str, batch_size: int | None) -> None:
    """So whoever keeps the engine to predict with can give up the data; and it may train again."""
    plan, data = small_plan(batch_size=batch_size, epochs=2), three_classes()
    engine, again = engine_of(name, small_net(), plan), engine_of(name, small_net(), plan)
    kept = weakref.ref(data.train.stored)
    list(steps(engine, data, plan))
    del data
    gc.collect()
    assert kept() is None
    next(steps(again, three_classes(), plan, every=1))
    list(steps(again, three_classes(), plan, again.num_updates))
    assert torch.equal(again.params.flat, engine.params.flat)
