"""Normalization over the batch in the body for small networks: the steps of scratch."""

import pytest
import torch

from fivestep.check import InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.find import Choice
from fivestep.net import MLP, NetSpec
from fivestep.plan import TrainPlan
from fivestep.steps import steps
from tests.engines.fused.small import DTYPES, SMALL, apart, assert_resumes_to_the_same_bits, data_of, net
from tests.samples import numbers, small_engine
from tests.tolerances import ENGINES_FLOAT64, distance

USUAL = MLP(5, 9, 17, 3, norm="batch_norm", activation=("relu", "silu"), dropout=0.2)
NETS = {
    "before activations": USUAL,
    "first and last": net(
        "batch_norm:affine=false",
        "linear:out_features=7,bias=false",
        "batch_norm:momentum=0.3",
        "tanh",
        "batch_norm:affine=false",
        "linear:bias=false",
        "batch_norm:eps=0.1",
    ),
    "behind an activation, in plain means": net(
        "linear:out_features=7", "tanh", Choice("batch_norm", momentum=None), "linear"
    ),
}


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES, ids=["float64", "float32"])
@pytest.mark.parametrize("spec", NETS.values(), ids=NETS)
def test_a_run_is_that_of_scratch(spec: NetSpec, dtype: str, tolerance: float) -> None:
    """In batches of more rows than are otherwise done together, and what is left of them; rows have weights."""
    plan = TrainPlan("mse", "adam", lr=0.01, batch_size=600, epochs=3, l2=0.1)
    assert apart(spec, plan, data_of(1003, weighted=True), dtype) < tolerance


@pytest.mark.parametrize("part", [2, 7, 16, 33])
def test_parts_of_a_batch_have_statistics_of_their_own(part: int) -> None:
    plan = TrainPlan("mse", lr=0.01, batch_size=66, micro_batch_size=part, epochs=2)
    assert apart(USUAL, plan, data_of(198, weighted=True)) < ENGINES_FLOAT64


@pytest.mark.parametrize("num_rows", [2, 7, 8, 9, 15, 17, 63, 513, 3000])
def test_batches_of_any_size(num_rows: int) -> None:
    """Whole registers and rests, also more rows than there was room for before."""
    plan = TrainPlan("mse", lr=0.01, batch_size=None, epochs=3)
    assert apart(NETS["first and last"], plan, data_of(num_rows, weighted=True)) < ENGINES_FLOAT64


def test_tokens_count_as_rows() -> None:
    rows = Rows(numbers(12, 4, 5), numbers(12, 4, 3, seed=1))
    plan = TrainPlan("mse", lr=0.01, batch_size=5, epochs=2)
    assert apart(USUAL, plan, Dataset(rows, num_outputs=3)) < ENGINES_FLOAT64


@pytest.mark.parametrize(
    "options", [{"batch_size": 1}, {"batch_size": 10}, {"batch_size": 6, "micro_batch_size": 5}], ids=str
)
def test_a_single_row_is_refused(options: dict[str, int]) -> None:
    """As in scratch; of eleven rows, ten leave one over."""
    plan = TrainPlan("mse", **options)  # type: ignore[arg-type]
    data = data_of(11, weighted=True)
    with pytest.raises(InputError, match="batch_norm must have at least two rows in every training batch, got one"):
        list(steps(small_engine(SMALL, plan, USUAL), data, plan))


def test_the_steps_before_a_single_row_are_done() -> None:
    """As in scratch: two of ten rows."""
    plan, data, ends = TrainPlan("mse", batch_size=10), data_of(21, weighted=True), []
    for name in (SMALL, "scratch"):
        engine = small_engine(name, plan, USUAL)
        with pytest.raises(InputError, match="got one"):
            list(steps(engine, data, plan))
        ends.append(engine)
    assert [engine.num_updates for engine in ends] == [2, 2]
    assert distance(*(engine.params.flat for engine in ends)) < ENGINES_FLOAT64


def test_not_a_number_in_a_row_reaches_the_loss() -> None:
    engine = small_engine(SMALL, TrainPlan("mse"), USUAL)
    x = numbers(9, 5)
    x[3, 2] = torch.nan
    assert engine.train_step(x, numbers(9, 3, seed=1)).isnan()


def test_a_run_that_goes_on_has_the_bits_of_one_that_never_stopped() -> None:
    """Running statistics and the number of batches go with it."""
    plan, data = TrainPlan("mse", "adam", lr=0.01, batch_size=16, epochs=6), data_of(50, weighted=True)
    whole = assert_resumes_to_the_same_bits(USUAL, plan, data)
    assert whole.params.buffers.count_nonzero() == whole.params.buffers.numel()
