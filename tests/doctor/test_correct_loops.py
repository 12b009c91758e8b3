"""Loops that are right: nothing is found, and they compute what they compute without being watched."""

import pytest
import torch

import fivestep as fs
from tests.doctor.correct import LOOPS, Numbers


def run(name: str) -> Numbers:
    torch.manual_seed(0)
    return LOOPS[name]()


@pytest.mark.parametrize("name", LOOPS)
def test_nothing_is_found_all_is_seen_and_no_bit_is_another(name: str) -> None:
    alone = run(name)
    with fs.watch() as seen:
        watched = run(name)
    assert seen.findings == ()
    assert watched == alone
    if name == "functional":  # what cannot be seen is said, and does no harm
        assert "Could not be looked at" in str(seen)
        assert "vmap" in str(seen)
    else:
        assert dict(seen.record.unseen) == {}
