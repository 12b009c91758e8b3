"""The configuration of a run as plain values: read back the same, and never trusted."""

from typing import Any

import pytest

from fivestep.check import InputError
from fivestep.plan import TrainPlan
from fivestep.saved.config import Config
from tests.samples import small_engine, small_net, small_plan

INFO = {"task": "moons", "class_names": ["no", "yes"], "input_scale": 0.5, "valid": 20}


def config(plan: TrainPlan | None = None) -> Config:
    plan = plan or small_plan(optimizer="adam:betas=(0.8, 0.9)", batch_size=None, metrics=("f1",))
    return Config.of(small_engine("nn", plan, small_net(dropout=0.2)), plan, INFO)


def test_a_configuration_reads_back_the_same() -> None:
    assert Config.from_dict(config().to_dict(), "config.toml") == config()


def test_its_engine_is_the_one_that_it_names() -> None:
    engine = config().make_engine()
    assert (engine.name, str(engine.dtype), str(engine.device)) == ("nn", "torch.float64", "cpu")


@pytest.mark.parametrize("values", [None, 3, [], {}, {"version": 1}, {"version": 1, "run": {}}], ids=repr)
def test_what_is_no_configuration_is_refused_in_one_sentence(values: Any) -> None:
    with pytest.raises(InputError, match=r"^config\.toml must be as fivestep wrote it, got [^\n]*; train again\.$"):
        Config.from_dict(values, "config.toml")


@pytest.mark.parametrize("key", ["version", "run", "engine", "net", "plan"])
def test_a_part_that_is_missing_is_named(key: str) -> None:
    values = {name: part for name, part in config().to_dict().items() if name != key}
    with pytest.raises(
        InputError, match=rf"^config\.toml must be as fivestep wrote it, got it without '{key}'; train again"
    ):
        Config.from_dict(values, "config.toml")


@pytest.mark.parametrize(
    ("key", "value"),
    [("task", 3), ("task", "\x1b]0;mine\x07"), ("class_names", "no"), ("class_names", [1, 2]), ("input_scale", "half")],
)
def test_what_a_run_says_of_itself_is_of_the_right_type(key: str, value: Any) -> None:
    values = config().to_dict()
    values["run"] = {**values["run"], key: value}
    with pytest.raises(InputError, match=r"config\.toml must be as fivestep wrote it") as caught:
        Config.from_dict(values, "config.toml")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("net", {"layers": ["linear:out_features=1000000000000", "linear"]}),
        ("net", {"in_features": 10**13}),
        ("plan", {"optimizer": "lbfgs:history=1000000000000"}),
    ],
    ids=["layer", "inputs", "memory"],
)
def test_a_network_that_no_machine_can_hold_is_refused_before_it_is_made(part: str, changes: dict[str, Any]) -> None:
    values = config(small_plan()).to_dict()
    values[part] = {**values[part], **changes}
    with pytest.raises(InputError, match=r"the network of the run must fit into this machine's \d+ GiB, got one of"):
        Config.from_dict(values, "config.toml")
