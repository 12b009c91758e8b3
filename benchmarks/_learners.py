"""The contestants of the accuracy benchmark, each at its defaults, behind one call."""

from collections.abc import Callable
from typing import Any

import numpy as np

Learner = Callable[[Any, Any, Any, int, bool], Any]
"""(x of training, y of training, x of test, seed, classify) to class probabilities (N, C) or predicted numbers (N,)."""


def predicted(model: Any, x: Any, classify: bool) -> Any:
    """What the benchmark measures: probabilities or numbers."""
    return model.predict_proba(x) if classify else model.predict(x)


def fivestep(**settings: Any) -> Learner:
    """Our estimators, raw columns in."""

    def learn(x: Any, y: Any, x_test: Any, seed: int, classify: bool) -> Any:
        import fivestep as fs

        model = (fs.MLPClassifier if classify else fs.MLPRegressor)(random_state=seed, **settings).fit(x, y)
        return predicted(model, x_test, classify)

    return learn


def scikit_learn(kind: str) -> Learner:
    """An estimator of scikit-learn on one-hot categories, missing numbers filled with the median.

    "mlp" gets its columns as they are, as at its defaults a user would; "scaled mlp" gets them standardized. "tuned
    linear" chooses the strength of its penalty by cross-validation.
    """

    def learn(x: Any, y: Any, x_test: Any, seed: int, classify: bool) -> Any:
        from sklearn import ensemble, linear_model, neural_network
        from sklearn.compose import TransformedTargetRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        models = {
            "mlp": (neural_network.MLPClassifier, neural_network.MLPRegressor),
            "scaled mlp": (neural_network.MLPClassifier, neural_network.MLPRegressor),
            "forest": (ensemble.RandomForestClassifier, ensemble.RandomForestRegressor),
            "linear": (linear_model.LogisticRegression, linear_model.Ridge),
        }
        model: Any = (
            _tuned_linear(classify) if kind == "tuned linear" else models[kind][0 if classify else 1](random_state=seed)
        )
        if kind == "scaled mlp" and not classify:
            model = TransformedTargetRegressor(model, transformer=StandardScaler())
        scaler = [] if kind in ("mlp", "forest") else [StandardScaler()]
        pipeline = make_pipeline(one_hot(x), *scaler, model).fit(x, y)
        return predicted(pipeline, x_test, classify)

    return learn


def _tuned_linear(classify: bool) -> Any:
    """Logistic or ridge regression, its penalty the best of eight or nineteen by cross-validation."""
    from sklearn.linear_model import LogisticRegressionCV, RidgeCV

    if not classify:
        return RidgeCV(np.logspace(-2, 4, 19))
    return LogisticRegressionCV(
        Cs=np.logspace(-3, 2, 8),
        cv=5,
        scoring="neg_log_loss",
        max_iter=500,
        l1_ratios=(0,),
        use_legacy_attributes=False,
    )


def one_hot(x: Any) -> Any:
    """Categories one-hot, the rest numbers without gaps."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import OneHotEncoder

    names = categories(x)
    numbers = [name for name in x.columns if name not in names]
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_column_transformer((encoder, names), (SimpleImputer(strategy="median"), numbers))


def categories(x: Any) -> list[str]:
    """The columns that are not numbers."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    return [name for name in x.columns if not is_numeric_dtype(x[name]) or is_bool_dtype(x[name])]


def as_categories(x: Any, x_test: Any) -> tuple[Any, Any]:
    """Both tables with their categories typed as such, a missing one as a level of its own, with the same levels."""
    import pandas

    x, x_test = x.copy(), x_test.copy()
    for name in categories(x):
        texts = [one[name].astype(object).where(one[name].notna(), "missing").astype(str) for one in (x, x_test)]
        kind = pandas.CategoricalDtype(sorted(set(texts[0])))
        x[name], x_test[name] = (text.astype(kind) for text in texts)
    return x, x_test


def boosted(kind: str) -> Learner:
    """Gradient-boosted trees, which take categories and missing numbers themselves."""

    def learn(x: Any, y: Any, x_test: Any, seed: int, classify: bool) -> Any:
        x, x_test = as_categories(x, x_test)
        model: Any
        if kind == "hist gradient boosting":
            from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

            kinds = HistGradientBoostingClassifier, HistGradientBoostingRegressor
            model = kinds[0 if classify else 1](random_state=seed, categorical_features="from_dtype")
        elif kind == "lightgbm":
            import lightgbm

            kinds = lightgbm.LGBMClassifier, lightgbm.LGBMRegressor
            model = kinds[0 if classify else 1](random_state=seed, verbose=-1)
        elif kind == "xgboost":
            import xgboost

            kinds = xgboost.XGBClassifier, xgboost.XGBRegressor
            model = kinds[0 if classify else 1](random_state=seed, enable_categorical=True)
        else:
            import catboost

            kinds = catboost.CatBoostClassifier, catboost.CatBoostRegressor
            names = categories(x)
            x[names], x_test[names] = x[names].astype(object), x_test[names].astype(object).fillna("unknown")
            settings = {"random_seed": seed, "verbose": False, "allow_writing_files": False, "cat_features": names}
            model = kinds[0 if classify else 1](**settings)
        return predicted(model.fit(x, y), x_test, classify)

    return learn


def pytabkit(kind: str) -> Learner:
    """The reference implementations of RealMLP and TabM, at their tuned defaults, one network (no bagging)."""

    def learn(x: Any, y: Any, x_test: Any, seed: int, classify: bool) -> Any:
        import pytabkit
        import torch

        x, x_test = as_categories(x, x_test)
        numbers = [name for name in x.columns if name not in categories(x)]
        middle = x[numbers].median()  # it takes no missing numbers
        x[numbers], x_test[numbers] = (
            x[numbers].fillna(middle).astype(float),
            x_test[numbers].fillna(middle).astype(float),
        )
        estimator = getattr(pytabkit, f"{kind}_{'Classifier' if classify else 'Regressor'}")
        model = estimator(device="cpu", random_state=seed, n_threads=torch.get_num_threads())
        return predicted(model.fit(x, y), x_test, classify)

    return learn


LEARNERS: dict[str, Learner] = {
    "fivestep": fivestep(),
    "fivestep, bagging=5": fivestep(bagging=5),
    "fivestep, members=8": fivestep(members=8),
    "fivestep, one network": fivestep(bagging=1),
    "fivestep, standard": fivestep(recipe="standard"),
    "scikit-learn MLP": scikit_learn("mlp"),
    "scikit-learn MLP, scaled": scikit_learn("scaled mlp"),
    "linear": scikit_learn("linear"),
    "linear, tuned": scikit_learn("tuned linear"),
    "random forest": scikit_learn("forest"),
    "HistGradientBoosting": boosted("hist gradient boosting"),
    "LightGBM": boosted("lightgbm"),
    "XGBoost": boosted("xgboost"),
    "CatBoost": boosted("catboost"),
    "RealMLP-TD": pytabkit("RealMLP_TD"),
    "RealMLP-TD-S": pytabkit("RealMLP_TD_S"),
    "TabM": pytabkit("TabM_D"),
}
"""By the name in the report. Those whose package is missing are left out with a message."""
