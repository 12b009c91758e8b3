"""What public functions say of an argument of another type, and that a frozen choice stays as it is."""

import copy
import dataclasses
import json
import math
import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

import fivestep as fs
from fivestep.find import Choice
from tests.samples import small_engine, small_plan, three_classes

DATA, PLAN, SPEC = three_classes(), small_plan(), fs.MLP(None, 6, None)
ROWS = DATA.train
ENGINE = small_engine("scratch", PLAN)
WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "a module for a spec": (
        lambda: fs.fit(nn.Linear(4, 3), DATA, PLAN),
        "spec must be of the type NetSpec, got Linear",
    ),
    "no spec": (lambda: fs.fit(None, DATA, PLAN), "spec must be of the type NetSpec, got NoneType"),
    "a pair for data": (lambda: fs.fit(SPEC, (ROWS.x, ROWS.y), PLAN), "data must be of the type Dataset, got tuple"),
    "tensors for rows": (lambda: fs.Dataset(ROWS.x, ROWS.y), "train must be of the type Rows, got Tensor"),
    "a pair for a part": (lambda: fs.Dataset(ROWS, (ROWS.x, ROWS.y)), "valid must be of the type Rows, got tuple"),
    "a name for an engine": (lambda: next(fs.train("nn", DATA, PLAN)), "engine must be of the type Engine, got str"),
    "a dictionary for a plan": (
        lambda: next(fs.train(small_engine("scratch", PLAN), DATA, {})),
        "plan must be of the type TrainPlan, got dict",
    ),
    "no name": (lambda: fs.load_dataset(None), "name must be of the type str, got NoneType"),
    "a folder for a run": (lambda: fs.write_report("nowhere", DATA), "run must be of the type Run, got str"),
    "no engines": (lambda: fs.ensemble_of([]), "engines must be at least one engine"),
    "one engine for several": (lambda: fs.ensemble_of(ENGINE), "engines must be at least one engine"),
    "specs for engines": (lambda: fs.ensemble_of([SPEC]), "engines must be of the type Engine, got NetSpec"),
    "members for engines": (
        lambda: fs.ensemble_of(fs.fit_many(SPEC, DATA, [PLAN], "scratch", device="cpu")),
        "engines must be of the type Engine, got Member; pass member.engine of each",
    ),
    "a dictionary for plans": (lambda: fs.fit_many(SPEC, DATA, {}), "plans must be of the type TrainPlan, got dict"),
    "rows to fold": (lambda: fs.folds(ROWS, 3), "data must be of the type Dataset, got Rows"),
    "rows to sweep": (lambda: fs.sweep(ROWS, {}, PLAN), "data must be of the type Dataset, got Rows"),
    "rows to verify on": (
        lambda: fs.verify(small_engine("scratch", PLAN), "nn", ROWS),
        "data must be of the type Dataset, got Rows",
    ),
    "a name for an engine of steps": (lambda: next(fs.steps("nn", DATA, PLAN)), "engine must be of the type Engine"),
    "rows to step through": (lambda: next(fs.steps(ENGINE, ROWS, PLAN)), "data must be of the type Dataset, got Rows"),
    "no plan of steps": (lambda: next(fs.steps(ENGINE, DATA, None)), "plan must be of the type TrainPlan"),
    "a start that is no number": (lambda: next(fs.steps(ENGINE, DATA, PLAN, "2")), "start must be 0 to .* got '2'"),
    "a name to explain": (lambda: fs.explain("scratch", ROWS), "engine must be of the type Engine, got str"),
    "data to explain": (
        lambda: fs.explain(ENGINE, DATA),
        "batch must be of the type Batch, got Dataset; pass some rows",
    ),
    "a layer by its name": (lambda: fs.explain(ENGINE, ROWS, "linear"), "layer must be a layer's number, .* got 'lin"),
    "rows to draw": (lambda: fs.plot(ENGINE, "network", data=ROWS), "data must be of the type Dataset, got Rows"),
    "nothing to draw": (lambda: fs.plot([]), "source must be at least one run or network"),
    "rows to diagnose": (lambda: fs.diagnose(ENGINE, ROWS), "data must be of the type Dataset, got Rows"),
    "a run to evaluate": (lambda: fs.evaluate("runs/a", ROWS), "engine must be of the type Engine, got str"),
    "no seed of folds": (lambda: fs.folds(DATA, 3, None), "seed must be a whole number of at least 0, got None"),
    "one engine": (lambda: fs.ensemble_of(ENGINE), "engines must be at least one engine"),
    "a number for ranks": (
        lambda: fs.fit(SPEC, DATA, PLAN, "scratch", device="cpu", ranks=4),
        "ranks must be of the type Ranks, got int; join those",
    ),
    "no metrics": (lambda: fs.TrainPlan(metrics=None), "metrics must be a name or a list of names, got None"),
    "no names": (lambda: fs.TrainPlan(no_decay=None), "no_decay must be a name or a list of names, got None"),
    "no sampler": (lambda: fs.SweepPlan(sampler=None), "sampler must be one of .* got None"),
    "a dictionary to compare": (lambda: fs.verify(ENGINE, {}, DATA), "a choice must be a name .* got {}"),
    "two names to compare": (lambda: fs.verify("nn", "scratch", DATA), "one must be an engine or a module, got 'nn'"),
    "a list to sweep over": (
        lambda: fs.sweep(DATA, ["lr"], PLAN),
        "space must be of the type Mapping, got list; write",
    ),
    "a number of networks": (lambda: fs.sweep(DATA, {"lr": [1, 2]}, PLAN, 8), "how must be of the type SweepPlan, got"),
    "sparse rows": (lambda: fs.Rows(torch.eye(3).to_sparse(), [0, 1, 2]), "x must hold real numbers in a dense tensor"),
    "complex rows": (lambda: fs.Rows(torch.ones(3, 2) * 1j, [0, 1, 2]), "x must .* got complex numbers"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_an_argument_of_another_type_is_named_in_one_sentence(wrong: str) -> None:
    call, message = WRONG[wrong]
    with pytest.raises(fs.InputError, match=message):
        call()


@pytest.mark.parametrize("name", ["../../evil", "a/b", "a\\b", "a\0b"])
def test_a_run_is_not_written_outside_its_folder_by_the_name_of_the_data(name: str) -> None:
    with pytest.raises(fs.InputError, match="name of the data must be one that can be a folder's"):
        fs.fit(SPEC, replace(DATA, name=name), PLAN, "scratch", device="cpu")


def test_a_warning_of_fit_and_train_points_at_the_callers_line() -> None:
    engine = small_engine("scratch", PLAN)
    engine.load_weights({name: torch.zeros_like(value) for name, value in engine.named_parameters().items()})
    with pytest.warns(UserWarning, match="should begin different from each other") as caught:
        next(fs.train(engine, DATA, PLAN))
    assert caught[0].filename == __file__


def test_a_fleet_takes_a_device_of_torch_and_refuses_another_type() -> None:
    assert len(fs.fit_many(SPEC, DATA, [PLAN], "scratch", device=torch.device("cpu"))) == 1
    with pytest.raises(fs.InputError, match=r"device must be one of .* got 'None'"):
        fs.fit_many(SPEC, DATA, [PLAN], "scratch", device=None)  # type: ignore[arg-type]


def test_a_sweep_takes_a_device_of_torch() -> None:
    assert fs.SweepPlan(device=torch.device("cpu")) == fs.SweepPlan(device="cpu")  # type: ignore[arg-type]


def test_a_fleet_takes_a_generator_of_plans() -> None:
    plans = (small_plan(seed=seed) for seed in range(2))
    assert len(fs.fit_many(SPEC, DATA, plans, "scratch", device="cpu")) == 2  # type: ignore[arg-type]


def test_writing_into_the_options_of_a_choice_changes_no_choice() -> None:
    choice = Choice.parse("sgd:momentum=0.9")
    choice.options["momentum"] = 0.5
    choice.options.clear()
    assert choice.options == Choice.parse("sgd:momentum=0.9").options == {"momentum": 0.9}
    with pytest.raises(dataclasses.FrozenInstanceError):
        choice.options = {}  # type: ignore[misc]


def test_the_options_of_a_choice_are_an_ordinary_dictionary() -> None:
    options = Choice("sgd", momentum=0.9).options
    assert json.loads(json.dumps(options)) == options.copy() == {"momentum": 0.9}
    assert options | {"nesterov": True} == {"momentum": 0.9, "nesterov": True}


@pytest.mark.parametrize("one", [PLAN, fs.TrainPlan(optimizer="sgd:momentum=0.9"), SPEC])
def test_plans_and_networks_go_to_json(one: fs.TrainPlan | fs.NetSpec) -> None:
    read = json.loads(json.dumps(dataclasses.asdict(one)))
    choice = one.optimizer if isinstance(one, fs.TrainPlan) else one.layers[0]
    assert isinstance(choice, Choice)
    assert {"name": choice.name, "options": choice.options} in (read.get("optimizer"), *read.get("layers", ()))


@pytest.mark.parametrize("again", [copy.deepcopy, copy.copy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_choice_is_equal_to_its_copy(again: Callable[[Choice], Choice]) -> None:
    choice = Choice("sgd", momentum=0.9)
    assert again(choice) == choice
    assert again(choice) != Choice("sgd", momentum=0.5)


@pytest.mark.parametrize("value", [math.inf, -math.inf, "inf", "nan"])
def test_an_infinite_option_and_its_name_read_back_as_they_were(value: object) -> None:
    assert Choice.parse(str(Choice("z", k=value))).options["k"] == value
