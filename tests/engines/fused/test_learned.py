"""A hidden layer for tables around torch's products, in two passes: the steps of scratch."""

from typing import Any

import pytest
import torch

from fivestep.engines.fused.larger import products
from fivestep.engines.fused.larger.learned import DropoutLayer, ParametricLayer
from fivestep.find import Choice
from fivestep.net import NetSpec
from fivestep.recipes._base import Facts, with_numbers
from fivestep.recipes.tabular import Tabular
from fivestep.steps import steps
from tests.samples import numbers, small_engine, small_plan, three_classes
from tests.tolerances import ENGINES_FLOAT32, ENGINES_FLOAT64, distance

LARGER = "fused:larger=true"
LAST = Choice("ntk_linear", zero_init=True)


def hidden(width: int, activation: str = "mish", p: float | None = None) -> list[Choice]:
    """One such layer."""
    dropout = [] if p is None else [Choice("dropout", p=p)]
    return [Choice("ntk_linear", out_features=width), Choice("parametric", activation=activation), *dropout]


def net(*layers: Choice) -> NetSpec:
    return NetSpec((*layers, Choice("ntk_linear")), 4, 3)


NETS = {
    "selu": net(*hidden(16, "selu")),
    "dropped": net(*hidden(32, "mish", 0.3), *hidden(48, "relu", 0.5)),
    "options of the activation": net(*hidden(16, "leaky_relu:slope=0.3"), *hidden(16, "elu:alpha=0.5", 0.1)),
    "dropout of all but a few": net(*hidden(32, "tanh", 0.9)),
    "dropout alone": NetSpec(
        (
            Choice("dropout", p=0.1),
            Choice("linear", out_features=23),
            Choice("relu"),
            Choice("dropout", p=0.4),
            Choice("layer_norm"),
            Choice("dropout", p=0.3),
            Choice("linear"),
        ),
        4,
        3,
    ),
    "others between": net(Choice("scale"), *hidden(16), Choice("layer_norm"), *hidden(20), *hidden(16, "silu", 0.2)),
}
PLANS: dict[str, dict[str, Any]] = {
    "plain descent": {},
    "adamw, rates and decay by groups": {
        "optimizer": "adamw:weight_decay=0.1",
        "lr_factors": {"weight": 0.1, "bias": 0.5},
        "no_decay": ("bias",),
        "lr": 0.01,
    },
    "clipped, L2": {"clip_norm": 0.5, "l2": 0.01},
}


@pytest.fixture(autouse=True)
def _as_where_units_are_not_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    """On ARM, or behind an embedding."""
    monkeypatch.setattr(products, "can_be_divided", lambda *_: False)


def learned(engine: Any) -> list[ParametricLayer]:
    return [piece for piece in engine._body._pieces if isinstance(piece, ParametricLayer)]


@pytest.mark.parametrize("options", PLANS.values(), ids=PLANS)
@pytest.mark.parametrize("spec", NETS.values(), ids=NETS)
def test_a_run_is_that_of_scratch(spec: NetSpec, options: dict[str, Any]) -> None:
    """Weights, the rule's memory, losses, and the gradient of the last step."""
    plan, data = small_plan(**options), three_classes(weighted=True)
    ours, scratch = small_engine(LARGER, plan, spec), small_engine("scratch", plan, spec)
    assert learned(ours) or any(isinstance(piece, DropoutLayer) for piece in ours._body._pieces)  # type: ignore[attr-defined]
    losses = torch.cat([step.losses for step in steps(ours, data, plan) if step.losses is not None])
    assert distance(losses, torch.stack([step.loss for step in steps(scratch, data, plan)])) < ENGINES_FLOAT64
    got = ours.state()
    assert max(distance(got[name], value) for name, value in scratch.state().items()) < ENGINES_FLOAT64
    assert distance(ours.params.grad, scratch.params.grad) < ENGINES_FLOAT64


def test_tokens_are_rows() -> None:
    x, y = numbers(6, 5, 4), numbers(6, 5, 3, seed=1)
    ours, scratch = (small_engine(name, small_plan(loss="mse"), NETS["dropped"]) for name in (LARGER, "scratch"))
    for engine in (ours, scratch):
        for _ in range(3):
            engine.train_step(x, y)
    assert distance(ours.params.flat, scratch.params.flat) < ENGINES_FLOAT64


def test_the_recipe_for_tables_is_that_of_scratch_in_float32() -> None:
    spec, plan = Tabular().prepare("mlp", {"epochs": 2, "batch_size": 16}, Facts(800, 4, 3, "classes"))
    spec, plan = with_numbers(spec, plan, range(4))
    ends = []
    for name in (LARGER, "scratch"):
        engine = small_engine(name, plan, NetSpec(spec.layers, 4, 3), dtype="float32")
        list(steps(engine, three_classes(), plan))
        ends.append(engine.params.flat)
    assert len(learned(small_engine(LARGER, plan, NetSpec(spec.layers, 4, 3)))) == 3
    assert distance(*ends) < ENGINES_FLOAT32


def test_units_beyond_whole_registers_are_done_as_in_scratch() -> None:
    assert not learned(small_engine(LARGER, small_plan(), net(*hidden(20))))


def test_not_a_number_in_a_strength_reaches_the_loss() -> None:
    engine = small_engine(LARGER, small_plan(), NETS["selu"])
    engine.params.weights[1]["weight"][3] = torch.nan
    assert engine.train_step(numbers(5, 4), torch.tensor([0, 1, 2, 0, 1])).isnan()
