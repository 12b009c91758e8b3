"""The kernel that takes small networks through a block of steps, interpreted: network k is what it is alone."""

from typing import Any

import pytest
import torch

from fivestep.draws import Draws, generator
from fivestep.engines._batched import compiled
from fivestep.engines._batched.drawn import bits_of_steps, uniform_rows
from fivestep.fleet import fit_many
from tests.interpreter import needs_interpreter
from tests.kernels import FLEETS, NO_NUMBERS, assert_the_same_networks, batch_without_a_number, fleet_of
from tests.samples import small_net, small_plan, three_classes

pytestmark = needs_interpreter


@pytest.mark.parametrize("options", [pytest.param(options, id=name) for name, options in FLEETS.items()])
def test_the_kernel_knows_every_item_of_the_compiled_body(options: dict[str, Any]) -> None:
    """In float64, in which its formulas are those of the items to rounding."""
    spec, data, plans = fleet_of(options)
    members = fit_many(spec, data, plans, "scratch", dtype="float64", device="cpu", every=1)
    assert {member.how for member in members} == {"in a batch of 2 on cpu, by one kernel"}
    assert_the_same_networks(members, spec)


@pytest.mark.parametrize("options", NO_NUMBERS, ids=str)
def test_what_is_no_number_is_none_after_the_step_either(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = batch_without_a_number(options, "cpu")
    monkeypatch.setattr(compiled, "DEVICES", ())
    steps = batch_without_a_number(options, "cpu")
    assert [of.how for of in (kernel, steps)] == ["by one kernel", "step by step"]
    assert torch.equal(kernel.flat.isnan(), steps.flat.isnan())
    assert steps.flat.isnan().any(1).tolist() == [True, False]


@pytest.mark.parametrize("count", [3, 650])
def test_numbers_drawn_on_the_device_are_those_of_torch(count: int) -> None:
    """To the bit, also beyond the 624 that a state holds, and for seeds of more than 32 bits."""
    seeds = [0, 1, 2**32 - 1, 2**63 + 12345, 7]
    drawn = uniform_rows(seeds, count, torch.device("cpu"))
    assert drawn is not None
    expected = [torch.empty(count).uniform_(generator=generator(seed)) for seed in seeds]
    assert torch.equal(drawn, torch.stack(expected))


@pytest.mark.parametrize("count", [1, 30])
def test_bits_drawn_on_the_device_are_those_of_draws(count: int) -> None:
    """To the bit, for seeds and steps whose product has more than 64 bits too."""
    seeds, steps, layer = [0, 1, 2**32 - 1, 2**63 + 12345], range(6, 9), 2
    drawn = bits_of_steps(seeds, steps, layer, count, torch.device("cpu"))
    assert drawn is not None
    for s, step in enumerate(steps):
        for k, seed in enumerate(seeds):
            of_one = Draws(seed)
            of_one.step = step
            assert torch.equal(drawn[s, k], of_one.bits(layer, torch.empty(count)))


def test_a_batch_that_drops_is_given_its_bits_by_the_device() -> None:
    """Steps of 7 rows and of 5: bits are laid out for the larger ones."""
    spec, data = small_net(dropout=0.3), three_classes(40)
    plans = [small_plan(seed=seed, epochs=2, batch_size=7) for seed in range(3)]
    members = fit_many(spec, data, plans, "scratch", dtype="float64", device="cpu", every=1)
    assert {member.how for member in members} == {"in a batch of 3 on cpu, step by step"}
    assert_the_same_networks(members, spec)


@pytest.mark.parametrize("at_a_time", [16, 64])
@pytest.mark.parametrize("options", [FLEETS["limits"], {"optimizer": "adam"}], ids=["limits", "adam"])
def test_parameters_are_moved_part_after_part(
    options: dict[str, Any], at_a_time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The 43 parameters as three parts, the last one not full, and as one: norms and L2 terms are those of all."""
    monkeypatch.setattr(compiled, "PARAMETERS_AT_A_TIME", at_a_time)
    spec, data, plans = fleet_of(options)
    assert_the_same_networks(fit_many(spec, data, plans, "scratch", dtype="float64", device="cpu", every=1), spec)


@pytest.mark.parametrize(
    ("numbers", "num_rows", "itemsize", "expected"),
    [
        pytest.param(4, 200, 4, {"BLOCK": 256}, id="2-8-1"),
        pytest.param(12, 200, 4, {"BLOCK": 256, "maxnreg": 128}, id="10-32-1"),
        pytest.param(12, 50, 4, {"BLOCK": 64}, id="few rows"),
        pytest.param(12, 200, 8, {"BLOCK": 128}, id="float64"),
        pytest.param(32, 200, 4, {"BLOCK": 64}, id="16 inputs, 8 outputs"),
        pytest.param(32, 3, 8, {"BLOCK": 32}, id="never fewer rows than threads"),
    ],
)
def test_a_tile_has_as_many_rows_as_registers_have_room_for(
    numbers: int, num_rows: int, itemsize: int, expected: dict[str, int]
) -> None:
    assert compiled.rows_at_a_time(numbers, num_rows, itemsize) == expected
