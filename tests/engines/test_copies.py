"""Engines that are copied, pickled, sent to other processes."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch

from fivestep.averages import to_prediction
from tests.samples import ENGINES, do_steps, small_engine, small_net, small_plan, three_classes

PLANS = {
    "adam": {"optimizer": "adam"},
    "an average": {"optimizer": "adam", "ema": 0.9},
    "batch norm": {"optimizer": "sgd", "momentum": 0.9, "lr_factors": {"bias": 2.0}},
}


def begun(name: str, what: str) -> tuple[Any, Any]:
    plan = small_plan(**PLANS[what])
    engine = small_engine(name, plan, small_net(norm="batch_norm") if what == "batch norm" else small_net(dropout=0.2))
    do_steps(engine, three_classes(), plan, 1, 5)
    to_prediction(engine)
    return engine, plan


@pytest.mark.parametrize("what", PLANS)
@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(
    "again", [copy.deepcopy, lambda engine: pickle.loads(pickle.dumps(engine))], ids=["copy", "pickle"]
)
def test_a_copy_predicts_the_same_and_goes_on_to_the_same(name: str, what: str, again: Callable[[Any], Any]) -> None:
    engine, plan = begun(name, what)
    data, x = three_classes(), three_classes().train.x
    other = again(engine)
    assert type(other) is type(engine)
    assert torch.equal(other.predict(x), engine.predict(x))
    do_steps(engine, data, plan, 6, 9)
    do_steps(other, data, plan, 6, 9)
    assert torch.equal(other.params.flat, engine.params.flat)
    assert torch.equal(other.params.buffers, engine.params.buffers)
    assert torch.equal(other.predict(x), engine.predict(x))


@pytest.mark.parametrize("name", ENGINES)
def test_a_copy_is_one_by_itself(name: str) -> None:
    engine, plan = begun(name, "adam")
    before = {key: value.clone() for key, value in engine.state().items()}
    do_steps(copy.deepcopy(engine), three_classes(), plan, 6, 9)
    assert all(torch.equal(value, before[key]) for key, value in engine.state().items())
    assert engine.num_updates == 5
