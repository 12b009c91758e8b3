"""The target: classes or a number, and back."""

from datetime import date, datetime, timedelta
from typing import Literal

import polars as pl
import pytest
import torch

from fivestep.check import InputError
from fivestep.table.target import ClassTarget, NumberTarget, fit_target, target_from_dict, task_of


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["a", "b"], "classification"),
        ([True, False], "classification"),
        ([0, 1, 2], "classification"),
        ([0.0, 1.0], "classification"),
        (["3", "4", "5"], "classification"),
        (list(range(11)), "regression"),
        ([0.5, 1.0], "regression"),
        (["1,200", "900"], "classification"),
        (["1,200.5", "900"], "regression"),
        (["$1,200", "$900", "$900"], "regression"),
        (["20 km/h", "30 km/h"], "regression"),
        ([date(2024, 1, 1), date(2024, 1, 2)], "classification"),
        ([datetime(2024, 1, 1, hour) for hour in range(11)], "classification"),
        ([timedelta(seconds=k) for k in range(11)], "regression"),
    ],
)
def test_the_task_is_recognized_by_the_target(values: list[object], task: str) -> None:
    assert task_of(pl.Series("y", values)) == task


def test_the_user_overrules_the_task() -> None:
    values = pl.Series("y", [3, 4, 5])
    assert isinstance(fit_target(values), ClassTarget)
    assert isinstance(fit_target(values, "regression"), NumberTarget)
    with pytest.raises(InputError, match="did you mean 'regression'"):
        fit_target(values, "regresion")


def test_classes_are_in_the_order_of_their_names_or_numbers() -> None:
    assert ClassTarget.fit(pl.Series("y", ["b", "a", "c"])).classes == ("a", "b", "c")
    assert ClassTarget.fit(pl.Series("y", [10, 9, 2])).classes == ("2", "9", "10")
    assert ClassTarget.fit(pl.Series("y", [10, 9, 2])).encode(pl.Series(["9", "2"])).tolist() == [1, 0]


def test_a_number_is_standardized_and_comes_back() -> None:
    target = NumberTarget.fit(pl.Series("y", [2.0, 4.0, 6.0]))
    y = target.encode(pl.Series([2.0, 4.0, 6.0, 10.0]))
    assert y[:3].mean() == 0
    assert float(y[:3].square().mean()) == pytest.approx(1)
    assert target.decode(y).tolist() == pytest.approx([2, 4, 6, 10])


def test_a_target_that_never_changes_in_the_training_part_does_not_divide_by_zero() -> None:
    target = NumberTarget.fit(pl.Series("y", [5.0, 6.0])).scaled_to(pl.Series("y", [5.0, 5.0]))
    assert target.encode(pl.Series([5.0])).tolist() == [0]
    assert target.decode(torch.zeros(1)).tolist() == [5]


@pytest.mark.parametrize("values", [["a", "b"], [0.5, 1.5, 2.5]])
def test_it_reads_back_the_same(values: list[object]) -> None:
    target = fit_target(pl.Series("y", values))
    assert target_from_dict(target.to_dict()) == target


def test_texts_that_are_all_different_are_no_classes() -> None:
    values = pl.Series("y", [f"name {k}" for k in range(40)])
    with pytest.raises(
        InputError, match=r"target 'y' must be classes with some rows each, .*, got 40 different values"
    ):
        fit_target(values)
    assert fit_target(values, "classification").num_outputs == 40


@pytest.mark.parametrize(
    "form", ["2{:02}:15:00", "{:02}:30", "3 days 04:{:02}:00", "-1 day, 04:{:02}:00", "PT{}M", "2024-01-01 10:{:02}"]
)
def test_times_that_are_all_different_are_no_classes_but_can_be_made_numbers(form: str) -> None:
    with pytest.raises(InputError, match="; make numbers of it, such as seconds or days, or say --task classification"):
        fit_target(pl.Series("y", [form.format(k) for k in range(40)]))


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_a_duration_is_learned_in_seconds_whatever_it_is_stored_in(unit: Literal["ms", "us", "ns"]) -> None:
    seconds = [0.5, 60.0, 3600.0]
    values = pl.Series("y", [timedelta(seconds=value) for value in seconds]).cast(pl.Duration(unit))
    target = fit_target(values)
    assert isinstance(target, NumberTarget)
    assert (target.understood(values).to_list(), str(target.number_format)) == (seconds, "1234.5 s")
    assert target_from_dict(target.to_dict()).understood(pl.Series("y", seconds)).to_list() == seconds


def test_a_target_of_numbers_with_one_word_among_them_names_its_row() -> None:
    values = pl.Series("y", [None, *(f"{k}.5" for k in range(20)), "oops", "3.5"])
    present = values.is_not_null().arg_true()
    with pytest.raises(InputError, match=r"must hold numbers, as 21 of its 22 .* got 'oops' in row 22; fix"):
        fit_target(values, places=present)
    assert fit_target(values, "classification", places=present).num_outputs == 21


def test_one_class_is_refused() -> None:
    with pytest.raises(
        InputError,
        match="two classes or more, got 'a'; add rows of another class, or",
    ):
        fit_target(pl.Series("y", ["a", "a"]))


def test_a_class_that_training_has_not_seen_is_named_with_its_row() -> None:
    target = fit_target(pl.Series("y", ["a", "b"]))
    with pytest.raises(InputError, match=r"target 'y' must hold one of the 2 classes of training, got 'c' in row 12;"):
        target.encode(pl.Series(["a", "c"]), first_row=11)


@pytest.mark.parametrize("wrong", ["x", "inf"])
def test_a_target_that_is_no_number_is_named_with_its_row(wrong: str) -> None:
    target = fit_target(pl.Series("y", ["0.5", "1.5"]))
    with pytest.raises(InputError, match=f"finite numbers for a regression, such as 1234.5, got '{wrong}' in row 2;"):
        target.encode(pl.Series(["0.5", wrong]))


def test_a_target_in_two_units_is_told_from_one_of_classes() -> None:
    values = pl.Series("y", [f"{k}.5 {unit}" for k in range(20) for unit in ("kg", "lb")])
    with pytest.raises(InputError, match="target 'y' must be numbers in one unit, got several, 'kg' and 'lb'; bring"):
        fit_target(values)


@pytest.mark.parametrize(("value", "advice"), [("inf", "or leave the row out"), ("abc", "or train a classification")])
def test_what_to_do_with_a_target_that_is_no_finite_number(value: str, advice: str) -> None:
    with pytest.raises(InputError, match=f"such as 1234.5, got '{value}' in row 31; fix it, {advice}"):
        fit_target(pl.Series("y", [*(f"{k}.5" for k in range(30)), value]), "regression")
