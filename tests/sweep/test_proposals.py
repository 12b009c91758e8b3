"""What is tried next."""

from typing import Any

import pytest

from fivestep.sweep.attempts import Attempt
from fivestep.sweep.proposals import BEST_SHOWN, MOST_SHOWN, proposals, sampler_for, shown_of
from fivestep.sweep.space import Space

SPACE = Space.of({"lr": "1e-4:1e0", "hidden": [(8,), (16, 8)]})


def tried(count: int, **options: Any) -> list[Attempt]:
    """Attempts of which those with a rate near 0.01 came out best."""
    drawn = proposals(SPACE, range(count), [], "random", 5)
    far = [abs(one["lr"] - 0.01) for one in drawn]
    return [
        Attempt(k, k, "a", "done", one, value=value, **options)
        for k, (one, value) in enumerate(zip(drawn, far, strict=True))
    ]


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_it_is_a_function_of_the_seed_the_first_network_and_the_history(sampler: str) -> None:
    history = tried(30)
    asked = [proposals(SPACE, range(30, 34), order, sampler, 1) for order in (history, history[::-1])]
    assert asked[0] == asked[1]
    assert asked[0] != proposals(SPACE, range(30, 34), history, sampler, 2)
    assert asked[0] != proposals(SPACE, range(34, 38), history, sampler, 1)


def test_what_is_drawn_lies_in_the_space_by_its_logarithm() -> None:
    rates = [one["lr"] for one in proposals(SPACE, range(400), [], "random", 0)]
    assert all(1e-4 <= rate <= 1 for rate in rates)
    assert 0.4 < sum(rate < 1e-2 for rate in rates) / 400 < 0.6  # half of the logarithms; 4 deviations are 0.1


def test_tpe_draws_where_it_came_out_well() -> None:
    """Within a factor of two of the best rate are 6 of forty that are drawn at random, give or take 2.3."""
    near = [0.005 < one["lr"] < 0.02 for one in proposals(SPACE, range(60, 100), tried(60), "tpe", 0)]
    assert sum(near) > 13


def test_of_a_long_history_tpe_is_shown_the_best_and_the_latest() -> None:
    """Its time grows with what it is shown, by 9 ms a network for each thousand."""
    drawn = {"lr": 0.1, "hidden": "8"}
    history = [Attempt(k, k, "a", "done", drawn, value=float(k != 7)) for k in range(2 * MOST_SHOWN)]
    shown = [one.network for one in shown_of(history[::-1])]
    assert shown == sorted(shown)
    assert len(shown) == MOST_SHOWN
    assert 7 in shown
    assert {*shown} >= {*range(2 * MOST_SHOWN - (MOST_SHOWN - BEST_SHOWN), 2 * MOST_SHOWN)}
    assert [one.network for one in shown_of(history[:MOST_SHOWN])] == [*range(MOST_SHOWN)]


def test_pruned_running_and_diverged_attempts_are_known_too() -> None:
    history = tried(24)
    history[3] = Attempt(3, 3, "a", "pruned", history[3].drawn, rungs={1: 0.5, 3: 0.4}, value=0.4)
    history[4] = Attempt(4, 4, "b", "running", history[4].drawn)
    history[5] = Attempt(5, 5, "b", "diverged", history[5].drawn)
    assert len(proposals(SPACE, range(24, 30), history, "tpe", 0)) == 6


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_no_network_of_a_range_of_widths_is_drawn_twice(sampler: str) -> None:
    """Of ten drawn from twenty widths by chance, all differ in one case of fifteen; twenty more there are not."""
    space = Space.of({"hidden": "5:24"})
    first = proposals(space, range(5), [], sampler, 0)
    history = [Attempt(k, k, "a", "done", one, value=0.1) for k, one in enumerate(first)]
    widths = [one["hidden"] for one in (*first, *proposals(space, range(5, 10), history, sampler, 0))]
    assert len(set(widths)) == 10
    assert len(proposals(space, range(10, 35), [], sampler, 0)) == 25


def test_a_grid_is_every_combination_once() -> None:
    space = Space.of({"lr": [0.1, 0.2], "hidden": [(8,), (16, 8)]})
    asked = proposals(space, range(4), [], "grid", 0)
    assert {(one["lr"], one["hidden"]) for one in asked} == {
        *(("0.1", "8"), ("0.1", "16,8"), ("0.2", "8"), ("0.2", "16,8"))
    }


@pytest.mark.parametrize(
    ("name", "settings", "models", "expected"),
    [
        ("auto", {"lr": [0.1, 0.2]}, 2, "grid"),
        ("auto", {"lr": [0.1, 0.2]}, 1, "tpe"),
        ("auto", {"lr": "0.1:0.2"}, 2, "tpe"),
        ("random", {"lr": [0.1, 0.2]}, 2, "random"),
    ],
)
def test_auto_takes_every_combination_where_there_are_networks_enough(
    name: str, settings: dict[str, Any], models: int, expected: str
) -> None:
    assert sampler_for(name, Space.of(settings), models) == expected
