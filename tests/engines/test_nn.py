"""The oracle is what a professional writes: a plain loop of torch, to the bit."""

from typing import Any

import pytest
import torch
from torch import nn

from fivestep.plan import TrainPlan
from tests.samples import do_steps, small_engine, small_net, small_plan, three_classes

DATA = three_classes(20)


def plain_torch(plan: TrainPlan, optimizer_of: Any, clip_norm: float | None = None) -> nn.Sequential:
    """Five steps of the full batch by a loop that knows nothing of fivestep."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double()
    optimizer, loss_function = optimizer_of(model.parameters()), nn.CrossEntropyLoss()
    for _ in range(5):
        loss = loss_function(model(DATA.train.x), DATA.train.y)
        optimizer.zero_grad()
        loss.backward()
        if clip_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        optimizer.step()
    return model


@pytest.mark.parametrize(
    ("options", "optimizer_of"),
    [
        ({"momentum": 0.9, "nesterov": True}, lambda w: torch.optim.SGD(w, 0.1, momentum=0.9, nesterov=True)),
        ({"weight_decay": 0.1}, lambda w: torch.optim.SGD(w, 0.1, weight_decay=0.1)),
        ({"optimizer": "adam"}, lambda w: torch.optim.Adam(w, 0.1)),
        ({"optimizer": "adamw"}, lambda w: torch.optim.AdamW(w, 0.1)),
        ({"clip_norm": 0.01}, lambda w: torch.optim.SGD(w, 0.1)),
    ],
    ids=["nesterov", "decay", "adam", "adamw", "clipped"],
)
def test_training_is_a_plain_torch_loop_to_the_bit(options: dict[str, Any], optimizer_of: Any) -> None:
    plan = small_plan(batch_size=None, epochs=5, **options)
    engine = small_engine("nn", plan)
    do_steps(engine, DATA, plan, 1, 5)
    expected = plain_torch(plan, optimizer_of, options.get("clip_norm")).state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in engine.named_parameters().items())


def test_the_model_is_a_sequential_of_torchs_own_modules() -> None:
    engine = small_engine("nn")
    assert [type(module) for module in engine.model] == [nn.Linear, nn.Tanh, nn.Linear]


def test_parameters_and_gradients_of_the_model_are_the_flat_vectors() -> None:
    engine = small_engine("nn", small_plan(optimizer="adam"))
    engine.train_step(DATA.train.x, DATA.train.y)
    engine.params.flat.fill_(7)
    engine.params.grad.fill_(8)
    assert all((parameter == 7).all() for parameter in engine.model.parameters())
    assert all((parameter.grad == 8).all() for parameter in engine.model.parameters())


def test_making_an_engine_leaves_torchs_global_draws_alone() -> None:
    before = torch.get_rng_state()
    small_engine("nn", spec=small_net(dropout=0.5))
    assert torch.equal(torch.get_rng_state(), before)


def test_dropout_is_on_in_forward_and_off_in_predict() -> None:
    engine = small_engine("nn", spec=small_net(dropout=0.5))
    engine.predict(DATA.train.x)
    assert not engine.model.training
    engine.forward(DATA.train.x)
    assert engine.model.training
