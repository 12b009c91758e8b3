"""Parameters with a learning rate or a weight decay of their own, against torch's parameter groups."""

from collections.abc import Iterable
from typing import Any

import pytest
import torch
from torch import nn

from fivestep.check import InputError
from fivestep.find import Choice
from fivestep.net import NetSpec
from fivestep.optim._base import MatrixOptimizer, Optimizer
from fivestep.plan import TrainPlan
from tests.contracts.cases import Item, items
from tests.samples import ENGINES, do_steps, small_engine, small_plan, three_classes, weights_of
from tests.tolerances import ENGINES_FLOAT64, worst

DATA = three_classes(20)
NUM_STEPS = 5
FACTORS = {"0.weight": 1.0, "0.bias": 3.0, "2.weight": 0.5, "2.bias": 2.0}
"""What `lr_factors={"bias": 3.0, "2.weight": 0.5, "2.bias": 2.0}` means for the network 4-6-3."""

every_engine = pytest.mark.parametrize("name", ENGINES)
every_rule = pytest.mark.parametrize(
    "item", [pytest.param(i, id=str(i)) for i in items("optim") if not i.build().repeats]
)


def grouped_plan(item: Item, **options: Any) -> TrainPlan:
    factors = {"bias": 3.0, "2.weight": 0.5, "2.bias": 2.0}
    usual = {"lr_factors": factors, "no_decay": ("bias",), "weight_decay": 0.3, "batch_size": None, "epochs": NUM_STEPS}
    return small_plan(optimizer=item.choice, lr=0.02, **{**usual, **options})


def trained_by_torch(plan: TrainPlan) -> dict[str, torch.Tensor]:
    """A loop that knows nothing of engines: one optimizer with four groups, or two where vectors have their own."""
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double()
    model.load_state_dict(weights_of(small_engine("nn", plan)))
    named, rule, optimizers = dict(model.named_parameters()), plan.build_optimizer(), []
    if isinstance(rule, MatrixOptimizer):
        optimizers.append(in_groups(rule, plan.lr, {name: w for name, w in named.items() if w.dim() == 2}))
        rule, named = rule.rest(), {name: w for name, w in named.items() if w.dim() == 1}
    optimizers.append(in_groups(rule, plan.lr, named))
    for _ in range(NUM_STEPS):
        loss = nn.functional.cross_entropy(model(DATA.train.x), DATA.train.y)
        model.zero_grad()
        loss.backward()
        step(optimizers)
    return {name: value.detach() for name, value in model.named_parameters()}


def in_groups(rule: Optimizer, lr: float, named: dict[str, nn.Parameter]) -> torch.optim.Optimizer:
    """The torch optimizer with one group for each parameter, as torch's documentation shows it."""
    optimizer = rule.twin(named.values(), lr)
    usual = optimizer.param_groups[0]
    without_decay = {key: 0.0 for key in ("weight_decay", "decoupled_decay") if key in usual}
    optimizer.param_groups = [
        {**usual, "params": [w], "lr": lr * FACTORS[name], **(without_decay if "bias" in name else {})}
        for name, w in named.items()
    ]
    return optimizer


def step(optimizers: Iterable[torch.optim.Optimizer]) -> None:
    for optimizer in optimizers:
        optimizer.step()


@every_engine
@every_rule
def test_factors_and_spared_decay_are_torchs_parameter_groups(name: str, item: Item) -> None:
    plan = grouped_plan(item)
    engine = small_engine(name, plan)
    do_steps(engine, DATA, plan, 1, NUM_STEPS)
    assert worst(weights_of(engine), trained_by_torch(plan)).distance < max(item.case.tolerance, ENGINES_FLOAT64)


@every_engine
def test_each_plan_of_groups_moves_the_weights_elsewhere(name: str) -> None:
    """So that the test above cannot pass because nothing is done."""
    item = items("optim")[0]
    plans = [grouped_plan(item), grouped_plan(item, lr_factors={}), grouped_plan(item, no_decay=())]
    ends = {tuple(trained(name, plan).tolist()) for plan in plans}
    assert len(ends) == 3


def trained(name: str, plan: TrainPlan) -> torch.Tensor:
    engine = small_engine(name, plan)
    do_steps(engine, DATA, plan, 1, NUM_STEPS)
    return engine.params.flat


@every_engine
def test_a_layer_is_named_by_its_kind(name: str) -> None:
    """Of the two linear layers and the norm, only the norm's parameters stand still."""
    spec = NetSpec((Choice("linear", out_features=6), Choice("layer_norm"), Choice("linear")), 4, 3)
    plan = small_plan(batch_size=None, epochs=1, lr_factors={"layer_norm": 1e-300})
    engine = small_engine(name, plan, spec)
    before = weights_of(engine)
    do_steps(engine, DATA, plan, 1, 1)
    moved = {key for key, value in weights_of(engine).items() if (value - before[key]).abs().max() > 1e-100}
    assert moved == {"0.weight", "0.bias", "2.weight", "2.bias"}


@every_engine
@pytest.mark.parametrize("argument", ["lr_factors", "no_decay"])
def test_a_name_that_the_network_does_not_have_is_refused(name: str, argument: str) -> None:
    wrong = {"lr_factors": {"bais": 2.0}, "no_decay": ("bais",)}
    sentence = f"a name in {argument} must be one of 0.bias, .*, got 'bais'; did you mean 'bias'?"
    with pytest.raises(InputError, match=sentence):
        small_engine(name, small_plan(**{argument: wrong[argument]}))


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan"), "2"])
def test_a_factor_that_is_not_positive_is_refused(factor: Any) -> None:
    with pytest.raises(InputError, match=r"lr_factors\['bias'\] must be a finite number greater than 0, got"):
        small_plan(lr_factors={"bias": factor})
