"""scikit-learn's own checks of an estimator, all of them, with no failure expected."""

from typing import Any

import pytest
from sklearn.utils.estimator_checks import check_estimator

import fivestep as fs

NOT_FOR_THEM = {
    "check_array_api_input": "needs SCIPY_ARRAY_API in the environment before SciPy is imported",
    "check_classifiers_multilabel_output_format_decision_function": "there is no decision_function, as in theirs",
}
"""What scikit-learn itself skips for its own perceptrons."""


@pytest.mark.slow
@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("recipe", ["tabular", "standard", "sklearn"])
@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_every_check_passes(name: str, recipe: str) -> None:
    estimator: Any = getattr(fs, name)(recipe=recipe)
    results = check_estimator(estimator, on_skip=None)
    skipped = {result["check_name"] for result in results if result["status"] == "skipped"}
    assert {result["status"] for result in results} == {"passed", "skipped"}
    assert skipped <= set(NOT_FOR_THEM)
    assert len(results) > 50
