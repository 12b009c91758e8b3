"""The reference recipe: exactly the settings given."""

from typing import Any

import pytest

from fivestep.check import InputError
from fivestep.net import MLP, LinearRegression, SoftmaxRegression
from fivestep.plan import TrainPlan
from fivestep.recipes.plain import Plain


def test_every_setting_goes_where_its_name_says() -> None:
    settings = {"hidden": (8, 4), "activation": "tanh", "init": "xavier", "dropout": 0.1, "lr": 0.5, "loss": "mse"}
    spec, plan = Plain().prepare("mlp", settings)
    assert spec == MLP(None, 8, 4, None, activation="tanh", init="xavier", dropout=0.1)
    assert plan == TrainPlan(lr=0.5, loss="mse")


@pytest.mark.parametrize(
    ("model", "spec"),
    [
        ("mlp", MLP(None, None)),
        ("linear", LinearRegression(None, None)),
        ("softmax", SoftmaxRegression(None, None)),
    ],
)
def test_without_settings_it_is_the_plain_model_and_plan(model: str, spec: object) -> None:
    assert Plain().prepare(model, {}) == (spec, TrainPlan())


@pytest.mark.parametrize(
    ("model", "settings", "sentence"),
    [
        ("mpl", {}, "model must be one of .* got 'mpl'; did you mean 'mlp'"),
        ("linear", {"hidden": (8,)}, "model 'linear' must be used with .*, got 'hidden'; leave it out"),
        ("mlp", {"gated": True}, "model 'mlp' must be used with .*, got 'gated'; leave .* or use model 'feed-forward'"),
        ("linear", {"dropout": 0.5}, "got 'dropout'; leave it out, or use model 'mlp' or 'feed-forward'"),
        ("softmax", {"activation": "relu"}, "model 'softmax' must be used with .*, got 'activation'"),
        ("mlp", {"widht": 8}, "model 'mlp' must be used with .* only, got 'widht'"),
        ("mlp", {"lr": 0}, "lr must be a finite number greater than 0"),
    ],
)
def test_a_setting_that_the_model_does_not_have_is_refused(model: str, settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        Plain().prepare(model, settings)
