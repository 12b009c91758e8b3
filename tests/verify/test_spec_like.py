"""The network that a module is, where it can be told."""

import pytest
import torch
from torch import nn

from fivestep.activations._base import Activation
from fivestep.layer import Memo
from fivestep.net import MLP
from fivestep.verify import spec_like
from tests.contracts.cases import Item, items
from tests.samples import small_net
from tests.verify import modules
from tests.verify.samples import plan_for, rows_for

ROWS = rows_for(plan_for())


@pytest.mark.parametrize(
    ("module", "layers"),
    [
        (modules.Usual(), ["linear:out_features=6", "tanh", "linear"]),
        (
            modules.Normalized(),
            ["linear:out_features=6,bias=false", "batch_norm:eps=1e-05,momentum=0.1", "relu", "linear"],
        ),
        (
            nn.Sequential(nn.Flatten(), nn.Linear(4, 5), nn.GELU(approximate="tanh"), nn.Linear(5, 3, bias=False)),
            ["linear:out_features=5", "gelu_tanh", "linear:bias=false"],
        ),
        (nn.Linear(4, 3), ["linear"]),
    ],
    ids=["usual", "normalized", "stack", "linear"],
)
def test_layers_are_read_in_the_order_in_which_rows_pass_them(module: nn.Module, layers: list[str]) -> None:
    spec = spec_like(module, small_net(), ROWS)
    assert spec is not None
    assert [str(choice) for choice in spec.layers] == layers
    assert spec.num_parameters == sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(item, id=str(item))
        for item in items("activations")
        if isinstance(item.build(), Activation) and type(item.build().twin()).__module__.startswith("torch.nn")
        if item.name != "identity"  # which is left out of a stack
    ],
)
def test_every_activation_of_torch_is_read_with_its_options(item: Item) -> None:
    spec = spec_like(nn.Sequential(nn.Linear(4, 6), item.build().twin(), nn.Linear(6, 3)), small_net(), ROWS)
    assert spec is not None
    assert spec.build()[1] == item.build()


@pytest.mark.parametrize(
    "norm",
    [
        *(nn.LayerNorm(6, 1e-3, elementwise_affine=affine) for affine in (True, False)),
        *(nn.RMSNorm(6, eps, elementwise_affine=affine) for eps in (None, 1e-3) for affine in (True, False)),
        *(nn.BatchNorm1d(6, 1e-3, 0.2, affine=affine) for affine in (True, False)),
    ],
    ids=str,
)
def test_normalizations_are_read_with_their_options(norm: nn.Module) -> None:
    spec = spec_like(nn.Sequential(nn.Linear(4, 6), norm, nn.Linear(6, 3)), small_net(), ROWS)
    assert spec is not None
    options = [str(one).partition("(")[2] for one in (spec.build()[1].module(Memo(training=True)), norm)]
    assert options[0] == options[1]


@pytest.mark.parametrize(
    "module", [modules.Functional(), modules.Raw(), modules.Breaks()], ids=lambda m: type(m).__name__
)
def test_what_cannot_be_told_is_left_to_the_options(module: nn.Module) -> None:
    assert spec_like(module, MLP(4, 6, 3), ROWS) is None


def test_looking_leaves_no_trace() -> None:
    module, before = modules.Normalized(), torch.get_rng_state()
    kept = {key: value.clone() for key, value in module.state_dict().items()}
    spec_like(module, small_net(), ROWS)
    assert all(torch.equal(value, kept[key]) for key, value in module.state_dict().items())
    assert torch.equal(torch.get_rng_state(), before)
    assert not any(layer._forward_hooks for layer in module.modules())
