"""The exponential moving average of the weights: torch's numbers, and the right weights at every moment."""

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from fivestep.averages import to_prediction
from fivestep.check import DivergenceError, InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.engines._base import FiveStepEngine
from fivestep.engines.nn import NnEngine
from fivestep.evaluation import evaluate
from fivestep.find import Choice
from fivestep.plan import TrainPlan
from fivestep.run import Run
from fivestep.steps import steps, upcoming_steps
from fivestep.train import train
from tests.samples import (
    ENGINES,
    FIVE_STEP_ENGINES,
    do_steps,
    numbers,
    small_engine,
    small_net,
    small_plan,
    three_classes,
    weights_of,
)
from tests.tolerances import ENGINES_FLOAT64, EXACT, FORMULA, distance, worst

DATA = three_classes(valid=20)
EMA = 0.8
every_engine = pytest.mark.parametrize("name", ENGINES)


def averages_by_torch(plan: TrainPlan, num_steps: int) -> dict[str, Tensor]:
    """torch's `AveragedModel` beside the plain run of `nn`, updated after each step."""
    engine = small_engine("nn", replace(plan, ema=None))
    assert isinstance(engine, NnEngine)
    averaged = AveragedModel(engine.model, multi_avg_fn=get_ema_multi_avg_fn(EMA))
    for step in steps(engine, DATA, plan):
        averaged.update_parameters(engine.model)
        if step.number == num_steps:
            break
    return {name.removeprefix("module."): value.detach() for name, value in averaged.named_parameters()}


@every_engine
@pytest.mark.parametrize("num_steps", [1, 2, 10])
@pytest.mark.parametrize("optimizer", ["sgd:momentum=0.9", "adam", "nadam"])
def test_average_equals_torchs_averaged_model(name: str, num_steps: int, optimizer: str) -> None:
    plan = small_plan(optimizer=optimizer, ema=EMA)
    engine = small_engine(name, plan)
    do_steps(engine, DATA, plan, 1, num_steps)
    to_prediction(engine)
    assert worst(weights_of(engine), averages_by_torch(plan, num_steps)).distance < ENGINES_FLOAT64


def test_average_worked_by_hand() -> None:
    """w = 1, 1 - 0.1 * 2 = 0.8, 0.8 - 0.1 * 1 = 0.7; the average starts at 0.8, then 0.8 * 0.8 + 0.2 * 0.7 = 0.78."""
    engine = small_engine("scratch", small_plan(ema=EMA))
    engine.params.flat.fill_(1)
    for gradient in (2.0, 1.0):
        engine.params.grad.fill_(gradient)
        engine.update()
    to_prediction(engine)
    assert distance(engine.params.flat, torch.full_like(engine.params.flat, 0.78)) < FORMULA


@every_engine
def test_at_a_yield_the_engine_predicts_with_the_average_and_then_trains_on(name: str) -> None:
    plan = small_plan(optimizer="adam", ema=EMA)
    engine, plain = small_engine(name, plan), small_engine(name, replace(plan, ema=None))
    for epoch in train(engine, DATA, plan):
        do_steps(plain, DATA, plan, plain.num_updates + 1, epoch.step)
        assert worst(weights_of(engine), averages_by_torch(plan, epoch.step)).distance < ENGINES_FLOAT64
        assert epoch.train_loss == evaluate(engine, DATA.train).loss
        assert torch.equal(engine.state()["flat"], plain.params.flat)


@every_engine
def test_an_average_of_nothing_but_the_last_weights_changes_nothing(name: str) -> None:
    plan = small_plan(ema=0.0)
    engine, plain = small_engine(name, plan), small_engine(name, replace(plan, ema=None))
    list(train(engine, DATA, plan))
    list(train(plain, DATA, replace(plan, ema=None)))
    assert torch.equal(engine.params.flat, plain.params.flat)


@every_engine
def test_a_second_call_of_train_goes_on_from_the_weights_that_train(name: str) -> None:
    plan = small_plan(epochs=4, optimizer="adam", ema=EMA)
    whole, halted = small_engine(name, plan), small_engine(name, plan)
    list(train(whole, DATA, plan))
    list(train(halted, DATA, replace(plan, epochs=2)))
    list(train(halted, DATA, plan))
    assert torch.equal(halted.params.flat, whole.params.flat)


@every_engine
def test_to_training_undoes_to_prediction(name: str) -> None:
    engine = after_steps(name, 5)
    before = engine.params.flat.clone()
    to_prediction(engine)
    to_prediction(engine)
    assert distance(engine.params.flat, before) > 0
    engine.params.to_training()
    assert torch.equal(engine.params.flat, before)


@every_engine
@pytest.mark.parametrize("options", [{"optimizer": "adam", "ema": EMA}, {"optimizer": "schedule_free_adamw"}])
def test_a_step_by_hand_goes_on_with_the_weights_that_train(name: str, options: dict[str, Any]) -> None:
    """After a training, whose end leaves others to predict with, and as if the loop had done it."""
    plan = small_plan(epochs=2, micro_batch_size=None, **options)
    by_hand, by_loop = small_engine(name, plan), small_engine(name, plan)
    list(train(by_hand, DATA, replace(plan, epochs=1)))
    for upcoming in upcoming_steps(by_hand, DATA, plan, start := by_hand.num_updates):
        by_hand.lr = upcoming.lr
        by_hand.train_step(*upcoming.batch)
    for _ in steps(by_loop, DATA, plan):
        pass
    assert by_hand.num_updates == by_loop.num_updates == 2 * start
    assert worst(by_hand.state(), by_loop.state()).distance < ENGINES_FLOAT64


