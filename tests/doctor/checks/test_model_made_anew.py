"""A model within the loop over epochs, where it is lost."""

import copy
from collections.abc import Callable, Iterable

import pytest
import torch
from torch import Tensor, nn, optim
from torch.nn import functional as F  # noqa: N812
from torch.utils.data import DataLoader, TensorDataset

from tests.doctor.loops import findings, net, rows, signs

Batches = Iterable[tuple[Tensor, Tensor]]


def loader() -> Batches:
    return DataLoader(TensorDataset(*rows()), 16, shuffle=True)


def train(model: nn.Module, batches: Batches, lr: float = 0.05) -> nn.Module:
    optimizer = optim.Adam(model.parameters(), lr=lr)
    for x, y in batches:
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    return model


def each_epoch() -> None:
    batches, model = loader(), None
    for _ in range(8):
        model = train(net(), batches)
    assert model is not None


def each_step() -> None:
    batches = [rows()]
    for _ in range(30):
        train(net(), batches)


@pytest.mark.parametrize(("loop", "number"), [(each_epoch, 8), (each_step, 30)])
def test_it_forgets(loop: Callable[[], None], number: int) -> None:
    (found,) = findings(loop)
    assert found.sign == "model made anew"
    assert f"{number} models, each with new weights and a new Adam" in found.seen
    assert "optimizer.step()" in str(found.where)


def with_seeds() -> None:
    batches = loader()
    for seed in range(8):
        torch.manual_seed(seed)
        train(net(), batches)


def with_rates() -> None:
    batches = loader()
    for number in range(8):
        train(net(), batches, 0.1 * 0.7**number)


def members() -> list[nn.Module]:
    batches = loader()
    return [train(net(), batches) for _ in range(8)]


def folds() -> None:
    for _ in range(8):
        train(net(), loader())


def of_several_passes() -> None:
    batches = loader()
    for _ in range(8):
        train(net(), [row for _ in range(3) for row in batches])


def handed_on() -> None:
    batches, weights = loader(), net().state_dict()
    for _ in range(8):
        model = net()
        model.load_state_dict(weights)
        weights = copy.deepcopy(train(model, batches).state_dict())


def copies() -> None:
    batches, base = loader(), net()
    for _ in range(8):
        fast = train(copy.deepcopy(base), batches)
        with torch.no_grad():
            for slow, p in zip(base.parameters(), fast.parameters(), strict=True):
                slow.lerp_(p, 0.5)


@pytest.mark.parametrize("loop", [with_seeds, with_rates, members, folds, of_several_passes, handed_on, copies])
def test_models_that_are_meant_to_be_several(loop: Callable[[], object]) -> None:
    assert signs(loop) == []
