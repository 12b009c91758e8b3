"""How rows become what a network takes: scaled numbers, weights, gaps, DataFrames."""

import tracemalloc
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow
import pytest
import scipy.sparse
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline
from sklearn.utils.validation import validate_data

import fivestep as fs
from fivestep.estimators import _inputs
from fivestep.estimators._inputs import Scaled, Unchanged
from fivestep.estimators._reading import is_plain
from fivestep.table.encoder import Encoder
from fivestep.table.frame import as_frame
from fivestep.table.kinds import kinds_of
from tests.tolerances import FORMULA

pytestmark = pytest.mark.usefixtures("without_shape_checks")

NAN = float("nan")


def column(*values: float) -> np.ndarray:
    return np.array(values)[:, None]


def test_worked_values() -> None:
    """Of 0, 1, ..., 8 the quartiles are 2, 4, 6: 8 is (8 - 4) / 4 = 1 from the middle, and 1 / sqrt(1 + 1/9) bent."""
    scaled = Scaled.fit(column(*range(9)), None)
    expected = [-1 / np.sqrt(10 / 9), 0, 1 / np.sqrt(10 / 9)]
    np.testing.assert_allclose(scaled.transform(column(0, 4, 8), np.float64)[:, 0], expected, rtol=FORMULA)


@given(
    st.lists(st.tuples(st.floats(-1e6, 1e6), st.integers(0, 4)), min_size=1, max_size=20).filter(
        lambda rows: sum(n for _, n in rows) > 0
    )
)
def test_a_row_of_weight_n_counts_as_n_rows(rows: list[tuple[float, int]]) -> None:
    values, times = np.array([v for v, _ in rows]), np.array([n for _, n in rows])
    kept = times > 0
    weighted = Scaled.fit(values[kept, None], times[kept].astype(float))
    repeated = Scaled.fit(np.repeat(values, times)[:, None], None)
    assert (weighted.center, weighted.scale) == (repeated.center, repeated.scale)


def test_without_weights_it_is_the_encoder_of_tables() -> None:
    """Nine rows, where both definitions of a quartile give a row."""
    x = np.random.default_rng(0).normal(size=(9, 3)) * [1, 10, 100]
    frame = as_frame(x)
    theirs = Encoder.fit(frame, kinds_of(frame)).encode(frame).numpy()
    np.testing.assert_allclose(Scaled.fit(x, None).transform(x, np.float64), theirs, rtol=1e-6)


@pytest.mark.parametrize("value", [7.0, 1e300])
def test_a_column_that_never_changes_is_0(value: float) -> None:
    assert Scaled.fit(column(value, value), None).transform(column(value, 8), np.float64).tolist() == [[0], [0]]


def test_outliers_and_infinite_squares_stay_small() -> None:
    out = Scaled.fit(column(0, 1, 2, 3), None).transform(column(1e308, -1e308), np.float32)
    np.testing.assert_allclose(out[:, 0], [3, -3], rtol=1e-6)


def test_a_gap_is_the_middle_and_is_told() -> None:
    scaled = Scaled.fit(np.array([[1.0, 5], [2, NAN], [3, 6]]), None)
    assert scaled.transform(np.array([[2, NAN], [2, 5.5]]), np.float64).tolist() == [[0, 0, 1], [0, 0, 0]]


def test_a_gap_that_training_never_saw_is_the_middle() -> None:
    assert Scaled.fit(column(1, 2, 3), None).transform(column(NAN), np.float64).tolist() == [[0]]


