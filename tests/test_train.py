"""The loop by epochs."""

import importlib
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from numba.core.event import trigger_event

from fivestep.check import InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.engines.fused import _compiled
from fivestep.epoch import Evaluation
from fivestep.evaluation import evaluate
from fivestep.net import MLP
from fivestep.plan import TrainPlan
from fivestep.steps import Step
from fivestep.train import train
from tests.samples import ENGINES, do_steps, moons, small_engine, small_net, small_plan, three_classes
from tests.tolerances import FORMULA

LOOP = importlib.import_module("fivestep.train")  # the module; the attribute of that name is the function
every_engine = pytest.mark.parametrize("name", ENGINES)


@every_engine
def test_train_and_valid_loss_are_of_the_weights_at_the_yield_in_evaluation_mode(name: str) -> None:
    plan, data = small_plan(), three_classes(valid=20)
    engine = small_engine(name, plan, small_net(dropout=0.5))
    seen = [(epoch, evaluate(engine, data.train), evaluate(engine, data.valid)) for epoch in train(engine, data, plan)]
    assert [(e.train_loss, e.train_accuracy) for e, _, _ in seen] == [tuple(fitted[:2]) for _, fitted, _ in seen]
    assert [(e.valid_loss, e.valid_accuracy) for e, _, _ in seen] == [tuple(valid[:2]) for _, _, valid in seen]


@every_engine
def test_at_a_yield_the_engine_holds_exactly_that_epochs_weights(name: str) -> None:
    plan, data = small_plan(), three_classes()
    engine, by_steps = small_engine(name, plan), small_engine(name, plan)
    stream = train(engine, data, plan)
    next(stream)
    second = next(stream)
    do_steps(by_steps, data, plan, 1, 8)
    assert (second.index, second.step, engine.num_updates) == (2, 8, 8)
    assert torch.equal(engine.params.flat, by_steps.params.flat)


def test_running_loss_is_the_mean_over_the_rows_of_the_epochs_steps() -> None:
    plan, data = small_plan(), three_classes()
    done = do_steps(small_engine("scratch", plan), data, plan, 1, 12)
    second_epoch = [float(step.loss) * step.num_rows for step in done[4:8]]
    epochs = list(train(small_engine("scratch", plan), data, plan))
    assert epochs[1].running_loss == pytest.approx(sum(second_epoch) / 50, rel=FORMULA)


def test_running_loss_over_several_epochs_is_the_mean_of_all_their_steps() -> None:
    plan, data = small_plan(epochs=4), three_classes()
    single = [epoch.running_loss for epoch in train(small_engine("scratch", plan), data, plan)]
    double = [epoch.running_loss for epoch in train(small_engine("scratch", plan), data, plan, every=2)]
    assert double == pytest.approx([sum(single[:2]) / 2, sum(single[2:]) / 2], rel=FORMULA)


@pytest.mark.parametrize(("every", "shown"), [(1, [1, 2, 3, 4, 5]), (2, [2, 4, 5]), (5, [5]), (100, [5])])
def test_every_nth_epoch_is_yielded_and_the_last(every: int, shown: list[int]) -> None:
    plan = small_plan(epochs=5)
    assert [epoch.index for epoch in train(small_engine("scratch", plan), three_classes(), plan, every)] == shown


@every_engine
def test_showing_fewer_epochs_changes_no_bit_of_the_training(name: str) -> None:
    plan, spec = small_plan(epochs=6), small_net(dropout=0.3)
    often, rarely = small_engine(name, plan, spec), small_engine(name, plan, spec)
    list(train(often, three_classes(), plan))
    list(train(rarely, three_classes(), plan, every=4))
    assert torch.equal(often.params.flat, rarely.params.flat)


def test_break_stops_with_the_weights_of_that_epoch() -> None:
    plan, data = small_plan(epochs=5), three_classes()
    engine = small_engine("scratch", plan)
    for epoch in train(engine, data, plan):
        if epoch.index == 2:
            break
    assert engine.num_updates == 8


