"""Sparse rows are dense a window at a time, and learn the same bits as rows that are dense from the start."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch

import fivestep as fs
from fivestep.check import InputError
from fivestep.datasets._base import Dataset
from fivestep.estimators import _fitting, _sparse

pytestmark = [
    pytest.mark.usefixtures("without_shape_checks"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

CHANCE = np.random.default_rng(0)
WORDS = scipy.sparse.random_array((500, 40), density=0.1, rng=CHANCE, format="csr")
SUMS = WORDS.toarray() @ CHANCE.normal(size=40)
LABELS = np.where(np.median(SUMS) < SUMS, "above", "below")


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Every matrix counts as a large one, a window as two batches; notes whether rows came by windows."""
    noted: list[bool] = []
    streamed = _fitting.Fitting.streamed

    def note(*given: Any) -> Dataset | None:
        found = streamed(*given)
        noted.append(found is not None)
        return found

    monkeypatch.setattr(_fitting.Fitting, "streamed", note)
    monkeypatch.setattr(_fitting, "most_dense", lambda: 0)
    monkeypatch.setattr(_fitting, "rows_of_window", lambda _, batch_size: 2 * batch_size)
    return noted


COMMON: dict[str, Any] = {"hidden_layer_sizes": (8,), "max_iter": 3, "random_state": 0, "batch_size": 64}


@pytest.mark.parametrize("engine", ["auto", "scratch", "nn"])
@pytest.mark.parametrize("options", [{"recipe": "plain"}, {"recipe": "standard", "early_stopping": True}], ids=str)
def test_the_same_bits_as_from_dense_rows(streams: list[bool], engine: str, options: dict[str, Any]) -> None:
    dense = fs.MLPClassifier(**COMMON, **options, engine=engine).fit(WORDS.toarray(), LABELS)
    sparse = fs.MLPClassifier(**COMMON, **options, engine=engine).fit(WORDS, LABELS)
    assert streams == [False, True]
    assert np.array_equal(dense.predict_proba(WORDS), sparse.predict_proba(WORDS))
    assert dense.loss_curve_ == sparse.loss_curve_


@pytest.mark.parametrize("kind", ["bsr", "coo", "csc", "dok", "lil"])
def test_every_kind_of_sparse_rows_gives_the_same_answers(kind: str) -> None:
    expected = fs.MLPClassifier(**COMMON).fit(WORDS, LABELS).predict_proba(WORDS)
    rows = WORDS.asformat(kind)
    assert np.array_equal(fs.MLPClassifier(**COMMON).fit(rows, LABELS).predict_proba(rows), expected)


def test_numbers_and_weights_too(streams: list[bool]) -> None:
    weight = CHANCE.integers(1, 4, 500).astype(float)
    dense, sparse = (
        fs.MLPRegressor(**COMMON, recipe="standard").fit(x, SUMS, sample_weight=weight)
        for x in (WORDS.toarray(), WORDS)
    )
    assert streams == [False, True]
    assert np.array_equal(dense.predict(WORDS), sparse.predict(WORDS))


def test_the_first_rows_may_weigh_nothing(streams: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_fitting, "SAMPLE", 10)
    weight = (np.arange(500) >= 10).astype(float)
    dense, sparse = (
        fs.MLPRegressor(**COMMON, recipe="plain").fit(x, SUMS, sample_weight=weight) for x in (WORDS.toarray(), WORDS)
    )
    assert streams == [False, True]
    assert np.array_equal(dense.predict(WORDS), sparse.predict(WORDS))


@pytest.mark.parametrize(
    "options",
    [
        {"recipe": "sklearn"},
        {"recipe": "plain", "batch_size": "full"},
        {"recipe": "plain", "shuffle": False},
        {"recipe": "tabular"},
    ],
    ids=str,
)
def test_where_all_rows_must_be_there_they_are(streams: list[bool], options: dict[str, Any]) -> None:
    """Orders of NumPy's, one batch, no order, and percentiles of all rows, which `tabular` learns of many."""
    many, sums = scipy.sparse.vstack([WORDS, WORDS]), np.concatenate([SUMS, SUMS])
    dense, sparse = (fs.MLPRegressor(**{**COMMON, **options}).fit(x, sums) for x in (many.toarray(), many))
    assert streams == [False, False]
    assert np.array_equal(dense.predict(WORDS), sparse.predict(WORDS))


def test_rows_that_do_not_fit_when_they_are_dense_are_refused_with_the_estimate() -> None:
    wide = scipy.sparse.csr_array((200_000, 10_000_000))
    with pytest.raises(
        InputError, match=r"got 200,000 x 10,000,000 numbers, which take 7,451; make fewer columns of the"
    ):
        _sparse.all_dense(wide, lambda x: x.toarray(), 10_000_000, np.float32)


def test_a_window_holds_whole_batches() -> None:
    assert _sparse.rows_of_window(1000, 64) == 131 * 64
    assert _sparse.rows_of_window(10**9, 64) == 64


@pytest.mark.parametrize("what", ["data", "indices", "indptr", "y", "weight", "no weight"])
def test_rows_that_differ_in_anything_have_another_checksum(what: str) -> None:
    def rows(change: str) -> _sparse.SparseRows:
        values, columns, starts = np.array([1.0, 2.0, 3.0]), np.array([0, 1, 0]), np.array([0, 1, 3])
        y, weight = torch.tensor([0.0, 1.0]), torch.tensor([1.0, 2.0])
        values[2] += change == "data"
        columns[2] = 2 if change == "indices" else 0
        starts[1] += change == "indptr"
        y[1] += change == "y"
        weight[0] += change == "weight"
        matrix = scipy.sparse.csr_array((values, columns, starts), shape=(2, 3))
        return _sparse.SparseRows(matrix, np.asarray, y, None if change == "no weight" else weight, 2)

    assert rows("").checksum() == rows("").checksum()
    assert rows(what).checksum() != rows("").checksum()


@pytest.mark.parametrize("options", [{"recipe": "plain"}, {"recipe": "standard", "early_stopping": True}], ids=str)
def test_several_labels_in_a_sparse_matrix_come_back_in_one(options: dict[str, Any]) -> None:
    labels = np.stack([LABELS == "above", SUMS > 0], 1).astype(int)
    of_dense, of_sparse = (
        fs.MLPClassifier(**COMMON, **options).fit(WORDS, y) for y in (labels, scipy.sparse.csr_array(labels))
    )
    found = of_sparse.predict(WORDS)
    assert scipy.sparse.issparse(found)
    assert np.array_equal(found.toarray(), of_dense.predict(WORDS))
    assert of_sparse.score(WORDS, scipy.sparse.csr_array(labels)) == of_dense.score(WORDS, labels)
    assert of_sparse.validation_scores_ == of_dense.validation_scores_
