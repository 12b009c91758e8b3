"""The estimators with the recipe for tables."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

import fivestep as fs

pytestmark = pytest.mark.usefixtures("without_shape_checks")


def test_tabular_learns_a_table_of_categories_alone() -> None:
    """There is no number to embed, so that layer and its factor on the learning rate are left out."""
    rng = np.random.default_rng(0)
    levels = [f"level {k}" for k in range(20)]
    x = pd.DataFrame({"few": rng.choice(list("abc"), 200), "many": rng.choice(levels, 200)})
    model = fs.MLPClassifier(recipe="tabular", max_iter=40, random_state=0).fit(x, x["few"] == "a")
    assert model.score(x, x["few"] == "a") > 0.95
    assert "periodic" not in [layer.name for layer in model._network.engine.spec.layers]


def test_tabular_embeds_the_numbers_of_a_mixed_table() -> None:
    rng = np.random.default_rng(0)
    x = pd.DataFrame(
        {"kind": rng.choice(list("abc"), 1000), "size": rng.normal(size=1000), "age": rng.normal(size=1000)}
    )
    model = fs.MLPRegressor(recipe="tabular", max_iter=2, random_state=0).fit(x, x["size"])
    places = [layer.options["columns"] for layer in model._network.engine.spec.layers if layer.name == "percentiles"]
    features = model._inputs.encoder.features
    assert [features[place] for place in places[0]] == ["size", "age"]


def test_tabular_learns_iris() -> None:
    x, y = load_iris(return_X_y=True)
    assert fs.MLPClassifier(recipe="tabular", max_iter=64, random_state=0).fit(x, y).score(x, y) > 0.95


def test_lbfgs_has_the_network_of_standard() -> None:
    x, y = load_iris(return_X_y=True)
    settings = {"hidden_layer_sizes": 4, "tol": 0.01, "max_iter": 1000, "random_state": 0}
    model = fs.MLPClassifier(recipe="tabular", solver="lbfgs", **settings).fit(x, y)
    assert [layer.name for layer in model._network.engine.spec.layers] == ["linear", "silu", "linear"]
