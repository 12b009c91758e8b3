"""A run that was stopped anywhere goes on to the same end, to the bit; what is damaged or another's is told apart."""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from fivestep.check import DivergenceError, InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.net import LinearRegression
from fivestep.plan import TrainPlan
from fivestep.run import Run, fit
from fivestep.saved.checkpoint import checkpoints_in, read_checkpoint, write_checkpoint
from tests.runs import (
    DATA,
    SCENARIOS,
    begun,
    differences,
    often,
    only,
    over_scenarios,
    remains,
    trained,
    without_pictures,
)
from tests.samples import ENGINES, numbers, small_engine, small_net, small_plan, three_classes

every_engine = pytest.mark.parametrize("name", ENGINES)


pytestmark = pytest.mark.usefixtures("without_shape_checks")


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    without_pictures(monkeypatch)


@pytest.mark.slow
@every_engine
@over_scenarios
def test_a_run_that_goes_on_from_any_step_ends_the_same_to_the_bit(
    name: str, scenario: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the checkpoint before each step, and from the last one; that of the run itself is the one to be reached."""
    with often(monkeypatch):
        whole = trained(begun(name, scenario, tmp_path / "whole"), scenario).path
    expected, wrong = remains(whole), {}
    for source in checkpoints_in(whole):
        run = Run.resume(only(source, tmp_path / source.stem))
        wrong[source.stem] = differences(remains(trained(run, scenario).path), expected)
    assert len(wrong) > 2
    assert {step: names for step, names in wrong.items() if names} == {}


def test_writing_checkpoints_changes_no_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = next(iter(SCENARIOS))
    rarely = trained(begun("scratch", scenario, tmp_path / "rarely"), scenario)
    with often(monkeypatch):
        always = trained(begun("scratch", scenario, tmp_path / "always"), scenario)
    assert differences(remains(always.path), remains(rarely.path)) == []


def test_a_scenario_stops_early_and_goes_back_to_a_better_epoch(tmp_path: Path) -> None:
    """Else the tests above would say nothing about either."""
    plan = SCENARIOS["adam, dropout, average, plateau, best epoch"][1]
    run = trained(begun("scratch", "adam, dropout, average, plateau, best epoch", tmp_path / "run"), "")
    losses = [epoch.valid_loss for epoch in run.history]
    assert len({epoch.lr for epoch in run.history}) > 1
    assert min(losses) < losses[-1]
    assert run.history[-1].index <= plan.epochs


def stopped(folder: Path, epochs: int = 2, **options: Any) -> Run:
    """A run that its caller has left after some epochs."""
    plan: TrainPlan = small_plan(**{"epochs": 4, **options})
    run = Run.start(small_engine("scratch", plan), DATA, folder)
    for epoch in run.train(DATA):
        if epoch.index == epochs:
            break
    return run


def test_a_run_that_its_caller_has_left_goes_on_from_there(tmp_path: Path) -> None:
    stopped(tmp_path / "run")
    run = Run.resume(tmp_path / "run")
    assert (run.history[-1].index, run.engine.num_updates, run.is_finished) == (2, 8, False)
    assert [epoch.index for epoch in run.train(DATA)] == [3, 4]
    assert run.is_finished
    assert [epoch.index for epoch in run.history] == [1, 2, 3, 4]


def test_the_same_object_goes_on_too(tmp_path: Path) -> None:
    run = stopped(tmp_path / "run")
    assert [epoch.index for epoch in run.train(DATA)] == [3, 4]


def test_a_finished_run_shows_no_epoch_and_writes_its_folder_anew(tmp_path: Path) -> None:
    run = trained(stopped(tmp_path / "run"), "")
    (run.path / "model.safetensors").unlink()
    (run.path / "history.csv").write_text("damaged")
    again = Run.resume(run.path)
    assert again.is_finished
    assert torch.equal(again.engine.params.flat, run.engine.params.flat)
    assert list(again.train(DATA)) == []
    assert Run.load(run.path, "cpu").history == run.history


def test_a_run_can_be_made_longer_and_is_the_longer_run_to_the_bit(tmp_path: Path) -> None:
    long = trained(Run.start(small_engine("scratch", small_plan(epochs=7)), DATA, tmp_path / "long"), "")
    trained(stopped(tmp_path / "run"), "")
    run = trained(Run.resume(tmp_path / "run", epochs=7), "")
    assert differences(remains(run.path), remains(long.path)) == []
    assert Run.load(run.path, "cpu").plan.epochs == 7
    assert Run.resume(run.path).plan.epochs == 7


def test_a_run_cannot_be_made_shorter(tmp_path: Path) -> None:
    stopped(tmp_path / "run")
    with pytest.raises(
        InputError, match="epochs must be a whole number of at least 4, got 3; a run can be made longer"
    ):
        Run.resume(tmp_path / "run", epochs=3)


@pytest.mark.parametrize(
    ("schedule", "warned"), [("constant", 0), ("plateau", 0), ("cosine", 1), ("warmup:steps=3", 0)]
)
def test_a_schedule_that_counts_on_the_end_warns_when_the_end_is_moved(
    schedule: str, warned: int, tmp_path: Path
) -> None:
    stopped(tmp_path / "run", schedule=schedule)
    run = Run.resume(tmp_path / "run", epochs=8)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trained(run, "")
    assert ["must have a schedule that does not count on the end" in str(one.message) for one in caught] == [
        True
    ] * warned


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_damaged_checkpoint_is_left_for_the_one_before_it_with_a_warning(tmp_path: Path) -> None:
    whole = trained(Run.start(small_engine("scratch", small_plan(epochs=4)), DATA, tmp_path / "whole"), "")
    path = stopped(tmp_path / "run").path
    newest, before = checkpoints_in(path)
    damage(newest)
    with pytest.warns(
        UserWarning, match=rf"{newest.name} .*got damaged bytes\. The one before it is used, {before.name}\."
    ):
        run = Run.resume(path)
    assert run.engine.num_updates < 8
    assert differences(remains(trained(run, "").path), remains(whole.path)) == []
    assert newest not in checkpoints_in(path)


def test_a_run_without_a_whole_checkpoint_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = stopped(tmp_path / "run").path
    for checkpoint in checkpoints_in(path):
        damage(checkpoint)
    with pytest.raises(InputError, match=r"step-000000000008.safetensors must be a checkpoint .* got damaged bytes"):
        Run.resume(path)


def test_a_folder_without_checkpoints_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"RUN must be a folder with a checkpoint in it, got .*nowhere"):
        Run.resume(tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (three_classes(49, valid=20), r"the train rows must be those that the run was begun with, float64\[50, 4\]"),
        (three_classes(valid=19), "the valid rows must be those"),
        (replace(DATA, valid=None), "the valid rows must be those .*, got none; pass the same data"),
        (replace(DATA, train=Rows(DATA.train.x + 1e-12, DATA.train.y)), "the train rows must be those"),
    ],
    ids=["fewer", "other validation", "no validation", "a digit"],
)
def test_other_data_are_refused(data: Dataset, sentence: str, tmp_path: Path) -> None:
    stopped(tmp_path / "run")
    with pytest.raises(InputError, match=sentence):
        list(Run.resume(tmp_path / "run").train(data))


def test_another_every_is_refused(tmp_path: Path) -> None:
    stopped(tmp_path / "run")
    with pytest.raises(InputError, match="every must be the run's own 1, got 2; leave it out"):
        list(Run.resume(tmp_path / "run").train(DATA, every=2))


def test_another_number_of_threads_warns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped(tmp_path / "run")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 7)
    with pytest.warns(
        UserWarning, match=r"must go on where it began to be the same to the bit, got threads 7 \(then 1\)"
    ):
        trained(Run.resume(tmp_path / "run"), "")


def test_a_run_that_has_gone_on_meanwhile_is_read_again(tmp_path: Path) -> None:
    stopped(tmp_path / "run")
    stale = Run.resume(tmp_path / "run")
    trained(Run.resume(tmp_path / "run"), "")
    with pytest.raises(InputError, match="must be as it was when the run was read, got newer checkpoints"):
        list(stale.train(DATA))


def test_a_loaded_run_is_not_trained_over_its_checkpoints(tmp_path: Path) -> None:
    run = stopped(tmp_path / "run")
    with pytest.raises(InputError, match=r"RUN must be a folder without checkpoints, .*; go on with it by Run.resume"):
        list(Run.load(run.path, "cpu").train(DATA))


def test_fit_begins_goes_on_and_is_done_with_the_same_call(tmp_path: Path) -> None:
    def script(epochs: int = 3, **options: Any) -> Run:
        plan: TrainPlan = small_plan(epochs=epochs, **options)
        return fit(small_net(), DATA, plan, "scratch", dtype="float64", device="cpu", resume=tmp_path / "run")

    whole = fit(small_net(), DATA, small_plan(), "scratch", dtype="float64", device="cpu", out=tmp_path / "whole")
    assert differences(remains(script().path), remains(whole.path)) == []
    assert [epoch.index for epoch in script().history] == [1, 2, 3]
    assert [epoch.index for epoch in script(5).history] == [1, 2, 3, 4, 5]
    with pytest.raises(
        InputError, match=r"own, got optimizer adam \(in the run sgd\), lr 0\.5 \(in the run 0\.1\); keep"
    ):
        script(5, optimizer="adam", lr=0.5)


def test_fit_takes_one_folder_before_there_is_a_run_too(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="out must be left out with resume"):
        fit(small_net(), DATA, small_plan(), out=tmp_path / "other", resume=tmp_path / "run")
    assert not any(tmp_path.iterdir())


@every_engine
def test_a_run_that_breaks_breaks_in_the_same_way_when_it_goes_on(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step, the tensor, and the weights from before it, whichever checkpoint it goes on from; all are finite."""
    data = Dataset(Rows(numbers(20, 4), numbers(20, 1, seed=1)))
    plan = TrainPlan(loss="mse", lr=1e20, batch_size=5, epochs=4)
    run = Run.start(small_engine(name, plan, LinearRegression(4)), data, tmp_path / "run")
    with often(monkeypatch), pytest.raises(DivergenceError) as whole:
        list(run.train(data))
    sources = checkpoints_in(run.path)
    sentences, weights = set(), []
    for source in sources:
        again = Run.resume(only(source, tmp_path / source.stem))
        assert again.engine.params.flat.isfinite().all()
        with pytest.raises(DivergenceError) as caught:
            list(again.train(data))
        sentences.add(str(caught.value))
        weights.append(again.engine.params.flat)
    assert len(sources) > 1  # `fused` does an epoch in one call
    assert sentences == {str(whole.value)}
    assert all(torch.equal(flat, run.engine.params.flat) for flat in weights)


def changed(folder: Path, source: Path, about: Any, tensors: Any) -> Path:
    """A checkpoint with a right checksum that says something else."""
    whole = read_checkpoint(source)
    text, values = dict(whole.about), dict(whole.tensors)
    about(text)
    tensors(values)
    (folder / "checkpoints").mkdir(parents=True)
    write_checkpoint(folder / "checkpoints" / source.name, text, values)
    return folder


HOSTILE: dict[str, Any] = {
    "no position": lambda about: about.pop("position"),
    "a step of text": lambda about: about["position"].update(step="8"),
    "a step below 0": lambda about: about["position"].update(step=-1),
    "a step of 10^30": lambda about: about["position"].update(step=10**30),
    "a step out of its epoch": lambda about: about["position"].update(step=4),
    "a rate that is no number": lambda about: about["position"].update(lr=float("nan")),
    "every nothing": lambda about: about["origin"].update(every=0),
    "data of numbers": lambda about: about["origin"].update(data=3),
    "a configuration of text": lambda about: about.update(config="[plan]"),
    "an unknown engine": lambda about: about["config"]["engine"].update(name="../../engine"),
    "a layer of a terabyte": lambda about: about["config"]["net"].update(
        layers=["linear:out_features=1000000000000", "linear"]
    ),
    "layers within layers": lambda about: about["config"]["net"].update(layers=["residual:layers=" + "(" * 5000]),
    "a memory of a terabyte": lambda about: about["config"]["plan"].update(optimizer="lbfgs:history=100000000000"),
    "metrics of a number": lambda about: about["config"]["plan"].update(metrics=7),
    "orders to the terminal": lambda about: about["config"]["run"].update(task="\x1b[2J"),
    "a task of a list": lambda about: about["config"]["run"].update(task=["moons"]),
}


@pytest.mark.parametrize("about", HOSTILE.values(), ids=HOSTILE)
def test_a_checkpoint_that_says_something_else_ends_in_one_sentence(about: Any, tmp_path: Path) -> None:
    source = checkpoints_in(stopped(tmp_path / "run").path)[0]
    folder = changed(tmp_path / "hostile", source, about, lambda _: None)
    with pytest.raises(InputError) as caught:
        list(Run.resume(folder).train(DATA))
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


LYING: dict[str, Any] = {
    "no weights": lambda tensors: tensors.pop("engine.flat"),
    "one weight more": lambda tensors: tensors.update({"engine.flat": torch.zeros(52, dtype=torch.float64)}),
    "weights of another type": lambda tensors: tensors.update({"engine.flat": tensors["engine.flat"].float()}),
    "an unknown memory": lambda tensors: tensors.update({"engine.0.x": torch.zeros(3)}),
    "no losses": lambda tensors: tensors.pop("since.losses"),
    "losses in a matrix": lambda tensors: tensors.update({"since.losses": torch.zeros(0, 2, dtype=torch.float64)}),
    "losses of steps to come": lambda tensors: tensors.update({"since.losses": numbers(3)}),
    "columns of two lengths": lambda tensors: tensors.update({"history.lr": torch.zeros(9, dtype=torch.float64)}),
    "a history without epochs": lambda tensors: tensors.pop("history.epoch"),
    "half an epoch": lambda tensors: tensors["history.epoch"].fill_(1.5),
    "best weights of another network": lambda tensors: tensors.update({"best.0.weight": torch.zeros(2, 2)}),
}


@every_engine
@pytest.mark.parametrize("tensors", LYING.values(), ids=LYING)
def test_a_checkpoint_with_other_tensors_ends_in_one_sentence(name: str, tensors: Any, tmp_path: Path) -> None:
    run = Run.start(small_engine(name, small_plan(optimizer="adam", epochs=2)), DATA, tmp_path / "run")
    source = checkpoints_in(trained(run, "").path)[0]
    with pytest.raises(InputError) as caught:
        list(Run.resume(changed(tmp_path / "hostile", source, lambda _: None, tensors)).train(DATA))
    assert "\n" not in str(caught.value)
