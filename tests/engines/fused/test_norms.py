"""Normalisation of rows in the body for small networks: the steps of scratch."""

import pytest
import torch

from fivestep.datasets._base import Dataset, Rows
from fivestep.find import Choice
from fivestep.net import MLP, NetSpec
from fivestep.plan import TrainPlan
from fivestep.steps import steps
from tests.samples import numbers, small_engine
from tests.tolerances import ENGINES_FLOAT32, ENGINES_FLOAT64, distance


def net(*layers: str) -> NetSpec:
    return NetSpec(tuple(map(Choice.parse, layers)), 5, 3)


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
DTYPES = [("float64", ENGINES_FLOAT64), ("float32", ENGINES_FLOAT32)]


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES, ids=["float64", "float32"])
@pytest.mark.parametrize("spec", NETS.values(), ids=NETS)
def test_a_run_is_that_of_scratch(spec: NetSpec, dtype: str, tolerance: float) -> None:
    """In batches of more rows than fit into a tile, and what is left of them; outputs in evaluation mode as well."""
    plan = TrainPlan("mse", "adam", lr=0.01, batch_size=600, epochs=3, l2=0.1)
    data, ends = Dataset(Rows(numbers(1003, 5) * 3 + 1, numbers(1003, 3, seed=1))), []
    for name in ("fused:larger=false", "scratch"):
        engine = small_engine(name, plan, spec, dtype)
        list(steps(engine, data, plan))
        x = numbers(77, 5, seed=2).to(engine.dtype)
        ends.append((engine.params.flat, engine.params.grad, engine.predict(x)))
    assert engine.name == "scratch"
    assert max(distance(ours, theirs) for ours, theirs in zip(*ends, strict=True)) < tolerance


def test_not_a_number_in_a_row_reaches_the_loss() -> None:
    engine = small_engine("fused:larger=false", TrainPlan("mse"), NETS["before activations"])
    x = numbers(9, 5)
    x[3, 2] = torch.nan
    assert engine.train_step(x, numbers(9, 3, seed=1)).isnan()
