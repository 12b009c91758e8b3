"""Why a network does not learn: trainings that are broken on purpose, and such as are in order."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
import torch
from sklearn.datasets import load_wine
from torch import Tensor

import fivestep as fs
from fivestep.cli._app import app
from fivestep.datasets._base import Dataset, Rows
from fivestep.diagnosis import Diagnosis, diagnose, diagnosis_of
from fivestep.diagnosis._evidence import constant_that_is_better, evidence_of
from fivestep.diagnosis._trials import ENOUGH, Change, changes
from fivestep.engines._engine import Engine
from fivestep.find import Choice
from fivestep.net import MLP, NetSpec
from fivestep.pictures._base import Subject
from fivestep.pictures._plot import subject_of

DEEP = (64,) * 20


def stream() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def shuffled(rows: Rows | None) -> Rows | None:
    return None if rows is None else Rows(rows.x, rows.y[torch.randperm(len(rows), generator=stream())])


def digits() -> Dataset:
    return fs.load_dataset("digits")


def moons() -> Dataset:
    return fs.load_dataset("moons")


def labels_shuffled() -> Dataset:
    data = digits()
    train = shuffled(data.train)
    assert train is not None
    return replace(data, train=train, valid=shuffled(data.valid), test=shuffled(data.test))


def labels_shuffled_in_training() -> Dataset:
    data = digits()
    train = shuffled(data.train)
    assert train is not None
    return replace(data, train=train)


def raw_wine() -> Dataset:
    x, y = load_wine(return_X_y=True)
    order = torch.randperm(len(x), generator=stream()).numpy()
    x, y = x[order].astype("float32"), y[order]
    return Dataset(Rows(x[:120], y[:120]), Rows(x[120:], y[120:]), num_outputs=3, name="raw wine")


def copies_held_out() -> Dataset:
    data = digits()
    assert data.valid is not None
    x, y = torch.cat([data.valid.x, data.train.x[:60]]), torch.cat([data.valid.y, data.train.y[:60]])
    return replace(data, valid=Rows(x, y))


def random_rows() -> Tensor:
    return torch.randn(1500, 5, generator=stream())


def rare() -> Dataset:
    x = random_rows()
    y = (x[:, 0] + 0.5 * torch.randn(1500, generator=stream()) > 2.2).float()
    return Dataset(Rows(x, y), name="rare")


def rounded() -> Dataset:
    x = random_rows()[:, :2]
    return Dataset(Rows(x.round(), (x[:, 0] > 0.2).float()), name="rounded")


def one_answer() -> Dataset:
    return Dataset(Rows(random_rows(), torch.ones(1500)), name="one answer")


def far_targets() -> Dataset:
    data = fs.load_dataset("diabetes")
    return Dataset(Rows(data.train.x, data.train.y * 80 + 1500), name="far targets")


class Broken(NamedTuple):
    data: Callable[[], Dataset]
    spec: NetSpec
    options: dict[str, Any]
    signs: tuple[str, ...]
    first_of_trials: str = ""


YES_NO: dict[str, Any] = {"loss": "binary_cross_entropy", "optimizer": "adam", "batch_size": 64, "lr": 0.01}
MOONS: dict[str, Any] = {**YES_NO, "batch_size": None, "epochs": 300}
CLASSES: dict[str, Any] = {"optimizer": "adam", "lr": 1e-3, "batch_size": 64, "epochs": 10}
NOTHING = "nothing learned"
BROKEN = {
    "rate too low": Broken(moons, MLP(2, 8, 1), {**MOONS, "lr": 1e-6}, (NOTHING, "learning rate"), "learning rate"),
    "rate too high": Broken(moons, MLP(2, 8, 1), {**MOONS, "lr": 50.0}, (NOTHING, "learning rate"), "learning rate"),
    "ReLUs that die": Broken(
        digits,
        MLP(64, 64, 10),
        {**CLASSES, "optimizer": "sgd", "lr": 30.0},
        (NOTHING, "dead units", "learning rate"),
        "learning rate",
    ),
    "saturated tanh": Broken(
        moons,
        MLP(2, 8, 1, activation="tanh", init="normal:std=100"),
        MOONS,
        ("saturated start", "wild start", "initialization"),
        "initialization",
    ),
    "inputs of other sizes": Broken(
        raw_wine,
        MLP(13, 16, 3),
        {**CLASSES, "optimizer": "sgd", "lr": 0.01, "batch_size": 16, "epochs": 50},
        (NOTHING, "wild start", "size of the inputs"),
        "size of the inputs",
    ),
    "targets of another size": Broken(
        far_targets,
        MLP(10, 16, 1),
        {**CLASSES, "loss": "mse"},
        (NOTHING, "size of the targets"),
    ),
    "labels shuffled": Broken(labels_shuffled, MLP(64, 64, 10), {**CLASSES, "epochs": 40}, ("no signal",)),
    "labels of the training part shuffled": Broken(
        labels_shuffled_in_training, MLP(64, 64, 10), {**CLASSES, "epochs": 40}, ("no signal",)
    ),
    "zeros": Broken(
        moons,
        MLP(2, 8, 1, init="zeros"),
        {**MOONS, "epochs": 50},
        (NOTHING, "units alike", "dead units", "initialization"),
        "initialization",
    ),
    "copies in two parts": Broken(copies_held_out, MLP(64, 64, 10), CLASSES, ("rows in two parts",)),
    "a rare class": Broken(rare, MLP(5, 16, 1), {**YES_NO, "epochs": 3}, ("never answered",)),
    "rounded inputs": Broken(rounded, MLP(2, 16, 1), {**YES_NO, "epochs": 20}, ("contradictions",)),
    "one answer": Broken(one_answer, MLP(5, 16, 1), {**YES_NO, "epochs": 2}, ("one answer",)),
    "vanishing at depth 20": Broken(
        digits,
        MLP(64, *DEEP, 10, activation="sigmoid"),
        {**CLASSES, "epochs": 3},
        (NOTHING, "vanishing gradient", "depth"),
        "depth",
    ),
    "exploding at depth 20": Broken(
        digits,
        MLP(64, *DEEP, 10, init="normal:std=1"),
        {**CLASSES, "epochs": 3},
        ("exploding gradient", "wild start", "initialization"),
    ),
    "too much decay": Broken(
        digits, MLP(64, 64, 10), {**CLASSES, "optimizer": "adamw", "weight_decay": 30.0, "lr": 0.01}, ("weight decay",)
    ),
    "too much dropout": Broken(digits, MLP(64, 16, 10, dropout=0.9), CLASSES, ("dropout",)),
    "no hidden layer": Broken(
        lambda: fs.load_dataset("xor"),
        fs.LinearRegression(2),
        {**MOONS, "lr": 0.05, "epochs": 200},
        (NOTHING, "hidden layer"),
        "hidden layer",
    ),
}
QUICK = ("rate too low", "inputs of other sizes", "labels shuffled", "zeros", "copies in two parts", "one answer")
HEALTHY: dict[str, tuple[str, NetSpec, dict[str, Any]]] = {
    "digits": ("digits", MLP(64, 64, 10), {**CLASSES, "lr": 0.005}),
    "moons": ("moons", MLP(2, 8, 1), {**MOONS, "lr": 0.05}),
    "moons, linear": ("moons", fs.LinearRegression(2), {**MOONS, "optimizer": "sgd", "lr": 0.1, "epochs": 1000}),
    "diabetes": ("diabetes", MLP(10, 16, 1), {**CLASSES, "loss": "mse", "lr": 0.01}),
    "sum, fresh rows": (
        "sum",
        MLP(10, 32, 1),
        {**CLASSES, "loss": "mse", "lr": 0.01, "batch_size": 100, "epochs": 5},
    ),
    "digits, tanh, batch norm": ("digits", MLP(64, 64, 10, activation="tanh", norm="batch_norm"), CLASSES),
    "wine": ("wine", MLP(13, 16, 3), {**CLASSES, "lr": 0.01, "batch_size": 16}),
    "spirals": ("spirals", MLP(2, 64, 64, 1, activation="tanh"), {**MOONS, "lr": 0.01, "epochs": 500}),
}


def trained(data: Dataset, spec: NetSpec, options: dict[str, Any]) -> Engine:
    plan = fs.TrainPlan(**options)
    engine = fs.make_engine("scratch", spec, plan, device="cpu")
    for _ in fs.train(engine, data, plan, every=plan.epochs):
        pass
    return engine


def signs(found: Diagnosis) -> list[str]:
    return [one.sign for one in found.findings]


@pytest.mark.filterwarnings("ignore:the weights of a network with hidden layers")
@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in BROKEN])
def test_what_is_broken_is_named(name: str) -> None:
    data, spec, options, expected, first = BROKEN[name]
    rows = data()
    found = diagnose(trained(rows, spec, options), rows)
    assert set(expected) <= set(signs(found)), str(found)
    helped = [sign for sign in signs(found) if sign in {trial.name for trial in found.trials}]
    assert helped[:1] == ([first] if first else helped[:1]), str(found)


@pytest.mark.parametrize("name", HEALTHY)
def test_of_a_training_in_order_nothing_is_said(name: str) -> None:
    task, spec, options = HEALTHY[name]
    data = fs.load_dataset(task)
    found = diagnose(trained(data, spec, options), data)
    assert signs(found) == [], str(found)
    assert str(found).endswith("Nothing was found that keeps it from learning.")


@pytest.mark.slow
def test_what_helped_did_so() -> None:
    """The rate that a trial names trains to the loss that it says."""
    data, (_, spec, options, *_) = moons(), BROKEN["rate too low"]
    best = diagnose(trained(data, spec, options), data).trials[0]
    rate = float(best.options.removeprefix("--lr "))
    again = trained(data, spec, {**options, "lr": rate, "epochs": best.steps})
    assert fs.evaluate(again, data.train).loss == best.train_loss


@pytest.mark.slow
def test_targets_of_another_size_are_measured_in_the_unit_of_the_run() -> None:
    """A trial on standardized targets has the loss of the same network on the targets as they are."""
    data, (_, spec, options, *_) = far_targets(), BROKEN["targets of another size"]
    found = diagnose(trained(data, spec, options), data)
    trial = next(one for one in found.trials if one.name == "size of the targets")
    y = data.train.y.double()
    mean, deviation = y.mean(), y.std(correction=0)
    scaled = replace(data, train=Rows(data.train.x, ((y - mean) / deviation).float()))
    per_epoch = fs.TrainPlan(**options).steps_per_epoch(data.num_rows)
    assert trial.steps % per_epoch == 0
    again = trained(scaled, spec, {**options, "epochs": trial.steps // per_epoch})
    answers = again.predict(data.train.x)[:, 0] * deviation + mean
    assert trial.train_loss == pytest.approx((answers - y).square().mean().item(), rel=1e-4)  # float32 of 1500


def test_a_rare_class_that_counts_for_more_is_no_loss() -> None:
    """In training rows weigh as much as their class, so that is how losses are measured, those of a guess too."""
    y = (torch.arange(1500) % 33 == 0).long()
    x = random_rows() + 1.5 * y[:, None] * torch.tensor([1.0, 0.0, 0.0, 0.0, 0.0])
    data = Dataset(Rows(x[:1000], y[:1000]), Rows(x[1000:], y[1000:]), name="a rare class", num_outputs=2)
    options = {**CLASSES, "lr": 0.01, "epochs": 20, "class_weight": "balanced"}
    engine = trained(data, MLP(5, 16, 2), options)
    found = diagnose(engine, data)
    assert found.constant_loss == pytest.approx(math.log(2), rel=1e-6)  # both classes weigh the same
    assert not {NOTHING, "no signal"} & set(signs(found)), str(found)
    assert constant_that_is_better(engine, data) is None


def test_rows_without_weight_contradict_nobody() -> None:
    x = random_rows()
    y = (x[:, 0] > 0).float()
    weight = torch.cat([torch.ones(len(x)), torch.zeros(len(x))])
    data = Dataset(Rows(torch.cat([x, x]), torch.cat([y, 1 - y]), weight), name="copies that do not count")
    assert signs(diagnose(trained(data, MLP(5, 16, 1), {**YES_NO, "epochs": 30}), data)) == []


def test_contradictions_weigh_what_their_rows_do() -> None:
    x, y = torch.zeros(400, 1), torch.arange(400) % 2 == 0
    x[200:] = 1.0
    weight = torch.where(y, 3.0, 1.0)
    data = Dataset(Rows(x, y.float(), weight), name="chance")
    (found,) = [
        one
        for one in diagnose(trained(data, MLP(1, 4, 1), {**YES_NO, "epochs": 2}), data).findings
        if one.sign == "contradictions"
    ]
    assert "no network can get more than 0.7500 of the rows right" in found.seen


def test_rows_that_differ_in_float64_are_told_apart_there() -> None:
    x = 1.7e9 + torch.arange(300, dtype=torch.float64)[:, None]
    data = Dataset(Rows(x, (torch.arange(300) % 2).float()), name="seconds")
    plan = fs.TrainPlan(**{**YES_NO, "epochs": 2})
    engine = fs.make_engine("scratch", MLP(1, 4, 1), plan, dtype="float64", device="cpu")
    list(fs.train(engine, data, plan))
    assert "contradictions" not in signs(diagnose(engine, data))


def test_where_there_is_one_answer_nothing_else_is_said() -> None:
    data = Dataset(Rows(random_rows(), torch.ones(1500, 1)), name="one answer")
    found = diagnose(trained(data, MLP(5, 16, 1), {**CLASSES, "loss": "mse", "epochs": 2}), data)
    assert signs(found) == ["one answer"]
    assert found.trials == ()


@pytest.mark.parametrize("name", ["targets of another size", "saturated tanh", "too much decay", "too much dropout"])
def test_what_may_be_tried_are_options_of_the_command(name: str) -> None:
    data, spec, options, *_ = BROKEN[name]
    rows, plan = data(), fs.TrainPlan(**options)
    engine = fs.make_engine("scratch", spec, plan, device="cpu")
    proposed = [change.options for change in changes(evidence_of(Subject(engine, rows)))]
    assert any(proposed)
    for words in proposed:
        app.parse_args(["train", "moons", *words.split()], exit_on_error=False, print_error=False)


def test_weights_of_the_best_epoch_are_called_so_and_what_was_learned_after_them_counts() -> None:
    """Of shuffled labels the first epochs are the best: by then nothing is learned, later all of it is memorized."""
    rows = labels_shuffled()
    plan = fs.TrainPlan(**{**CLASSES, "lr": 0.01, "epochs": 40, "restore_best": True})
    (member,) = fs.fit_many(MLP(64, 256, 10), rows, [plan], every=1)
    found = diagnose(member)
    assert min(epoch.train_loss for epoch in member.history) < 0.7 * found.constant_loss < found.train_loss
    assert "no signal" in signs(found), str(found)
    assert "in the best epoch, which is kept" in str(found)


@pytest.mark.parametrize("loss", ["mse", "huber"])
def test_targets_far_from_zero_are_not_without_signal(loss: str) -> None:
    x = random_rows()
    y = 1000 * x[:, :1] + 5000
    data = Dataset(Rows(x[:1000], y[:1000]), Rows(x[1000:], y[1000:]), name="far")
    found = diagnose(trained(data, MLP(5, 16, 1), {**CLASSES, "loss": loss, "epochs": 3}), data)
    assert NOTHING in signs(found)
    assert "no signal" not in signs(found)


def test_targets_of_several_columns_are_not_made_one() -> None:
    x = random_rows()
    data = Dataset(Rows(x, torch.stack([1000 * x[:, 0] + 5000, x[:, 1]], 1)), name="two columns")
    found = diagnose(trained(data, MLP(5, 16, 2), {**CLASSES, "loss": "mse", "epochs": 3}), data)
    assert "size of the targets" not in {trial.name for trial in found.trials}


def test_what_cannot_be_diagnosed_is_named() -> None:
    with pytest.raises(
        fs.InputError, match=r"source must be a run, its folder, a task's name, .* got MLPClassifier; .* model\.dataset"
    ):
        diagnose(fs.MLPClassifier())  # type: ignore[arg-type]


def test_it_leaves_no_trace_and_repeats() -> None:
    data, (_, spec, options, *_) = moons(), BROKEN["rate too low"]
    engine = trained(data, spec, options)
    before = {name: value.clone() for name, value in engine.state().items()}
    first, second = diagnose(engine, data), diagnose(engine, data)
    assert first == second
    assert all(torch.equal(value, before[name]) for name, value in engine.state().items())
    assert engine.num_updates == options["epochs"]


def test_a_training_with_little_left_to_gain_is_not_tried_again() -> None:
    data = digits()
    found = diagnose(trained(data, MLP(64, 64, 10), {**CLASSES, "epochs": 20}), data)
    assert found.train_loss < ENOUGH * found.constant_loss
    assert found.trials == ()


def test_first_layers_that_take_rows_in_their_own_way_are_left_alone() -> None:
    """Codes of categories and tokens are not scaled."""
    data = fs.load_dataset("next-token")
    spec = NetSpec(
        (Choice("embedding", num_embeddings=data.num_outputs, embedding_dim=4), Choice("flatten"), Choice("linear")),
        data.in_features,
        data.num_outputs,
    )
    found = diagnose(trained(data, spec, {**CLASSES, "lr": 1e-7, "epochs": 1}), data)
    assert "size of the inputs" not in {trial.name for trial in found.trials}
    assert "learning rate" in {trial.name for trial in found.trials}


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["lbfgs", "schedule_free_adamw", "muon"])
def test_every_kind_of_rule_is_taken(rule: str) -> None:
    data = moons()
    found = diagnose(trained(data, MLP(2, 8, 1), {**MOONS, "optimizer": rule, "lr": 1e-6, "epochs": 3}), data)
    assert NOTHING in signs(found)


def test_an_untrained_network_is_refused() -> None:
    data = moons()
    engine = fs.make_engine("scratch", MLP(2, 8, 1), fs.TrainPlan(**MOONS), device="cpu")
    with pytest.raises(fs.InputError, match="must be of a training, got the untrained 'moons'; run fivestep train"):
        diagnose(engine, data)


def test_several_networks_that_answer_together_are_refused() -> None:
    data = moons()
    both = fs.ensemble_of([trained(data, MLP(2, 8, 1), {**MOONS, "epochs": 2, "seed": seed}) for seed in (0, 1)])
    with pytest.raises(fs.InputError, match="must be of one network, got several that answer together; train one"):
        diagnose(both, data)


@pytest.mark.slow
def test_a_history_shows_where_it_turned() -> None:
    data, plan = moons(), fs.TrainPlan(**{**MOONS, "lr": 0.05, "epochs": 1000})
    (member,) = fs.fit_many(MLP(2, 32, 1, activation="tanh"), data, [plan], every=50)
    lowest = min(member.history, key=lambda epoch: epoch.valid_loss or 0)
    (found,) = [one for one in diagnose(member).findings if one.sign == "overfitting"]
    assert f"lowest after epoch {lowest.index}" in found.seen


def test_a_history_shows_that_it_ended_too_early() -> None:
    data, plan = digits(), fs.TrainPlan(**{**CLASSES, "optimizer": "sgd", "lr": 0.05, "epochs": 10})
    (member,) = fs.fit_many(MLP(64, 64, 10), data, [plan], every=1)
    assert "ended too early" in signs(diagnose(member))


@pytest.mark.slow
def test_each_training_that_is_tried_is_passed_on_to_what_shows_it() -> None:
    data, (_, spec, options, *_) = moons(), BROKEN["rate too low"]
    passed = []

    def each(work: Iterator[Change]) -> Iterator[Change]:
        for change in work:
            passed.append(change.words)
            yield change

    found = diagnosis_of(subject_of(trained(data, spec, options), data), each)
    assert passed
    assert sorted(passed) == sorted(trial.change for trial in found.trials)