@every_engine
def test_a_second_call_continues_where_the_first_stopped(name: str) -> None:
    plan, spec, data = small_plan(epochs=5, optimizer="adam"), small_net(dropout=0.3), three_classes()
    whole, halted = small_engine(name, plan, spec), small_engine(name, plan, spec)
    last = list(train(whole, data, plan))[-1]
    next(train(halted, data, plan, every=2))
    rest = list(train(halted, data, plan))
    assert [epoch.index for epoch in rest] == [3, 4, 5]
    assert replace(rest[-1], seconds=0, rows_per_second=0) == replace(last, seconds=0, rows_per_second=0)
    assert torch.equal(halted.params.flat, whole.params.flat)


def test_a_run_in_the_middle_of_an_epoch_is_continued_to_its_end() -> None:
    plan, data = small_plan(), three_classes()
    whole, halted = small_engine("scratch", plan), small_engine("scratch", plan)
    list(train(whole, data, plan))
    do_steps(halted, data, plan, 1, 6)
    assert [epoch.index for epoch in train(halted, data, plan)] == [2, 3]
    assert torch.equal(halted.params.flat, whole.params.flat)


def test_a_finished_run_is_refused() -> None:
    plan, data = small_plan(), three_classes()
    engine = small_engine("scratch", plan)
    list(train(engine, data, plan))
    with pytest.raises(InputError, match="epochs must be more than the 3 that the engine has done, got 3; raise it"):
        next(train(engine, data, plan))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"loss": "mse"},
            "loss of the plan must be the engine's cross_entropy, got mse; make the engine with this plan",
        ),
        ({"optimizer": "adam"}, "optimizer of the plan must be the engine's sgd, got adam"),
        ({"seed": 7}, "seed of the plan must be the engine's 1, got 7"),
        ({"clip_norm": 1.0}, "clip_norm of the plan must be the engine's None, got 1.0"),
        ({"momentum": 0.9}, "momentum of the plan must be the engine's None, got 0.9"),
    ],
)
def test_a_plan_with_other_arithmetic_than_the_engines_is_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        next(train(small_engine("scratch"), three_classes(), replace(small_plan(), **change)))


def test_a_longer_plan_continues_the_same_engine() -> None:
    plan, data = small_plan(), three_classes()
    engine = small_engine("scratch", plan)
    list(train(engine, data, plan))
    assert [epoch.index for epoch in train(engine, data, replace(plan, epochs=5, lr=0.01))] == [4, 5]


def test_every_must_be_a_whole_number() -> None:
    with pytest.raises(InputError, match="every must be a whole number of at least 1, got 0"):
        next(train(small_engine("scratch"), three_classes(), small_plan(), every=0))


def test_seconds_are_those_of_the_steps_without_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that only evaluation moves forward: the steps take none of it."""
    clock, evaluate_at_once, steps_at_once = [0.0], LOOP.evaluate_in_training, LOOP.steps

    def slow_evaluate(*arguments: Any) -> Evaluation:
        clock[0] += 100
        return evaluate_at_once(*arguments)

    def steps_of_one_second(*arguments: Any, **options: Any) -> Iterator[Step]:
        for step in steps_at_once(*arguments, **options):
            clock[0] += 1
            yield step

    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    monkeypatch.setattr(LOOP, "evaluate_in_training", slow_evaluate)
    monkeypatch.setattr(LOOP, "steps", steps_of_one_second)
    plan = small_plan()
    epochs = list(train(small_engine("scratch", plan), three_classes(valid=10), plan))
    assert [epoch.seconds for epoch in epochs] == [4, 4, 4]
    assert [epoch.rows_per_second for epoch in epochs] == [50 / 4] * 3
    assert clock[0] > 100, "the loop did evaluate by this clock"


def test_seconds_leave_compiling_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that only compiling moves forward, and a step by a second: Numba's own report of the first step."""
    clock, plan = [0.0], small_plan()
    engine, train_at_once = small_engine("fused", plan), _compiled.training()

    def compiled_at_first(*arguments: Any) -> None:
        if not clock[0]:
            with trigger_event("numba:compile"):
                clock[0] += 100
        train_at_once(*arguments)
        clock[0] += 1

    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    monkeypatch.setattr("numba.core.event.timer", lambda: clock[0])
    monkeypatch.setattr(_compiled, "training", lambda: compiled_at_first)
    epochs = list(train(engine, three_classes(valid=10), plan))
    assert engine.seconds_compiling == 100
    assert sum(epoch.seconds for epoch in epochs) == clock[0] - 100


