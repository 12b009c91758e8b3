"""The promises of docs/determinism.md that no other test holds; and each of its lines names a test that is there."""

import re
from pathlib import Path

import pytest
import torch

from fivestep.draws import Draws, order
from fivestep.engines._engine import initial_weights
from tests.runs import begun, differences, over_scenarios, remains, trained, without_pictures
from tests.samples import ENGINES, small_engine, small_net

PAGE = Path(__file__).parent.parent / "docs" / "determinism.md"


@pytest.mark.parametrize("name", ENGINES)
@over_scenarios
@pytest.mark.usefixtures("without_shape_checks")
def test_the_same_run_twice_is_the_same_to_the_bit(
    name: str, scenario: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever others drew in between from torch's global generator."""
    without_pictures(monkeypatch)
    first = trained(begun(name, scenario, tmp_path / "first"), scenario)
    torch.rand(7)
    second = trained(begun(name, scenario, tmp_path / "second"), scenario)
    assert differences(remains(second.path), remains(first.path)) == []


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ENGINES)
def test_initial_weights_are_the_same_in_every_engine_and_type(name: str, dtype: str) -> None:
    expected = initial_weights(small_net(), 1)
    weights = small_engine(name, dtype=dtype).named_parameters()
    assert {key: torch.equal(value.float(), expected[key]) for key, value in weights.items()} == dict.fromkeys(
        expected, True
    )


def test_orders_and_masks_are_functions_of_their_coordinates_alone() -> None:
    first, second = Draws(3), Draws(3)
    second.bits(0, torch.empty(9, 9))  # another draw before it changes nothing
    first.step = second.step = 5
    assert torch.equal(first.bits(2, torch.empty(4, 6)), second.bits(2, torch.empty(4, 6)))
    assert torch.equal(order(3, 2, 50), order(3, 2, 50))


def test_each_promise_names_a_test_that_is_there() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")][1:]
    named = [re.findall(r"`([\w/]+\.py)`", line.rpartition(" | ")[2]) for line in rows]
    assert all(named)
    assert [path for paths in named for path in paths if not (Path(__file__).parent / path).exists()] == []
