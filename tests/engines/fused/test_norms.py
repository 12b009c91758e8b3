"""Normalization of rows in the body for small networks: the steps of scratch."""

import pytest
import torch

from fivestep.net import MLP, NetSpec
from fivestep.plan import TrainPlan
from tests.engines.fused.small import DTYPES, SMALL, apart, data_of, net
from tests.samples import numbers, small_engine

NETS = {
    "before activations": MLP(5, 9, 17, 3, norm=("layer_norm", "rms_norm"), activation=("relu", "silu"), dropout=0.2),
    "first, last and in a row": net(
        "layer_norm", "linear:out_features=7", "rms_norm", "layer_norm", "linear", "rms_norm"
    ),
    "behind an activation": net("linear:out_features=7", "tanh", "layer_norm:eps=0.1", "linear"),
    "without parameters": net(
        "rms_norm:eps=0.1,elementwise_affine=false",
        "linear:out_features=7",
        "layer_norm:elementwise_affine=false",
        "dropout:p=0.3",
        "linear",
    ),
}


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES, ids=["float64", "float32"])
@pytest.mark.parametrize("spec", NETS.values(), ids=NETS)
def test_a_run_is_that_of_scratch(spec: NetSpec, dtype: str, tolerance: float) -> None:
    """In batches of more rows than fit into a tile, and what is left of them; outputs in evaluation mode as well."""
    plan = TrainPlan("mse", "adam", lr=0.01, batch_size=600, epochs=3, l2=0.1)
    assert apart(spec, plan, data_of(1003), dtype) < tolerance


def test_not_a_number_in_a_row_reaches_the_loss() -> None:
    engine = small_engine(SMALL, TrainPlan("mse"), NETS["before activations"])
    x = numbers(9, 5)
    x[3, 2] = torch.nan
    assert engine.train_step(x, numbers(9, 3, seed=1)).isnan()