def test_rows_are_scaled_some_at_a_time_to_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two numbers and whether one is missing; 7 rows are no whole number of parts."""
    x = np.random.default_rng(0).normal(size=(7, 2))
    x[3, 1] = NAN
    scaled = Scaled.fit(x, None)
    at_once = scaled.transform(x, np.float32)
    monkeypatch.setattr(_inputs, "NUMBERS_AT_A_TIME", 6)
    np.testing.assert_array_equal(scaled.transform(x, np.float32), at_once)


def test_scaling_takes_little_more_than_its_result() -> None:
    """All in float64, four times over, would be eight times as much."""
    x = np.random.default_rng(0).normal(size=(100_000, 20)).astype(np.float32)
    scaled = Scaled.fit(x, None)
    tracemalloc.start()
    result = scaled.transform(x, np.float32)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.5 * result.nbytes


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_the_moments_are_those_of_all_numbers(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_inputs, "NUMBERS_AT_A_TIME", 6)
    x = np.random.default_rng(0).normal(2, 3, size=(rows, 2))
    assert Unchanged.fit(x).moments == pytest.approx((x.mean(), x.std()), rel=FORMULA)


def test_a_sparse_matrix_is_read_as_its_numbers() -> None:
    x = np.array([[0, 1.0], [2, 0], [0, 0], [3, 4]])
    dense, sparse = Scaled.fit(x, None), Scaled.fit(scipy.sparse.csr_array(x), None)
    assert np.array_equal(sparse.transform(scipy.sparse.csr_array(x), np.float64), dense.transform(x, np.float64))


def houses(num_rows: int = 300) -> tuple[dict[str, Any], np.ndarray]:
    """Prices by area and street: no model without the street comes near."""
    rng = np.random.default_rng(0)
    area = rng.uniform(50, 150, num_rows)
    street = rng.choice(["main", "park", "river"], num_rows)
    age = np.where(rng.uniform(size=num_rows) < 0.2, NAN, rng.uniform(0, 90, num_rows))
    price = area + 100 * (street == "park") - 100 * (street == "river") + rng.normal(0, 3, num_rows)
    return {"area": area, "street": street, "age": age}, price


FRAMES: dict[str, Any] = {
    "pandas": pd.DataFrame,
    "pandas category": lambda columns: pd.DataFrame(columns).astype({"street": "category"}),
    "polars": pl.DataFrame,
    "polars categorical": lambda columns: pl.DataFrame(columns).with_columns(pl.col("street").cast(pl.Categorical)),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_categories_and_gaps_of_a_dataframe_are_learned(frame: Any) -> None:
    columns, price = houses()
    x = frame(columns)
    model = fs.MLPRegressor(random_state=0, max_iter=60, learning_rate_init=0.01).fit(x, price)
    assert model.score(x, price) > 0.97
    assert list(model.feature_names_in_) == ["area", "street", "age"]


def test_a_level_that_training_never_saw_is_no_error() -> None:
    columns, price = houses()
    model = fs.MLPRegressor(max_iter=2, random_state=0).fit(pd.DataFrame(columns), price)
    assert np.isfinite(model.predict(pd.DataFrame({"area": [90.0], "street": ["new"], "age": [NAN]}))).all()


def test_numbers_that_a_dataframe_calls_categories_are_some() -> None:
    codes = np.tile([1, 2, 3], 40)
    x = pd.DataFrame({"code": pd.Categorical(codes), "other": np.zeros(120)})
    y = np.array([0.0, 5.0, -5.0])[codes - 1]
    model = fs.MLPRegressor(random_state=0, hidden_layer_sizes=(), max_iter=300, learning_rate_init=0.05).fit(x, y)
    assert model.score(x, y) > 0.99  # no line through 1, 2, 3 comes near 0, 5, -5


@pytest.mark.slow
def test_a_column_of_many_levels_is_embedded() -> None:
    rng = np.random.default_rng(0)
    place = rng.integers(0, 30, 900)
    x = pl.DataFrame({"place": [f"place {k}" for k in place], "noise": rng.normal(size=900)})
    model = fs.MLPClassifier(random_state=0, max_iter=60, learning_rate_init=0.01).fit(x, place % 2)
    assert model.score(x, place % 2) > 0.95


def test_a_dataframe_of_numbers_is_read_like_its_array() -> None:
    x, y = np.random.default_rng(0).normal(size=(60, 3)), np.arange(60) % 2
    one = fs.MLPClassifier(random_state=0, max_iter=3).fit(pd.DataFrame(x, columns=["a", "b", "c"]), y)
    other = fs.MLPClassifier(random_state=0, max_iter=3).fit(x, y)
    assert np.array_equal(one.predict_proba(pd.DataFrame(x, columns=["a", "b", "c"])), other.predict_proba(x))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("frame_of", [pd.DataFrame, pl.DataFrame])
def test_a_dataframe_of_single_precision_is_computed_in_it_like_its_array(frame_of: Any) -> None:
    x, y = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32), np.arange(60) % 2
    frame = frame_of({"a": x[:, 0], "b": x[:, 1]})
    one = fs.MLPClassifier(random_state=0, max_iter=3, recipe="sklearn").fit(frame, y).predict_proba(frame)
    other = fs.MLPClassifier(random_state=0, max_iter=3, recipe="sklearn").fit(x, y).predict_proba(x)
    assert one.dtype == other.dtype
    assert np.array_equal(one, other)


def test_a_column_that_counts_the_rows_is_a_number() -> None:
    x = pd.DataFrame({"hour": np.arange(100), "kind": ["a", "b"] * 50})
    model = fs.MLPRegressor(random_state=0, max_iter=100, learning_rate_init=0.01).fit(x, np.arange(100.0))
    assert model.score(x, np.arange(100.0)) > 0.95


def test_a_column_of_identifiers_is_left_out_with_a_warning() -> None:
    x = pd.DataFrame({"key": [f"x{k}" for k in range(60)], "size": np.arange(60.0)})
    with pytest.warns(UserWarning, match="column 'key' is left out, as it is taken for identifier"):
        fs.MLPRegressor(max_iter=2).fit(x, np.arange(60.0))


def test_scikit_learns_own_recipe_refuses_gaps_and_words() -> None:
    columns, price = houses()
    with pytest.raises(
        ValueError, match=r"X must be numbers alone with recipe 'sklearn', got 'park'; encode its words, or say recipe"
    ):
        fs.MLPRegressor(recipe="sklearn").fit(pd.DataFrame(columns), price)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        fs.MLPRegressor(recipe="sklearn").fit(pd.DataFrame(columns)[["area", "age"]], price)


def test_dataframes_are_read_alike_by_eval_set_partial_fit_and_a_warm_start() -> None:
    columns, price = houses()
    x = pd.DataFrame(columns)
    model = fs.MLPRegressor(recipe="standard", random_state=0, max_iter=5, warm_start=True).fit(x[:200], price[:200])
    before = model.loss_
    assert model.fit(x[:200], price[:200], eval_set=(x[200:], price[200:])).loss_ < before
    assert len(model.validation_loss_curve_) == 5
    assert model.partial_fit(x[:200], price[:200]).t_ == 2200


def test_the_columns_of_a_dataframe_are_checked_when_it_predicts() -> None:
    columns, price = houses()
    model = fs.MLPRegressor(max_iter=2).fit(pd.DataFrame(columns), price)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(pd.DataFrame(columns).drop(columns="street"))


@pytest.mark.parametrize(
    ("x", "is_handed_back"),
    [
        (np.ones((3, 2)), True),
        (np.ones((3, 2), np.float32), True),
        (np.ones((3, 2), np.int64), False),
        (np.ones((0, 2)), False),
        (np.ones((3, 5)), False),
        (np.ones(2), False),
        (np.array([[np.nan, 1.0]]), False),
        (np.array([[np.inf, 1.0]]), False),
        ([[1.0, 2.0]], False),
    ],
)
def test_only_rows_that_scikit_learns_checks_would_hand_back_go_without_them(x: Any, is_handed_back: bool) -> None:
    rows = np.random.default_rng(0).normal(size=(40, 2))
    fitted = fs.MLPClassifier(4, max_iter=1).fit(rows, rows[:, 0] > 0)
    assert is_plain(fitted, x, fitted._inputs) is is_handed_back
    if is_handed_back:
        assert validate_data(fitted, x, reset=False, dtype=(np.float64, np.float32)) is x


def test_an_array_for_one_fitted_to_named_columns_is_still_warned_of() -> None:
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 2)), columns=["a", "b"])
    fitted = fs.MLPClassifier(4, max_iter=1).fit(frame, frame["a"] > 0)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        fitted.predict(frame.to_numpy())


def test_an_array_for_one_fitted_to_a_mixed_frame_goes_by_its_places() -> None:
    frame, price = mixed()
    fitted = fs.MLPRegressor(hidden_layer_sizes=4, max_iter=1).fit(frame, price)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        by_place = fitted.predict(frame.to_numpy())
    assert np.array_equal(by_place, fitted.predict(frame))
    with pytest.raises(ValueError, match="features as input"), pytest.warns(UserWarning, match="feature names"):
        fitted.predict(frame.to_numpy()[:, 1:])


def mixed(num_rows: int = 60) -> tuple[pd.DataFrame, np.ndarray]:
    columns, price = houses(num_rows)
    return pd.DataFrame(columns), price


CONTAINERS: dict[str, Any] = {
    "lazy": lambda frame: pl.DataFrame(frame).lazy(),
    "arrow": pyarrow.Table.from_pandas,
    "arrow types": lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
    "nullable types": lambda frame: frame.convert_dtypes(),
}


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_every_container_of_the_same_rows_gives_the_same_answers(container: Any) -> None:
    frame, price = mixed()
    expected = fs.MLPRegressor(max_iter=2, random_state=0).fit(frame, price).predict(frame)
    model = fs.MLPRegressor(max_iter=2, random_state=0).fit(container(frame), price)
    np.testing.assert_array_equal(model.predict(container(frame)), expected)
    np.testing.assert_array_equal(model.predict(frame), expected)
    assert list(model.feature_names_in_) == list(frame.columns)


@pytest.mark.parametrize(
    "column",
    [
        lambda area: pd.cut(area, 3),
        lambda area: pd.array(pd.cut(area, 3).astype(object)),
        lambda area: pd.period_range("2020-01", periods=len(area), freq="M"),
        lambda area: pd.to_timedelta(area, unit="D"),
        lambda area: [Fraction(value).limit_denominator(3) for value in area.round()],
    ],
    ids=["intervals", "objects", "periods", "spans", "fractions"],
)
def test_what_pandas_keeps_as_objects_of_its_own_is_read(column: Any, recwarn: pytest.WarningsRecorder) -> None:
    frame, _ = mixed(120)
    x = pd.DataFrame({"column": column(frame["area"])})
    model = fs.MLPRegressor(random_state=0, max_iter=30).fit(x, frame["area"].rank())
    assert [str(warning.message) for warning in recwarn] == []
    assert np.ptp(model.predict(x)) > 0  # it was not left out, for nothing else is there


@pytest.mark.parametrize("dtype", [float, object])
def test_what_is_masked_is_a_gap(dtype: type) -> None:
    x = np.random.default_rng(0).normal(size=(40, 2))
    masked = np.ma.masked_array(x.astype(dtype), x > 1)
    filled = np.where(x > 1, NAN, x)
    fits = [fs.MLPRegressor(max_iter=2, random_state=0).fit(given, x[:, 1]) for given in (masked, filled)]
    np.testing.assert_array_equal(fits[0].predict(masked), fits[1].predict(filled))


def test_the_fields_of_an_array_are_columns_as_those_of_a_data_frame() -> None:
    rng = np.random.default_rng(0)
    fields = np.zeros(60, dtype=[("area", float), ("town", "U2")])
    fields["area"], fields["town"] = rng.normal(size=60), rng.choice(["A", "B"], 60)
    frame = pd.DataFrame(fields)
    models = [fs.MLPRegressor(max_iter=2, random_state=0).fit(x, fields["area"]) for x in (fields, frame)]
    assert list(models[0].feature_names_in_) == ["area", "town"]
    np.testing.assert_array_equal(models[0].predict(fields), models[1].predict(frame))


def test_a_warning_points_at_the_line_of_the_caller() -> None:
    x = pd.DataFrame({"a": np.arange(30.0) % 7, "id": [f"t{k}" for k in range(30)]})
    with pytest.warns(UserWarning, match="column 'id' is left out") as caught:
        make_pipeline(fs.MLPRegressor(max_iter=1, recipe="standard")).fit(x, x["a"])
    assert caught[0].filename == __file__


def test_a_column_of_lists_is_left_out_with_advice_that_helps() -> None:
    x = pd.DataFrame({"a": np.arange(30.0) % 7, "pairs": [[1, 2]] * 30})
    with pytest.warns(UserWarning, match=r"column .pairs. is left out, .*; make columns of numbers of it, or drop"):
        fs.MLPRegressor(max_iter=1, recipe="standard").fit(x, x["a"])


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (pd.Series([True, False] * 15, dtype="boolean"), [False, True]),
        (pd.array([3, 5] * 15, dtype="Int64"), [3, 5]),
    ],
    ids=["nullable truth", "nullable numbers"],
)
def test_labels_stay_what_they_are_whatever_holds_them(y: Any, classes: list[object]) -> None:
    x = np.arange(30.0)[:, None] % 2
    model = fs.MLPClassifier(random_state=0, max_iter=60, learning_rate_init=0.05).fit(x, y)
    assert model.classes_.tolist() == classes
    assert type(model.classes_.tolist()[0]) is type(classes[0])
    assert model.predict(x).tolist() == list(y)
    assert model.score(x, y) == 1


def test_targets_in_another_order_than_the_rows_are_warned_of() -> None:
    frame = pd.DataFrame({"a": np.arange(30.0)})
    y = pd.Series(np.arange(30.0)).sample(frac=1, random_state=0)
    with pytest.warns(UserWarning, match=r"X and y have the same index in another order, .* write y\.loc\[X\.index\]"):
        fs.MLPRegressor(max_iter=1, random_state=0).fit(frame, y)


@pytest.mark.parametrize("index", [range(30), range(5, 35), list("ab" * 15)], ids=["same", "other", "not unique"])
def test_other_indexes_are_nobodys_business(index: Any) -> None:
    frame = pd.DataFrame({"a": np.arange(30.0)}, index=index if index != range(5, 35) else range(30))
    fs.MLPRegressor(max_iter=1, random_state=0).fit(frame, pd.Series(np.arange(30.0), index=index))


@pytest.mark.parametrize(("dtype", "same"), [(torch.float64, np.float64), (torch.bfloat16, np.float32)])
def test_tensors_that_are_recorded_are_rows_and_targets(dtype: torch.dtype, same: type[np.floating]) -> None:
    x = torch.linspace(-1, 1, 20, dtype=dtype)[:, None]
    plain, y, weight = x.double().numpy().astype(same), x[:, 0].double(), torch.arange(1.0, 21)
    model = fs.MLPRegressor(hidden_layer_sizes=(4,), max_iter=2, random_state=0)
    expected = model.fit(plain, y.numpy(), sample_weight=weight.numpy()).predict(plain)
    recorded = [tensor.requires_grad_() for tensor in (x, y, weight)]
    assert np.array_equal(model.fit(*recorded).predict(x), expected)


def test_a_fit_inside_inference_mode_is_the_same() -> None:
    """Of two members at least one is trained by another thread, which is not inside."""
    x = np.linspace(-1, 1, 200)[:, None]
    model = fs.MLPRegressor(hidden_layer_sizes=(4,), members=2, max_iter=3, random_state=0)
    expected = model.fit(x, x[:, 0]).predict(x)
    with torch.inference_mode():
        inside = model.fit(x, x[:, 0]).predict(x)
    assert np.array_equal(inside, expected)


@pytest.mark.parametrize("kind", ["datetime64[D]", "timedelta64[D]"])
def test_masked_moments_are_gaps(kind: str) -> None:
    moments, hidden = np.arange(40).astype(kind).reshape(20, 2), np.eye(20, 2, dtype=bool)
    gaps = np.where(hidden, np.array("NaT", kind), moments)
    masked, plain = (
        fs.MLPRegressor(max_iter=2, random_state=0).fit(x, np.arange(20.0)).predict(x)
        for x in (np.ma.array(moments, mask=hidden), gaps)
    )
    assert np.array_equal(masked, plain)


IN_ARRAY = "make X a DataFrame with categories in column 0, or drop it"

LONG = np.where(np.arange(40) % 3, 2**53 + 1, 2**53 + 3)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            pd.DataFrame({"card": LONG, "b": 1.5}),
            r"make categories of it \(pandas: X\['card'\] = X\['card'\]\.astype\(",
        ),
        (pd.DataFrame({"card": pd.array([*LONG[:-1], None], dtype="Int64")}), "make categories of it"),
        (pd.DataFrame({"card": LONG, "b": ["x", "y"] * 20}), "make categories of it"),
        (pd.DataFrame({"card_id": 2**53 + 1 + np.arange(40), "b": ["x", "y"] * 20}), "make categories of it"),
        (pl.DataFrame({"card": LONG}), "make categories of it"),
        (np.stack([LONG % 7, LONG], 1)[:, ::-1], IN_ARRAY),
        (np.stack([LONG, LONG % 7], 1).tolist(), IN_ARRAY),
        ([(card, 0.5) for card in LONG], IN_ARRAY),
        (np.stack([LONG, LONG % 7], 1).astype(object), IN_ARRAY),
    ],
    ids=[
        "numbers alone",
        "with a gap",
        "beside words",
        "an identifier beside words",
        "polars",
        "an array",
        "lists",
        "tuples beside a fraction",
        "objects",
    ],
)
def test_whole_numbers_that_float64_rounds_are_warned_of_with_what_helps_in_python(rows: Any, said: str) -> None:
    warning = (
        rf"column '(card|card_id|0)' holds '900719925474\d+', .* float64 cannot tell .*; if these are codes, {said}"
    )
    with pytest.warns(UserWarning, match=warning):
        fs.MLPClassifier(recipe="standard", max_iter=1).fit(rows, np.arange(40) % 2)


@pytest.mark.parametrize("value", [2.0**60, 10**40])
def test_large_numbers_in_lists_that_are_no_codes_are_not_warned_of(value: float) -> None:
    rows = [[value * k] for k in range(40)]
    assert fs.MLPClassifier(max_iter=1).fit(rows, np.arange(40) % 2).n_features_in_ == 1


def test_what_the_warning_says_helps() -> None:
    x = pd.DataFrame({"card": LONG})
    x["card"] = x["card"].astype("category")
    model = fs.MLPClassifier(recipe="standard", max_iter=50, random_state=0).fit(x, np.arange(40) % 3 > 0)
    assert model.score(x, np.arange(40) % 3 > 0) == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([f"{7 * k:05d}" for k in range(40)], r"the like, .*; if these are codes, make categories of it"),
        ([*(str(k) for k in range(30)), *["none"] * 10], "numbers and 'none', .*; if that is no value, make it None"),
    ],
    ids=["codes", "likely gaps"],
)
def test_what_may_be_meant_otherwise_is_warned_of_with_what_helps_in_python(values: list[str], said: str) -> None:
    with pytest.warns(UserWarning, match=f"column 'c' holds .*{said}"):
        fs.MLPClassifier(recipe="standard", max_iter=1).fit(pd.DataFrame({"c": values}), np.arange(40) % 2)


DAYS_OF_2024 = np.array([20240100 + 100 * (k // 20) + k % 20 + 1 for k in range(40)])


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            pd.DataFrame({"day": DAYS_OF_2024}),
            r"make them dates \(pandas: X\['day'\] = pandas\.to_datetime\(X\['day'\], f",
        ),
        (pd.DataFrame({"day": DAYS_OF_2024, "b": ["x", "y"] * 20}), "make them dates"),
        (DAYS_OF_2024[:, None], "make X a DataFrame with dates in column 0"),
        (DAYS_OF_2024[:, None].tolist(), "make X a DataFrame with dates in column 0"),
    ],
    ids=["numbers alone", "beside words", "an array", "lists"],
)
def test_dates_written_as_one_number_are_hinted_at(rows: Any, said: str) -> None:
    with pytest.warns(
        UserWarning, match=f"column '(day|0)' holds '20240101' and the like, which may be dates, .*{said}"
    ):
        fs.MLPClassifier(recipe="standard", max_iter=1).fit(rows, np.arange(40) % 2)
