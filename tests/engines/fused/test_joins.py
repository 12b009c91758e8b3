"""Layers of layers, and layers of a factor, in the body for small networks: the steps of scratch."""

import pytest

from fivestep.net import NetSpec
from fivestep.plan import TrainPlan
from tests.engines.fused.small import DTYPES, apart, data_of, net

NETS = {
    "a residual block, at the beginning too": net(
        "residual:layers=['relu','linear:out_features=5','dropout:p=0.3']",
        "linear:out_features=9",
        "residual:layers=['linear:out_features=9','gelu']",
        "tanh",
        "linear",
    ),
    "one in another": net(
        "linear:out_features=9",
        "tanh",
        "residual:layers=['layer_norm','linear:out_features=4','tanh',\"residual:layers=['batch_norm','layer_norm']\","
        "'dropout:p=0.2','linear:out_features=9']",
        "linear",
    ),
    "without parameters": net(
        "residual:layers=['tanh']", "linear:out_features=6", "residual:layers=['relu']", "linear"
    ),
    "gates": net("gated:out_features=6,activation=silu,bias=true", "relu", "gated:out_features=4", "linear"),
    "learned strengths": net("scale", "linear:out_features=6", "parametric:activation=mish", "parametric", "linear"),
    "activations in steps": net(
        "linear:out_features=7",
        "celu:alpha=0.5",
        "linear:out_features=7",
        "hardtanh:min_val=-0.5",
        "linear:out_features=7",
        "hardsigmoid",
        "relu6",
        "parametric:activation=softsign",
        "parametric:activation=hardtanh",
        "linear",
    ),
    "factors": net(
        "standardize:mean=1.0,std=2.0",
        "ntk_linear:out_features=8",
        "relu",
        "scale",
        "ntk_linear:out_features=3,zero_init=true",
    ),
}


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES, ids=["float64", "float32"])
@pytest.mark.parametrize("spec", NETS.values(), ids=NETS)
def test_a_run_is_that_of_scratch(spec: NetSpec, dtype: str, tolerance: float) -> None:
    """In batches of more rows than fit into a tile, where the layers allow it; outputs in evaluation mode as well."""
    plan = TrainPlan("mse", "adam", lr=0.01, batch_size=600, epochs=3, l2=0.1)
    assert apart(spec, plan, data_of(1003), dtype) < tolerance