@every_engine
def test_the_state_at_a_yield_holds_what_the_next_step_needs(name: str) -> None:
    plan = small_plan(epochs=4, optimizer="adam", ema=EMA)
    whole, resumed = small_engine(name, plan), small_engine(name, plan)
    stream = train(whole, DATA, plan)
    epoch = next(stream)
    resumed.load_state(whole.state(), epoch.step)
    rest, again = list(stream)[-1], list(train(resumed, DATA, plan))[-1]
    assert torch.equal(resumed.params.flat, whole.params.flat)
    assert again.train_loss == rest.train_loss


@every_engine
def test_loaded_weights_are_trained_on(name: str) -> None:
    """Whoever loads weights at a yield means them, not those that were put aside."""
    engine = after_steps(name, 5)
    to_prediction(engine)
    ones = {key: torch.ones_like(value) for key, value in weights_of(engine).items()}
    engine.load_weights(ones)
    engine.params.to_training()
    assert worst(weights_of(engine), ones).distance == EXACT


def after_steps(name: str, num_steps: int) -> FiveStepEngine:
    plan = small_plan(ema=EMA)
    engine = small_engine(name, plan)
    do_steps(engine, DATA, plan, 1, num_steps)
    return engine


def pressing_ctrl_c_in_epoch(epoch: int) -> Dataset:
    """Data that are drawn again for every epoch, by a source that presses Ctrl-C when asked for that one."""

    def fresh(index: int) -> Rows:
        if index == epoch - 1:
            signal.raise_signal(signal.SIGINT)
        return DATA.train

    return replace(DATA, fresh=fresh)


@every_engine
def test_an_interrupted_run_saves_the_average(name: str, tmp_path: Path) -> None:
    """Ctrl-C is taken after the first step of the third epoch, step 9, or after the block of steps that it is in."""
    plan = small_plan(optimizer="adam", ema=EMA)
    run = started(name, plan, pressing_ctrl_c_in_epoch(3), tmp_path)
    last = ends_with(KeyboardInterrupt, run, pressing_ctrl_c_in_epoch(3))
    assert last == (9 if name in FIVE_STEP_ENGINES else 12)
    plain = small_engine(name, replace(plan, ema=None))
    do_steps(plain, pressing_ctrl_c_in_epoch(9), plan, 1, last)
    saved = Run.load(run.path).engine
    assert torch.equal(saved.params.flat, run.engine.params.flat)
    assert torch.equal(run.engine.state()["flat"], plain.params.flat)
    assert distance(saved.params.flat, plain.params.flat) > 0


@every_engine
def test_a_diverged_run_saves_the_average_from_before_the_step_that_broke(name: str, tmp_path: Path) -> None:
    plan = TrainPlan(loss="mse", lr=10.0, batch_size=5, epochs=400, seed=0, ema=EMA)
    data = Dataset(Rows(numbers(20, 4), numbers(20, 3, seed=1)), num_outputs=3)
    run = started(name, plan, data, tmp_path, activation="relu")
    num_steps = ends_with(DivergenceError, run, data)
    again = small_engine(name, plan, small_net(activation="relu"))
    do_steps(again, data, plan, 1, num_steps)
    to_prediction(again)
    assert Run.load(run.path).engine.params.flat.isfinite().all()
    assert torch.equal(run.engine.params.flat, again.params.flat)


def started(name: str, plan: TrainPlan, data: Dataset, folder: Path, **options: Any) -> Run:
    return Run.start(small_engine(name, plan, small_net(**options)), data, folder / "run")


def ends_with(expected: type[BaseException], run: Run, data: Dataset) -> int:
    """The number of updates that the run had done when it ended with that exception."""
    with pytest.raises(expected):
        list(run.train(data, every=run.plan.epochs))
    return run.engine.num_updates


@every_engine
def test_running_statistics_stay_those_of_training(name: str) -> None:
    """As in torch with `use_buffers=False`: the average is of what is trained."""
    spec = replace(small_net(), layers=(Choice("linear", out_features=6), Choice("batch_norm"), Choice("linear")))
    plan = small_plan(ema=EMA)
    engine, plain = small_engine(name, plan, spec), small_engine(name, replace(plan, ema=None), spec)
    do_steps(engine, DATA, plan, 1, 5)
    do_steps(plain, DATA, plan, 1, 5)
    to_prediction(engine)
    assert torch.equal(engine.params.buffers, plain.params.buffers)


@pytest.mark.parametrize("ema", [1.0, -0.1, True])
def test_a_decay_outside_its_range_is_refused(ema: float) -> None:
    with pytest.raises(InputError, match=r"ema must be a number in \[0, 1\), got .*; 0.999 is usual"):
        small_plan(ema=ema)


def test_a_plan_with_another_average_than_the_engines_is_refused() -> None:
    with pytest.raises(InputError, match=r"ema of the plan must be the engine's None, got 0.8"):
        next(train(small_engine("scratch"), DATA, small_plan(ema=EMA)))


def test_in_the_nn_engine_the_average_follows_the_torch_optimizer_itself() -> None:
    """Its twin is an ordinary optimizer with a hook: whoever steps it by hand gets the average too."""
    engine = small_engine("nn", small_plan(ema=EMA))
    assert isinstance(engine, NnEngine)
    optimizer, _, _ = engine.torch_optimizers[0]
    loss: Callable[..., Tensor] = nn.CrossEntropyLoss()
    loss(engine.model(DATA.train.x), DATA.train.y).backward()
    optimizer.step()
    to_prediction(engine)
    assert torch.equal(engine.params.flat, engine.state()["flat"])  # after one step they are the same
