"""The exported estimator in onnxruntime, beside `predict`."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, load_iris

import fivestep as fs
from fivestep.check import InputError

onnxruntime = pytest.importorskip("onnxruntime")

pytestmark = pytest.mark.usefixtures("without_shape_checks")


def outputs_of(model: Any, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What onnxruntime gives for such inputs, by name."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, given), strict=True))


@pytest.mark.parametrize("recipe", ["standard", "sklearn"])
def test_classes_and_their_probabilities_are_those_of_predict(recipe: str) -> None:
    x, y = load_iris(return_X_y=True)
    model = fs.MLPClassifier(recipe=recipe, tol=1.0, max_iter=40, random_state=0).fit(x, np.array(["a", "b", "c"])[y])
    found = outputs_of(model.to_onnx(), {"x": x.astype(np.float32)})
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(x), atol=1e-5)
    assert (found["prediction"] == model.predict(x)).mean() > 0.99


@pytest.mark.parametrize("num_targets", [1, 2])
def test_numbers_are_those_of_predict_in_the_units_of_the_target(num_targets: int) -> None:
    x, y = load_diabetes(return_X_y=True)
    x[::7, 2] = np.nan
    targets = y if num_targets == 1 else np.stack([y, 1e6 - 5 * y], 1)
    model = fs.MLPRegressor(max_iter=5, random_state=0).fit(x.astype(np.float32), targets)
    found = outputs_of(model.to_onnx(), {"x": x.astype(np.float32)})
    expected = model.predict(x.astype(np.float32)).reshape(len(x), -1)
    np.testing.assert_allclose(found["prediction"], expected, rtol=1e-5)


@pytest.mark.parametrize("bagging", [1, 2])
def test_a_mean_and_a_deviation_lie_side_by_side(bagging: int) -> None:
    x, y = load_diabetes(return_X_y=True)
    targets = np.stack([y, 1e4 - 5 * y], 1)
    model = fs.MLPRegressor("gaussian_nll", bagging=bagging, max_iter=3, random_state=0)
    mean, std = model.fit(x.astype(np.float32), targets).predict(x.astype(np.float32), return_std=True)
    found = outputs_of(model.to_onnx(), {"x": x.astype(np.float32)})["prediction"]
    np.testing.assert_allclose(found[:, ::2], mean, rtol=1e-4)
    np.testing.assert_allclose(found[:, 1::2], std, rtol=1e-4)


def test_a_dataframe_is_one_input_for_each_column() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"area": rng.uniform(50, 150, 200), "street": rng.choice(["main", "park"], 200)})
    price = frame["area"] + 50 * (frame["street"] == "park")
    model = fs.MLPRegressor(max_iter=5, random_state=0).fit(frame, price)
    given = {"area": frame[["area"]].to_numpy(), "street": frame[["street"]].to_numpy(dtype=object)}
    found = outputs_of(model.to_onnx(), given)
    np.testing.assert_allclose(found["prediction"][:, 0], model.predict(frame), rtol=1e-5)


@pytest.mark.parametrize("loss", [None, "hinge"])
def test_several_labels_are_those_of_predict_with_the_probability_of_each(loss: str | None) -> None:
    x, y = load_iris(return_X_y=True)
    labels = np.stack([y > 0, y > 1, x[:, 0] > 5.8], 1).astype(int)
    model = fs.MLPClassifier(loss=loss, max_iter=20, random_state=0).fit(x, labels)
    found = outputs_of(model.to_onnx(), {"x": x.astype(np.float32)})
    assert found["prediction"].shape == labels.shape
    assert (found["prediction"] == model.predict(x)).mean() > 0.99
    if loss is None:
        np.testing.assert_allclose(found["probabilities"], model.predict_proba(x), atol=1e-5)
    else:
        assert ((found["margins"] > 0) == found["prediction"]).all()


def test_one_class_is_refused() -> None:
    model = fs.MLPClassifier(max_iter=2).fit(np.ones((5, 2)) * np.arange(5)[:, None], np.zeros(5))
    with pytest.raises(InputError, match=r"two classes or more to become ONNX, got one;"):
        model.to_onnx()
