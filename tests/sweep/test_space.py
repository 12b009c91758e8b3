"""What a sweep varies, as people write it."""

from typing import Any

import pytest

from fivestep.check import InputError
from fivestep.sweep.space import Options, Range, Space, each_value, label, widest


def test_lists_are_chosen_from_ranges_are_drawn_from_and_the_rest_is_fixed() -> None:
    space = Space.of({"hidden": ["64", "128,64"], "lr": "1e-4:1e-1", "optimizer": ["adam"], "epochs": 5})
    assert space.varied == {
        "hidden": Options({"64": (64,), "128,64": (128, 64)}),
        "lr": Range(1e-4, 1e-1, log=True),
    }
    assert space.fixed == {"optimizer": "adam", "epochs": 5}
    assert space.settings({"hidden": "128,64", "lr": 0.01}) == {
        "optimizer": "adam",
        "epochs": 5,
        "hidden": (128, 64),
        "lr": 0.01,
    }


def test_numbers_and_texts_of_numbers_are_the_same() -> None:
    texts = Space.of({"lr": ["0.1", "0.01"], "batch_size": ["16", "full"], "dropout": ["0.0", "0.5"]})
    numbers = Space.of({"lr": [0.1, 0.01], "batch_size": [16, None], "dropout": [0.0, 0.5]})
    assert texts == numbers
    assert list(texts.varied["batch_size"].extremes) == ["16", "full"]


def test_a_range_of_widths_is_one_layer_of_a_whole_number_of_units() -> None:
    space = Space.of({"hidden": "8:256"})
    assert space.varied["hidden"] == Range(8, 256, log=True, whole=True)
    assert space.settings({"hidden": 17}) == {"hidden": (17,)}


def test_a_range_of_seeds_is_each_of_them_once() -> None:
    """One drawn twice would be the same network trained twice."""
    assert Space.of({"seed": "0:3"}).varied["seed"] == Options({"0": 0, "1": 1, "2": 2, "3": 3})
    assert Space.of({"seed": Range(0, 3, whole=True)}).size == 4
    assert Space.of({"seed": "0:100"}).varied["seed"] == Range(0, 100, whole=True)  # too many to list


def test_every_combination_has_its_number() -> None:
    space = Space.of({"hidden": [(1,), (2,)], "lr": [0.1, 0.2, 0.3]})
    combinations = [space.combination(number) for number in range(space.size or 0)]
    assert len({str(one) for one in combinations}) == 6
    assert combinations[1] == {"hidden": "1", "lr": "0.2"}
    assert Space.of({"lr": "0.1:1", "seed": [1, 2]}).size is None


def test_each_value_stands_once_and_the_widest_is_among_the_last() -> None:
    space = Space.of({"hidden": [(1,), (9, 9)], "lr": "0.1:1", "batch_size": "2:32"})
    assert [what for what, _ in each_value(space)] == [*("", "hidden 9,9", "lr 1", "batch_size 32")]
    assert {"hidden": (9, 9), "lr": 1.0, "batch_size": 32} in widest(space)


@pytest.mark.parametrize(
    ("value", "text"), [((128, 64), "128,64"), (0.1, "0.1"), (1e-07, "1e-07"), (1 / 3, repr(1 / 3))]
)
def test_a_value_is_written_as_it_is_read(value: Any, text: str) -> None:
    assert label(value) == text


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"lr": "1e-1:1e-4"}, "lr: a range must be from a smaller to a larger number, got '0.1:0.0001'; swap them"),
        ({"lr": "0:1"}, "lr: a range of logarithms must be above 0 at both ends, got '0:1'; raise the lower end"),
        ({"lr": "0.1:nan"}, "a range must be between two finite numbers"),
        ({"lr": "0.1:inf"}, "a range must be between two finite numbers"),
        ({"lr": "a:b"}, "lr must be a range between two numbers, got 'a:b'; as in 1e-4:1e-1"),
        ({"lr": "0.1:0.2:0.3"}, "lr must be a range between two numbers, got '0.1:0.2:0.3'"),
        ({"lr": ["fast"]}, "lr must be a number, got 'fast'; or write a range such as 1e-4:1e-1."),
        ({"lr": ["1e-3,1e-2"]}, "lr must be a number, got '1e-3,1e-2'; write several apart: 1e-3 1e-2"),
        ({"hidden": ["0", "8"]}, "hidden must be a .* at least 1, got 0; for no hidden layer, take --model linear or"),
        ({"hidden": ["64;32"]}, "hidden must be widths such as 128,64, got '64;32'; or write a range such as 8:256."),
        (
            {"batch_size": ["all"]},
            "batch_size must be a whole number, or full, got 'all'; or write a range such as 8:256.",
        ),
        ({"hidden": "8.5:10"}, "hidden must be a range between two whole numbers, got '8.5:10'; as in 8:256"),
        ({"dropout": "0.1:1"}, r"dropout must be a range within \[0, 1\), got '0.1:1'; move its ends"),
        ({"lr": [0.1, "0.1"]}, "lr must list each value once, got 0.1 twice"),
        ({"lr": []}, r"lr must be at least one value, got \[\]; leave it out"),
        ({"epochs": [1, 2]}, "epochs must be one value for all networks of a sweep, or they .*, got '1 2'; choose one"),
        ({"loss": ["mse", "poisson"]}, "loss must be one value for .*, got 'mse poisson'; .* or do a sweep for each"),
        ({"activation": Range(0, 1)}, "activation must be a list of values, got '0:1'; there are ranges for lr"),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        Space.of(settings)
