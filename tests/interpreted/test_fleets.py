"""The kernel that takes small networks through a block of steps, interpreted: network k is what it is alone."""

from typing import Any

import pytest

from fivestep.fleet import fit_many
from tests.interpreter import needs_interpreter
from tests.kernels import ACTIVATIONS, FLEETS, assert_the_same_networks, fleet_of

pytestmark = needs_interpreter

SLOW = {f"activation {name}" for name in ACTIVATIONS}
"""The formulas that `test_tiles.py` takes one by one."""


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(options, id=name, marks=pytest.mark.slow if name in SLOW else ())
        for name, options in FLEETS.items()
    ],
)
def test_the_kernel_knows_every_item_of_the_compiled_body(options: dict[str, Any]) -> None:
    """In float64, in which its formulas are those of the items to rounding."""
    spec, data, plans = fleet_of(options)
    members = fit_many(spec, data, plans, "scratch", dtype="float64", device="cpu", every=1)
    assert {member.how for member in members} == {"in a batch of 2 on cpu, by one kernel"}
    assert_the_same_networks(members, spec)
