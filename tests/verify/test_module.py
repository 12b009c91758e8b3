"""A module of somebody's own trains in lockstep with ours, or the report says where it parts."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from fivestep.check import InputError
from fivestep.net import MLP
from fivestep.verify import Comparison, verify
from fivestep.verify._module import ModuleEngine
from tests.samples import small_engine, small_net
from tests.tolerances import EXACT, FORMULA, distance
from tests.verify import modules
from tests.verify.samples import net, plan_for, rows_for

ROWS = rows_for(plan_for())
pytestmark = pytest.mark.usefixtures("without_shape_checks")


def compare(module: nn.Module, spec: Any = None, **options: Any) -> Comparison:
    found = verify(module, small_engine("scratch", plan_for(**options), spec or small_net()), ROWS, 8)
    assert isinstance(found, Comparison)
    return found


@pytest.mark.parametrize("make", modules.RIGHT)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"optimizer": "adam", "clip_norm": 0.1, "no_decay": ("bias",), "weight_decay": 0.1},
        {"optimizer": "lbfgs:max_iter=3", "batch_size": None, "lr": 0.1},
        {"micro_batch_size": 4, "clip_value": 0.01},
        {"l2": 0.5},
    ],
    ids=["sgd", "adam", "lbfgs", "parts", "l2"],
)
def test_a_right_module_agrees(make: Callable[[], nn.Module], options: dict[str, Any]) -> None:
    found = compare(make(), **options)
    assert found.agrees, str(found)
    assert found.num_agreeing == 8


def test_muon_is_another_rule_for_a_matrix_stored_the_other_way_round() -> None:
    """It scales a step by the shape of the matrix, (out, in) or (in, out): a difference that is real, and found."""
    assert compare(modules.Usual(), optimizer="muon").agrees
    found = compare(modules.Raw(), optimizer="muon")
    assert found.first is not None
    assert (found.first.step, found.first.part, str(found.first.key)) == (1, 5, "0.weight")


def test_running_statistics_are_compared_too() -> None:
    spec = net("linear:out_features=6,bias=false", "batch_norm", "relu", "linear")
    found = compare(modules.Normalized(), spec)
    assert found.agrees, str(found)
    assert {"1.running_mean", "1.running_var"} <= {str(key) for key in found.compared}


def test_a_module_may_stand_on_either_side_and_stays_as_it_was() -> None:
    module = modules.Usual()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    found = verify(small_engine("scratch", plan_for(), small_net()), module, ROWS, 8)
    assert found.agrees
    assert "Usual and scratch agree: 8 steps" in str(found)
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters())


@pytest.mark.parametrize(
    ("module", "part", "tensor", "reason"),
    [
        (
            modules.EndsWithSoftmax(),
            1,
            "logits",
            "these are softmax(logits): the loss takes the logits and applies softmax itself",
        ),
        (modules.AnotherActivation(), 1, "logits", "silu in place of layer 1 (tanh)"),
        (modules.ForgetsTheBias(), 1, "logits", "bias is left out of layer 0 (linear)"),
        (
            modules.DetachesTheFirstLayer(),
            4,
            "gradient of 0.weight",
            "the module has 0 everywhere: it is never computed",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_a_wrong_module_is_told_why(module: nn.Module, part: int, tensor: str, reason: str) -> None:
    found = compare(module)
    assert found.first is not None
    assert (found.first.step, found.first.part, str(found.first.key)) == (1, part, tensor)
    assert found.reason == reason.replace("the module", type(module).__name__)


def test_outputs_without_the_last_axis_are_the_same_numbers() -> None:
    class Squeezed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(4, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.linear(x).squeeze(-1)

    plan = plan_for(loss="mse")
    data = type(ROWS)(type(ROWS.train)(ROWS.train.x, ROWS.train.x.sum(1)))
    assert verify(Squeezed(), small_engine("scratch", plan, MLP(4, 1)), data, 5).agrees


def test_weights_go_to_the_module_and_come_back() -> None:
    engine = ModuleEngine.like(small_engine("scratch"), modules.Raw())
    weights = {name: torch.randn(w.shape).double() for name, w in engine.named_parameters().items()}
    engine.load_weights(weights)
    plain = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double()
    plain.load_state_dict(weights)
    assert distance(engine.predict(ROWS.train.x), plain(ROWS.train.x).detach()) < FORMULA


def test_a_state_put_back_is_the_same_run() -> None:
    x, y = ROWS.train.x, ROWS.train.y
    engine = ModuleEngine.like(small_engine("scratch", plan_for(optimizer="adam")), modules.Usual())
    engine.train_step(x, y)
    state = engine.state()
    losses = [engine.train_step(x, y) for _ in range(2)]
    engine.load_state(state, 1)
    assert max(distance(engine.train_step(x, y), loss) for loss in losses[:1]) == EXACT
    assert distance(engine.train_step(x, y), losses[1]) == EXACT


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        (
            modules.Drops(),
            "the module must draw nothing in training to be compared, got Dropout at 'drop'; set its prob",
        ),
        (
            nn.Linear(4, 3),
            r"the module must have the parameters of MLP 4-6-3, 0.weight \(6, 4\), .* got weight \(3, 4\), bias",
        ),
        (
            modules.Normalized(),
            r"the module must have the parameters of MLP 4-6-3, .*; describe the same network by --model",
        ),
        (modules.Breaks(), r"the module must take rows of the shape \(10, 4\), got RuntimeError: .*; fix its forward"),
        (modules.ReturnsTwo(), "the module must return one tensor of logits, got tuple; return it alone"),
        (modules.TooWide(), r"the module must return logits of the shape \(10, 3\), got \(10, 2\); fix its forward"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_a_module_that_does_not_fit_is_refused(module: nn.Module, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        compare(module)


def test_a_module_against_a_word_is_refused() -> None:
    with pytest.raises(InputError, match="other must be an engine, to compare a module with, got 'nn'; make one"):
        verify(modules.Usual(), "nn", ROWS)


def test_finite_differences_of_a_module_are_refused() -> None:
    with pytest.raises(InputError, match="one must be an engine for finite differences, got 'Usual'; compare it with"):
        verify(modules.Usual(), "finite-differences", ROWS)
