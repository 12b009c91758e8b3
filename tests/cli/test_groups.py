"""`--lr-factor`, `--no-decay` and `--ema`."""

import json
import tomllib
from pathlib import Path

import pytest

import fivestep as fs
from tests.cli.conftest import Command

QUICK = ("train", "moons", "--epochs", 20, "--every", 10)


def test_groups_on_the_command_line_are_those_of_the_library(fivestep: Command, tmp_path: Path) -> None:
    options = ("--lr-factor", "bias=2", "--lr-factor", "0.weight=0.5", "--no-decay", "bias", "--weight-decay", 0.1)
    report = json.loads(fivestep(*QUICK, *options, "--ema", 0.9, "--json").out)
    plan = fs.TrainPlan(
        loss="binary_cross_entropy",
        optimizer="adam",
        lr=0.05,
        batch_size=None,
        epochs=20,
        lr_factors={"bias": 2.0, "0.weight": 0.5},
        no_decay=("bias",),
        weight_decay=0.1,
        ema=0.9,
    )
    data = fs.load_dataset("moons")
    engine = fs.make_engine("scratch", fs.MLP(2, 8, 1), plan, device="cpu")
    *_, last = fs.train(engine, data, plan, every=10)
    assert report["train_loss"] == last.train_loss
    config = tomllib.loads((tmp_path / "runs" / "moons-1" / "config.toml").read_text())
    assert fs.TrainPlan.from_dict(config["plan"]) == plan


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--lr-factor", "bias"), "--lr-factor must be NAME=FACTOR, got 'bias'; write for example bias=2."),
        (("--lr-factor", "bias=two"), "--lr-factor must be NAME=FACTOR, got 'bias=two'"),
        (("--lr-factor", "bias=0"), "lr_factors['bias'] must be a finite number greater than 0, got 0.0"),
        (("--lr-factor", "bais=2"), "got 'bais'; did you mean 'bias'?"),
        (("--no-decay", "wieght"), "got 'wieght'; did you mean 'weight'?"),
        (("--ema", "1"), "ema must be a number in [0, 1), got 1.0; 0.999 is usual."),
    ],
    ids=lambda value: "=".join(value) if isinstance(value, tuple) else "",
)
def test_bad_groups_end_in_one_sentence(fivestep: Command, options: tuple[str, ...], sentence: str) -> None:
    code, _, err = fivestep(*QUICK, *options)
    assert code == 2
    assert sentence in err


def test_lbfgs_with_mini_batches_ends_in_one_sentence(fivestep: Command) -> None:
    code, _, err = fivestep(*QUICK, "--optimizer", "lbfgs", "--batch-size", 50)
    assert code == 2
    assert "batch_size must be the full batch with optimizer 'lbfgs'" in err


@pytest.mark.parametrize("schedule", ["warmup:steps=5,then=cosine", "one_cycle", "plateau:patience=0"])
def test_schedules_are_chosen_by_name(fivestep: Command, schedule: str) -> None:
    assert fivestep(*QUICK, "--schedule", schedule).code == 0
