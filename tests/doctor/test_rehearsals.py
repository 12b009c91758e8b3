"""Optimizers that are stepped to show a schedule train nothing, and nothing is said of them."""

from collections.abc import Callable

import pytest
import torch
from torch import nn, optim
from torch.optim import lr_scheduler

import fivestep as fs
from tests.doctor.loops import classify, net, signs


def shown(weight: nn.Parameter, num_steps: int = 40) -> list[float]:
    """The rates of a cosine, as they are taken for a picture."""
    optimizer, rates = optim.SGD([weight], lr=0.2), []
    schedule = lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
    for _ in range(num_steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return rates


def alone() -> None:
    shown(nn.Parameter(torch.zeros(1)))


def before_training() -> None:
    shown(nn.Parameter(torch.zeros(1)))
    classify(net())


def with_the_weights_to_be_trained() -> None:
    model = net()
    shown(model[0].weight)
    classify(model)


def after_training() -> None:
    model = net()
    classify(model)
    model.zero_grad()
    shown(model[0].weight)


@pytest.mark.parametrize("loop", [alone, before_training, with_the_weights_to_be_trained, after_training])
def test_nothing_is_said_of_them(loop: Callable[[], None]) -> None:
    assert signs(loop) == []


def test_they_are_counted_in_the_title() -> None:
    with fs.watch() as seen:
        alone()
    assert seen.title == "SGD, lr 0.2; 40 updates"
    assert str(seen).endswith(
        "\n\nOptimizers took steps only to show the rates of their schedules: no parameter had a "
        "gradient, and nothing was trained."
    )


def test_a_model_that_is_called_between_the_updates_is_to_learn() -> None:
    def loop() -> None:
        model = net()
        optimizer = optim.SGD(model.parameters(), lr=0.2)
        schedule = lr_scheduler.CosineAnnealingLR(optimizer, T_max=40)
        for _ in range(40):
            model(torch.zeros(8, 6))
            optimizer.step()
            schedule.step()

    assert signs(loop) == ["backward not called"]
