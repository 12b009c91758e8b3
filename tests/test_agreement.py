"""Ranks that are not about to do the same are told so before the first step, all of them."""

from dataclasses import replace
from typing import Any

import pytest

import fivestep.agreement
from fivestep.check import InputError
from fivestep.engines._make import make_engine
from fivestep.ranks import Ranks
from fivestep.train import train
from tests.samples import small_net, small_plan, three_classes
from tests.together import together


def begun(ranks: Ranks, what: str) -> None:
    """Rank 1 differs in one thing."""
    plan, spec, data, differs = small_plan(), small_net(), three_classes(), ranks.rank == 1
    if differs and what == "plan":
        plan = replace(plan, lr=0.2)
    if differs and what == "network":
        spec = small_net(activation="relu")
    if differs and what == "rows":
        data.train.stored[7, 2] += 1e-9
    if differs and what == "code":
        fivestep.agreement._code = lambda: "of yesterday"
    engine = make_engine("scratch", spec, plan, ranks=ranks)
    if differs and what == "weights":
        engine.params.flat[3] += 1
    next(train(engine, data, plan))


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("plan", r"the plan's lr must be the same on all ranks, got 0.1 on rank 0 \(\S+\) and 0.2 on rank 1 \(\S+\); "),
        ("network", r"the network's layers must be the same on all ranks, got .* on rank 0 .*; start all ranks with"),
        (
            "rows",
            r"the train rows must be the same on all ranks, got float64\[50, 4\] int64\[50\] [0-9a-f]{8} on rank 0",
        ),
        (
            "code",
            r"the code of fivestep must be the same on all ranks, got [0-9a-f]{12} on rank 0 .* and of yesterday on",
        ),
        ("weights", r"the state of the engine must be the same on all ranks, got [0-9a-f]{8} on rank 0"),
    ],
)
def test_what_differs_is_named_on_all_ranks(what: str, sentence: str) -> None:
    for error in together(begun, 2, what):
        assert isinstance(error, InputError)
        with pytest.raises(InputError, match=sentence):
            raise error


def with_batches(ranks: Ranks, options: dict[str, Any], norm: str | None) -> str:
    engine = make_engine("scratch", small_net(norm=norm), small_plan(**options), ranks=ranks)
    next(train(engine, three_classes(), engine.plan))
    return "trained"


@pytest.mark.parametrize(
    ("options", "norm", "sentence"),
    [
        ({"batch_size": 2}, None, "batch_size must be at least 3, one row for each rank, got 2; start fewer, or make"),
        ({"batch_size": 16}, "batch_norm", "must have a row for each of 3 ranks .* got one of 2; choose another"),
        (
            {"batch_size": 25, "micro_batch_size": 12},
            "batch_norm",
            "must have a row for each of 3 ranks .* got one of 1",
        ),
    ],
)
def test_more_ranks_than_rows_are_refused_on_all(options: dict[str, Any], norm: str | None, sentence: str) -> None:
    for error in together(with_batches, 3, options, norm):
        assert isinstance(error, InputError)
        with pytest.raises(InputError, match=sentence):
            raise error


def test_a_last_batch_of_fewer_rows_than_ranks_is_trained() -> None:
    assert together(with_batches, 3, {"batch_size": 16}, None) == ["trained"] * 3


def test_ranks_that_agree_train() -> None:
    assert together(begun, 2, "nothing") == [None, None]
