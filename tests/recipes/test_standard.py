"""The standard recipe: what it settles, by the number of rows, and that what is given counts."""

from typing import Any

import pytest

from fivestep.check import InputError
from fivestep.find import Choice
from fivestep.recipes._base import Facts
from fivestep.recipes.standard import Standard


def facts(num_rows: int) -> Facts:
    return Facts(num_rows, num_features=4, num_outputs=3, target="classes")


def test_what_is_given_counts() -> None:
    given: dict[str, Any] = {"lr": 0.5, "epochs": 3, "hidden": (7,), "batch_size": None, "schedule": "constant"}
    spec, plan = Standard().prepare("mlp", given, facts(1000))
    assert (plan.lr, plan.epochs, plan.batch_size, plan.schedule) == (0.5, 3, None, Choice("constant"))
    assert spec.layers[0] == Choice("linear", out_features=7)


@pytest.mark.parametrize(("num_rows", "size"), [(20, 20), (100, 64), (3000, 128), (100_000, 256)])
def test_batches_grow_with_the_rows(num_rows: int, size: int) -> None:
    assert Standard().prepare("mlp", {}, facts(num_rows))[1].batch_size == size


def test_few_rows_are_all_trained_on_without_draws_by_row() -> None:
    """So a row of weight 2 is exactly two rows."""
    spec, plan = Standard().prepare("mlp", {}, facts(40))
    assert plan.batch_size == 40
    assert "dropout" not in [layer.name for layer in spec.layers]
    assert Standard().preparation("mlp", {}, facts(40)).valid_fraction is None


def test_of_many_rows_some_are_set_aside() -> None:
    prepared = Standard().preparation("mlp", {}, facts(5000))
    assert prepared.valid_fraction is not None
    assert 0 < prepared.valid_fraction < 0.5


def test_a_setting_that_nobody_knows_is_refused() -> None:
    with pytest.raises(InputError, match=r"must be used with .* only, got 'widht'"):
        Standard().prepare("mlp", {"widht": 8})


@pytest.mark.parametrize(
    ("rule", "decay", "momentum"),
    [
        ("adamw", 0.1, None),
        ("adamw:weight_decay=0.3", None, None),
        ("sgd", None, 0.9),
        ("sgd:momentum=0.5", None, None),
    ],
)
def test_a_rule_has_what_suits_it_unless_it_is_given(rule: str, decay: float | None, momentum: float | None) -> None:
    _, plan = Standard().prepare("mlp", {"optimizer": rule}, facts(1000))
    assert (plan.weight_decay, plan.momentum) == (decay, momentum)
    plan.build_optimizer()
