"""Loops that are right: nothing is found, and they compute what they compute without being watched."""

import pytest
import torch

import fivestep as fs
from tests.doctor.correct import LOOPS, Numbers


def run(name: str) -> Numbers:
    torch.manual_seed(0)
    return LOOPS[name]()


@pytest.mark.parametrize("name", LOOPS)
def test_nothing_is_found_and_no_bit_is_another(name: str) -> None:
    alone = run(name)
    with fs.watch() as seen:
        watched = run(name)
    assert seen.findings == ()
    assert watched == alone


@pytest.mark.parametrize("name", [name for name in LOOPS if name != "functional"])
def test_all_could_be_seen(name: str) -> None:
    with fs.watch() as seen:
        run(name)
    assert dict(seen.record.unseen) == {}


def test_what_cannot_be_seen_is_said_and_does_no_harm() -> None:
    with fs.watch() as seen:
        run("functional")
    assert "Could not be looked at" in str(seen)
    assert "vmap" in str(seen)