def test_an_epoch_is_printed_in_one_line() -> None:
    plan, data = small_plan(), three_classes(valid=10)
    epoch = replace(next(train(small_engine("scratch", plan), data, plan)), seconds=0.25)
    assert str(epoch).startswith("epoch 1  train_loss ")
    assert "valid_accuracy" in str(epoch)
    assert str(epoch).endswith("  0.25 s")


def test_without_a_validation_part_there_is_no_validation_loss() -> None:
    plan = small_plan()
    epoch = next(train(small_engine("scratch", plan), three_classes(), plan))
    assert epoch.valid_loss is None
    assert epoch.valid_accuracy is None
    assert "valid" not in str(epoch)


def test_every_epoch_carries_the_metrics_of_both_parts() -> None:
    plan, data = small_plan(metrics=("auc",)), three_classes(valid=20)
    engine = small_engine("scratch", plan)
    epoch = next(train(engine, data, plan))
    assert epoch.train_metrics == evaluate(engine, data.train).metrics
    assert epoch.valid_metrics == evaluate(engine, data.valid).metrics
    assert f"valid_auc {epoch.valid_metrics['auc']:.4f}" in str(epoch)


@every_engine
def test_training_learns(name: str) -> None:
    engine, data, plan = moons(name, epochs=200)
    last = list(train(engine, data, plan, every=200))[-1]
    assert last.train_loss < 0.1
    assert last.valid_accuracy is not None
    assert last.valid_accuracy > 0.95


def test_images_stored_as_bytes_train_as_the_numbers_they_are() -> None:
    stored = torch.randint(0, 256, (40, 5, 5), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    y = stored.flatten(1).double().mean(1).gt(127).long()
    plan = TrainPlan(batch_size=16, epochs=2)
    as_bytes, as_numbers = small_engine("scratch", plan, MLP(25, 2)), small_engine("scratch", plan, MLP(25, 2))
    first = list(train(as_bytes, Dataset(Rows(stored, y, scale=1 / 255), num_outputs=2), plan))
    second = list(train(as_numbers, Dataset(Rows(stored.double() * (1 / 255), y), num_outputs=2), plan))
    assert torch.equal(as_bytes.params.flat, as_numbers.params.flat)
    assert first[-1].train_loss == pytest.approx(second[-1].train_loss, rel=FORMULA)
    assert math.isfinite(first[-1].train_loss)


@pytest.mark.parametrize("name", ENGINES)
def test_rows_that_another_network_has_made_are_plain_numbers(name: str) -> None:
    data = three_classes()
    made = Dataset(Rows(data.train.x.clone().requires_grad_(), data.train.y), num_outputs=3)
    own, same = small_engine(name), small_engine(name)
    list(train(own, made, small_plan()))
    list(train(same, data, small_plan()))
    assert torch.equal(own.params.flat, same.params.flat)


def test_a_whole_data_set_is_refused_where_one_part_is_meant_and_the_other_way_round() -> None:
    engine, data = small_engine("scratch"), three_classes()
    with pytest.raises(InputError, match=r"rows must be of the type Part, got Dataset; .* such as data\.test"):
        evaluate(engine, data)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"data must be of the type Dataset, got Rows; .* Dataset\(Rows\(x, y\)\)"):
        next(train(engine, data.train, small_plan()))  # type: ignore[arg-type]
