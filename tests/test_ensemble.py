"""From several trained networks to one that answers with their mean."""

import pytest
import torch

from fivestep.check import InputError
from fivestep.engines._engine import Engine
from fivestep.ensemble import ensemble_of, num_members
from fivestep.evaluation import evaluate
from fivestep.net import MLP, NetSpec
from fivestep.plan import TrainPlan
from tests.samples import numbers, small_engine, three_classes
from tests.tolerances import FORMULA, distance

LOSSES = {"mse": "identity", "poisson": "exp", "cross_entropy": "softmax", "binary_cross_entropy": "sigmoid"}


def networks(loss: str, spec: NetSpec | None = None) -> list[Engine]:
    spec = MLP(4, 6, 3, norm="batch_norm") if spec is None else spec
    return [small_engine("scratch", TrainPlan(loss=loss, seed=seed), spec) for seed in range(3)]


@pytest.mark.parametrize("loss", LOSSES)
def test_it_answers_with_the_mean_of_their_answers(loss: str) -> None:
    members, x = networks(loss), numbers(7, 4)
    together = ensemble_of(members)
    each = torch.stack([one.criterion.predicted(one.predict(x)) for one in members])
    assert distance(together.criterion.predicted(together.predict(x)), each.mean(0)) < FORMULA


def test_it_is_measured_as_any_network_and_no_worse_than_its_members_are_on_average() -> None:
    """The cross-entropy is convex in the probabilities, so that of their mean is at most the mean of theirs."""
    members, data = networks("cross_entropy", MLP(4, 6, 3)), three_classes()
    together = evaluate(ensemble_of(members), data.train).loss
    assert together <= sum(evaluate(one, data.train).loss for one in members) / 3


def test_its_spec_says_how_many_there_are() -> None:
    members = networks("mse")
    assert num_members(ensemble_of(members).spec) == 3
    assert num_members(members[0].spec) == 1


def test_a_generator_of_engines_is_an_ensemble_too() -> None:
    members, x = networks("mse"), numbers(7, 4)
    assert torch.equal(ensemble_of(one for one in members).predict(x), ensemble_of(members).predict(x))


def test_networks_of_another_kind_are_refused() -> None:
    first, second = networks("mse")[0], networks("mse", MLP(4, 7, 3))[0]
    with pytest.raises(InputError, match="members of an ensemble must be the same network and loss, got others"):
        ensemble_of([first, second])
