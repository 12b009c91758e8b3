"""A loss that is no longer finite: which step, which tensor, and the weights from before it."""

import math
import re
import signal
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import fivestep.divergence
import fivestep.machine.due
from fivestep.averages import to_prediction
from fivestep.check import DivergenceError
from fivestep.datasets._base import Dataset, Rows
from fivestep.divergence import CHECK_EVERY, Watch
from fivestep.engines import _memory
from fivestep.evaluation import evaluate
from fivestep.machine.spilled_state import SpilledState
from fivestep.net import MLP, LinearRegression, NetSpec
from fivestep.plan import TrainPlan
from fivestep.saved.checkpoint import Checkpoints
from fivestep.train import train
from tests.samples import ENGINES, do_steps, numbers, small_engine

every_engine = pytest.mark.parametrize("name", ENGINES)
DATA = Dataset(Rows(numbers(20, 4), numbers(20, 1, seed=1)))
EXPLODING = TrainPlan(loss="mse", lr=1e4, batch_size=5, epochs=400, seed=0)
"""Gradient descent at a rate that multiplies the weights by about -20,000 at each step, until they overflow."""
SLOWLY = replace(EXPLODING, lr=5.0)
"""The same, but by -10 at each step, so that it takes more than a hundred."""


def sentence_of(name: str, plan: TrainPlan, spec: NetSpec, data: Dataset = DATA, dtype: str = "float64") -> str:
    with pytest.raises(DivergenceError) as caught:
        list(train(small_engine(name, plan, spec, dtype), data, plan, every=plan.epochs))
    return str(caught.value)


def broken_step(sentence: str) -> int:
    found = re.search(r"at step (\d+) ", sentence)
    assert found is not None
    return int(found.group(1))


@every_engine
def test_the_sentence_names_the_step_the_epoch_and_the_tensor(name: str) -> None:
    sentence = sentence_of(name, EXPLODING, LinearRegression(4))
    step = broken_step(sentence)
    assert re.fullmatch(
        rf"the loss must stay finite, got (inf|nan) at step {step} \(epoch {(step - 1) // 4 + 1}\), first in the loss; "
        r"lower the learning rate \(10000 there\), clip the gradient, or scale the data "
        r"\(the engine keeps the weights from before that step\)\.",
        sentence,
    )


@every_engine
@pytest.mark.usefixtures("without_shape_checks")
def test_losses_whose_sum_would_overflow_are_finite_all_the_same(name: str) -> None:
    data = Dataset(Rows(numbers(20, 4), torch.full((20, 1), 3e18)))
    plan = TrainPlan(loss="mse", lr=1e-30, batch_size=None, epochs=2 * CHECK_EVERY)
    *_, last = train(small_engine(name, plan, LinearRegression(4), "float32"), data, plan, every=plan.epochs)
    assert last.train_loss == pytest.approx(9e36)


@every_engine
def test_every_engine_breaks_at_the_same_step_in_the_same_tensor(name: str) -> None:
    """Infinite or not a number: that is how sums round. A product that is added unrounded does not overflow."""
    plan = replace(EXPLODING, lr=1e200)
    spec = MLP(4, 3, 1, activation="identity")
    sentences = [sentence_of(one, plan, spec).replace("got nan", "got inf") for one in (name, "nn")]
    assert sentences[0] == sentences[1]


@every_engine
def test_the_engine_keeps_the_weights_from_before_the_step_that_broke(name: str) -> None:
    engine, again = small_engine(name, SLOWLY, LinearRegression(4)), small_engine(name, SLOWLY, LinearRegression(4))
    with pytest.raises(DivergenceError) as caught:
        list(train(engine, DATA, SLOWLY, every=400))
    step = broken_step(str(caught.value))
    do_steps(again, DATA, SLOWLY, 1, step - 1)
    assert step > CHECK_EVERY  # so that the copy it went back to was not the first one
    assert engine.num_updates == step - 1
    assert torch.equal(engine.params.flat, again.params.flat)
    assert engine.params.flat.isfinite().all()


