"""scikit-learn's settings; `tests/estimators/test_sklearn_arithmetic.py` holds their numbers against its own."""

from dataclasses import replace

import pytest

from fivestep.check import InputError
from fivestep.find import Choice
from fivestep.net import MLP
from fivestep.recipes._base import Facts
from fivestep.recipes.sklearn import Sklearn

FACTS = Facts(num_rows=150, num_features=4, num_outputs=3, target="numbers")


def test_its_defaults_are_theirs() -> None:
    spec, plan = Sklearn().prepare("mlp", {})
    assert spec == MLP(None, 100, None, activation="relu", init="xavier")
    assert (plan.optimizer, plan.lr, plan.l2) == (Choice("adam_hat", eps=1e-8), 1e-3, 1e-4)
    assert (plan.batch_size, plan.epochs) == (200, 200)


def test_a_batch_is_at_most_all_rows() -> None:
    assert Sklearn().prepare("mlp", {}, FACTS)[1].batch_size == 150


def test_sgd_is_the_rule_with_the_rate_inside_the_velocity() -> None:
    _, plan = Sklearn().prepare("mlp", {"optimizer": "sgd:momentum=0.5"})
    assert plan.optimizer == Choice("momentum", momentum=0.5)


def test_any_other_rule_is_taken_as_it_is() -> None:
    assert Sklearn().prepare("mlp", {"optimizer": "lion"})[1].optimizer == Choice("lion")


def test_a_sum_over_outputs_is_a_larger_rate_and_a_smaller_penalty() -> None:
    """Half the sum of three squares has 3/2 times the gradient of their mean."""
    _, plan = Sklearn().prepare("mlp", {"optimizer": "sgd", "loss": "mse", "lr": 0.1, "l2": 0.3}, FACTS)
    assert (plan.lr, plan.l2) == pytest.approx((0.15, 0.2))
    assert Sklearn().preparation("mlp", {"loss": "mse"}, FACTS).gradient_factor == 1.5


def test_adam_has_a_smaller_eps_instead_of_a_larger_rate() -> None:
    _, plan = Sklearn().prepare("mlp", {"optimizer": "adam:eps=0.3", "loss": "poisson"}, FACTS)
    assert (plan.optimizer, plan.lr) == (Choice("adam_hat", eps=0.3 / 3), 1e-3)


def test_classes_are_counted_once_in_both() -> None:
    assert Sklearn().preparation("mlp", {}, replace(FACTS, target="classes")).gradient_factor == 1


def test_a_linear_model_has_its_plan_too() -> None:
    assert Sklearn().prepare("linear", {"loss": "mse"})[1].lr == 1e-3


def test_a_setting_that_nobody_knows_is_refused() -> None:
    with pytest.raises(InputError, match=r"must be used with .* only, got 'widht'"):
        Sklearn().prepare("mlp", {"widht": 8})
