"""The batch size that nobody has chosen: 256 rows, or all where there are fewer."""

import copy
import pickle
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fivestep.check import InputError
from fivestep.datasets._base import Dataset
from fivestep.fleet import fit_many
from fivestep.net import MLP
from fivestep.plan import TrainPlan
from fivestep.run import Run, fit
from fivestep.steps import steps
from fivestep.train import train
from tests.samples import ENGINES, small_engine, three_classes

DATA = three_classes(valid=20)
NUM_ROWS = DATA.num_rows


@pytest.mark.parametrize("name", ENGINES)
def test_a_default_batch_of_few_rows_is_all_of_them(name: str) -> None:
    plan = TrainPlan(epochs=2)
    of_default, of_chosen = small_engine(name, plan), small_engine(name, plan)
    assert [step.num_rows for step in steps(of_default, DATA, plan)][-1] in (NUM_ROWS, 2 * NUM_ROWS)  # of a block
    list(train(of_chosen, DATA, replace(plan, batch_size=NUM_ROWS)))
    assert torch.equal(of_default.params.flat, of_chosen.params.flat)


def test_a_fleet_takes_all_rows_too() -> None:
    default, chosen = (
        fit_many(MLP(None, 6, None), DATA, [replace(plan, seed=seed) for seed in range(3)], "fused", device="cpu")
        for plan in (TrainPlan(epochs=2), TrainPlan(epochs=2, batch_size=NUM_ROWS))
    )
    assert [one.history[-1].train_loss for one in default] == [one.history[-1].train_loss for one in chosen]


def test_the_run_says_how_many_rows_its_batches_have_and_resumes(tmp_path: Path) -> None:
    spec, plan = MLP(None, 6, None), TrainPlan(epochs=2)
    fit(spec, DATA, plan, "scratch", device="cpu", resume=tmp_path / "run")
    config = tomllib.loads((tmp_path / "run" / "config.toml").read_text())
    assert config["plan"]["batch_size"] == NUM_ROWS
    longer = fit(spec, DATA, replace(plan, epochs=3), "scratch", device="cpu", resume=tmp_path / "run")
    assert [epoch.index for epoch in longer.history] == [1, 2, 3]
    started = Run.start(small_engine("scratch", plan), DATA, tmp_path / "other")
    assert started.plan.batch_size == NUM_ROWS


@pytest.mark.parametrize("name", ENGINES)
def test_a_micro_batch_of_more_rows_than_there_are_is_the_whole_batch(name: str, tmp_path: Path) -> None:
    plan = TrainPlan(epochs=2, micro_batch_size=NUM_ROWS + 10)
    engine = small_engine(name, plan)
    list(train(engine, DATA, plan))
    run = fit(engine.spec, DATA, plan, name, dtype=engine.dtype_name, device="cpu", out=tmp_path / "run")
    assert (run.plan.batch_size, run.plan.micro_batch_size) == (NUM_ROWS, NUM_ROWS)
    assert torch.equal(run.engine.params.flat, engine.params.flat)


def test_a_smaller_micro_batch_stays_as_it_is() -> None:
    assert TrainPlan(micro_batch_size=64).for_rows(90).micro_batch_size == 64


def test_a_run_that_goes_on_with_more_rows_is_told_of_its_rows_not_of_its_batch(tmp_path: Path) -> None:
    def script(num_rows: int) -> Run:
        data = Dataset(DATA.train.take(slice(num_rows)))
        return fit(MLP(None, 6, None), data, TrainPlan(epochs=2), "scratch", device="cpu", resume=tmp_path / "run")

    script(NUM_ROWS - 10)
    with pytest.raises(InputError, match="the train rows must be those that the run was begun with"):
        script(NUM_ROWS)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda plan: pickle.loads(pickle.dumps(plan)), replace])
def test_a_copy_of_a_plan_keeps_that_nobody_has_chosen_its_batch(again: object) -> None:
    plan = again(TrainPlan())  # type: ignore[operator]
    assert plan == TrainPlan(batch_size=256)
    assert (plan.for_rows(90).batch_size, plan.for_rows(1000).batch_size) == (90, 256)
    assert TrainPlan(batch_size=256).for_rows(90).batch_size == 256


def test_a_chosen_batch_larger_than_the_data_stays_an_error() -> None:
    with pytest.raises(InputError, match=f"batch_size must be at most the {NUM_ROWS} rows"):
        fit(MLP(None, 6, None), DATA, TrainPlan(batch_size=256), "scratch", out="not written")