@every_engine
def test_an_update_that_overflows_is_named_by_its_parameter(name: str) -> None:
    """The first loss is finite and so is its gradient, but gradient times rate is not."""
    data = Dataset(Rows(1e150 * numbers(20, 4), 1e150 * numbers(20, 1, seed=1)))
    plan = TrainPlan(loss="mse", lr=1e10, batch_size=None, epochs=3)
    sentence = sentence_of(name, plan, LinearRegression(4), data)
    assert "at step 1 (epoch 1), first in the update of 0.weight;" in sentence


@every_engine
def test_an_output_that_overflows_is_named_by_its_layer(name: str) -> None:
    data = Dataset(Rows(torch.full((20, 4), 1e308, dtype=torch.float64), numbers(20, 1)))
    engine = small_engine(name, EXPLODING, MLP(4, 3, 1, activation="identity"))
    engine.params.flat.fill_(1)
    with pytest.raises(DivergenceError, match=r"at step 1 \(epoch 1\), first in the output of layer 0 \(Linear\);"):
        list(train(engine, data, EXPLODING))
    assert engine.num_updates == 0
    assert (engine.params.flat == 1).all()


@every_engine
def test_parts_of_a_batch_break_at_the_same_step_as_the_whole(name: str) -> None:
    parts = replace(EXPLODING, micro_batch_size=2)
    spec = LinearRegression(4)
    assert abs(broken_step(sentence_of(name, parts, spec)) - broken_step(sentence_of(name, EXPLODING, spec))) <= 1


@every_engine
def test_with_dropout_the_steps_are_repeated_with_the_same_draws(name: str) -> None:
    spec = MLP(4, 8, 1, activation="identity", dropout=0.5)
    plan = replace(EXPLODING, lr=100.0)
    assert sentence_of(name, plan, spec) == sentence_of("nn", plan, spec)


def test_a_run_that_stays_finite_is_not_stopped() -> None:
    plan = replace(EXPLODING, lr=0.01, epochs=60)
    assert list(train(small_engine("scratch", plan, LinearRegression(4)), DATA, plan, every=60))[-1].train_loss < 2


