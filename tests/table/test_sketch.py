"""The sketch of quantiles: exact while it is small, within its bound when it is not, the same merged and in parts."""

import numpy as np
import pytest

from fivestep.table.sketch import SIZE, QuantileSketch, quantiles_of_counts

SHARES = (0.0, 0.01, 0.25, 0.5, 0.75, 0.99, 1.0)
DRAWS = {
    "normal": lambda rng, n: rng.normal(size=n),
    "sorted": lambda rng, n: np.sort(rng.normal(size=n)),
    "falling": lambda _, n: np.arange(n, 0, -1.0),
    "few values": lambda rng, n: rng.integers(0, 7, n).astype(float),
    "heavy tail": lambda rng, n: rng.standard_cauchy(n),
    "saw": lambda _, n: np.arange(n) % 4096.0,
}


def sketch_of(values: np.ndarray, size: int = 30_000) -> QuantileSketch:
    sketch = QuantileSketch()
    for start in range(0, len(values), size):
        sketch.add(values[start : start + size])
    return sketch


def rank_error(values: np.ndarray, found: float, share: float) -> float:
    """How far the ranks that an answer has are from the one asked for, as a share of all."""
    in_order = np.sort(values)
    low, high = (int(np.searchsorted(in_order, found, side)) for side in ("left", "right"))
    place = share * (len(values) - 1)
    return max(0.0, (low - place - 1) / len(values), (place - high) / len(values))


def bound(num_values: int) -> float:
    """The bound that the sketch's docstring gives, as a share of all: h / (2k) with h = ceil(log2(N / 2k)) levels."""
    return float(max(0, np.ceil(np.log2(num_values / (2 * SIZE)))) / (2 * SIZE))


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
@pytest.mark.parametrize("num_values", [1, 2, 100, 2 * SIZE - 1])
def test_quantiles_of_few_numbers_are_those_of_numpy(draw: object, num_values: int) -> None:
    values = draw(np.random.default_rng(0), num_values)  # type: ignore[operator]
    expected = np.quantile(values, SHARES)
    assert sketch_of(values, 77).quantiles(*SHARES) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
@pytest.mark.parametrize("num_values", [2 * SIZE, 50_001, 1_000_000])
def test_ranks_of_many_numbers_are_within_the_bound(draw: object, num_values: int) -> None:
    values = draw(np.random.default_rng(1), num_values)  # type: ignore[operator]
    sketch = sketch_of(values)
    errors = [rank_error(values, *pair) for pair in zip(sketch.quantiles(*SHARES), SHARES, strict=True)]
    assert max(errors) <= bound(num_values) + 1 / num_values


def test_a_million_numbers_take_a_few_levels_of_memory() -> None:
    sketch = sketch_of(np.random.default_rng(0).normal(size=1_000_000))
    assert sum(len(level) for level in sketch._levels) < 2 * SIZE * 10


def test_the_ends_and_the_count_are_exact() -> None:
    values = np.random.default_rng(0).normal(size=100_000)
    sketch = sketch_of(values)
    assert (sketch.count, sketch.least, sketch.largest) == (100_000, values.min(), values.max())


def test_the_same_numbers_in_the_same_order_give_the_same_answer_however_they_are_cut() -> None:
    values = np.random.default_rng(0).normal(size=100_000)
    assert sketch_of(values, 999).quantiles(*SHARES) == sketch_of(values, 50_000).quantiles(*SHARES)


@pytest.mark.parametrize("num_parts", [2, 7])
def test_merged_sketches_are_within_the_bound_of_all(num_parts: int) -> None:
    values = np.random.default_rng(2).normal(size=300_000)
    merged = QuantileSketch()
    for part in np.array_split(np.sort(values), num_parts):
        merged.merge(sketch_of(part))
    errors = [rank_error(values, *pair) for pair in zip(merged.quantiles(*SHARES), SHARES, strict=True)]
    assert merged.count == len(values)
    assert max(errors) <= bound(len(values)) + 1 / len(values)


@pytest.mark.parametrize("shares", [(0.25, 0.5, 0.75), (0.0, 1.0, 0.1)])
def test_quantiles_of_counted_numbers_are_those_of_the_repeated_ones(shares: tuple[float, ...]) -> None:
    rng = np.random.default_rng(3)
    values, counts = rng.permutation(20).astype(float), rng.integers(1, 9, 20)
    expected = np.quantile(np.repeat(values, counts), shares)
    assert quantiles_of_counts(values, counts, *shares) == pytest.approx(expected, rel=1e-12)