@every_engine
@pytest.mark.parametrize("schedule", ["constant", "plateau", "warmup:then=plateau"])
def test_the_last_checkpoint_of_a_large_network_is_its_copy(
    name: str, schedule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless the rate follows what is seen: it was another one when the checkpoint was written."""
    plan, spec, asked = replace(SLOWLY, schedule=schedule), MLP(4, 3, 1, activation="identity"), []
    ends, real = [], Checkpoints.last_state
    monkeypatch.setattr(Checkpoints, "last_state", lambda self: asked.append(1) or real(self))
    for large in (math.inf, 0):
        monkeypatch.setattr(_memory, "LARGE", large)
        engine, checkpoints = small_engine(name, plan, spec), Checkpoints(tmp_path, {})
        with pytest.raises(DivergenceError) as caught:
            list(train(engine, DATA, plan, every=plan.epochs, checkpoints=checkpoints))
        ends.append((str(caught.value), engine.num_updates, engine.params.flat.tolist()))
    assert ends[0] == ends[1]
    assert bool(asked) == (schedule == "constant")


@every_engine
@pytest.mark.parametrize("ema", [None, 0.5])
def test_a_large_network_without_a_folder_goes_back_to_a_file(
    name: str, ema: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the same step, sentence and weights as with a copy; with a full disk there is a copy after all."""
    plan, spec = replace(SLOWLY, ema=ema), MLP(4, 3, 1, activation="identity")
    monkeypatch.setattr(SpilledState, "is_due", True)
    with_copies = end_of(name, plan, spec)
    monkeypatch.setattr(_memory, "LARGE", 0)
    assert end_of(name, plan, spec) == with_copies
    written_once = property(lambda self: self.num_updates == 0)  # as if it took long to write
    monkeypatch.setattr(SpilledState, "is_due", written_once)
    assert end_of(name, plan, spec) == with_copies
    monkeypatch.setattr(SpilledState, "put", full_disk)
    assert end_of(name, plan, spec) == with_copies


def end_of(name: str, plan: TrainPlan, spec: NetSpec) -> tuple[str, int, list[float]]:
    engine = small_engine(name, plan, spec)
    with pytest.raises(DivergenceError) as caught:
        list(train(engine, DATA, plan, every=20))
    return str(caught.value), engine.num_updates, engine.params.flat.tolist()


def full_disk(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_large_network_has_no_copy_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_memory, "LARGE", 0)
    monkeypatch.setattr(fivestep.machine.due, "time", SimpleNamespace(monotonic=lambda: 0.0))
    plan = replace(SLOWLY, epochs=2, optimizer="adam")
    engine = small_engine("scratch", plan, LinearRegression(4))
    copied: list[bool] = []
    real = type(engine).state
    monkeypatch.setattr(type(engine), "state", lambda self, **how: copied.append(how) or real(self, **how))
    list(train(engine, DATA, plan))
    assert copied == [{"copied": False}]  # once in three seconds, and no time goes by


def test_it_is_said_that_steps_are_done_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which ones, why, and how long it takes; a second is not worth a word."""
    still = SimpleNamespace(monotonic=lambda: 0.0)  # or a busy machine would have seconds left
    monkeypatch.setattr(fivestep.divergence, "time", still)
    sentence_of("scratch", SLOWLY, LinearRegression(4))
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(fivestep.divergence, "SILENT", 0.0)
    monkeypatch.setattr(fivestep.divergence, "BETWEEN", 0.0)
    broken = broken_step(sentence_of("scratch", SLOWLY, LinearRegression(4)))
    lines = capsys.readouterr().err.splitlines()
    first, last = broken - 1 - (broken - 1) % CHECK_EVERY + 1, broken - 1 - (broken - 1) % CHECK_EVERY + CHECK_EVERY
    assert lines[0] == (
        f"The loss is no longer finite. To find the step that broke, those from {first} on are done again: "
        f"{first} of at most {last}, at most 0 s left ..."
    )
    assert lines[-1] == (
        f"It was step {broken}. For the weights from before it, those from {first} on are done once more: "
        f"{broken - 1} of {broken - 1}, 0 s left ..."
    )


def test_ctrl_c_is_taken_while_steps_are_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights are then those of a step on the way, and finite."""
    engine, real = small_engine("scratch", SLOWLY, LinearRegression(4)), Watch._locate

    def interrupted(watch: Watch, *of_end: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        real(watch, *of_end)

    monkeypatch.setattr(Watch, "_locate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(train(engine, DATA, SLOWLY, every=400))
    assert engine.params.flat.isfinite().all()


def test_a_look_happens_once_in_a_hundred_steps() -> None:
    """Between two looks a loss that is not finite goes unnoticed: reading the device at every step would cost time."""
    engine = small_engine("scratch", EXPLODING, LinearRegression(4))
    watch = Watch(engine, DATA, EXPLODING)
    watch.after_step(torch.tensor(torch.nan, dtype=torch.float64))
    engine.draws.step = CHECK_EVERY - 1
    watch.before_step()
    engine.draws.step = CHECK_EVERY
    with pytest.raises(DivergenceError):
        watch.before_step()


def test_a_look_at_the_end_of_an_epoch_leaves_something_to_go_back_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loss of the last step is finite and what is measured after it is not, at a step with a look due."""
    plan = replace(EXPLODING, batch_size=None)
    with pytest.raises(DivergenceError) as caught:
        list(train(small_engine("scratch", plan, LinearRegression(4)), DATA, plan))
    monkeypatch.setattr(fivestep.divergence, "CHECK_EVERY", 1)
    with pytest.raises(DivergenceError) as looking:
        list(train(small_engine("scratch", plan, LinearRegression(4)), DATA, plan))
    assert str(looking.value) == str(caught.value)


@every_engine
@pytest.mark.parametrize("ema", [None, 0.5])
def test_a_loss_that_is_no_longer_finite_after_the_last_step_stops_the_run_too(name: str, ema: float | None) -> None:
    """The last step's own loss is finite, and so are its weights, but not the loss that is measured with them."""
    plan = replace(EXPLODING, batch_size=None, ema=ema)
    engine, again = small_engine(name, plan, LinearRegression(4)), small_engine(name, plan, LinearRegression(4))
    with pytest.raises(
        DivergenceError, match=r"got inf on the training rows after step \d+ \(epoch \d+\), first in the loss; low"
    ):
        list(train(engine, DATA, plan))
    do_steps(again, DATA, plan, 1, engine.num_updates)
    to_prediction(again)
    assert torch.equal(engine.params.flat, again.params.flat)
    assert math.isfinite(evaluate(engine, DATA.train).loss)
