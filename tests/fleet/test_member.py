"""A network that was trained elsewhere: the same to the bit, and made only when one looks at it."""

import pickle
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from fivestep.engines._engine import Engine
from fivestep.epoch import Epoch
from fivestep.fleet import train_members
from fivestep.fleet.alike import PackMember
from fivestep.fleet.member import Member, Packed, Trained, packed, result_of, unpacked
from tests.samples import ENGINES, small_engine, small_net, small_plan, three_classes

DATA = three_classes(valid=20)
PLAN = small_plan(optimizer="adam", ema=0.5, epochs=4, restore_best=True)


def trained_here_and_told(name: str) -> tuple[Member, Trained]:
    member = Member(DATA, PLAN, small_engine(name, PLAN, small_net(activation="relu")))
    train_members([member], until=2)
    return member, pickle.loads(pickle.dumps(result_of(member)))


def test_the_engine_of_a_network_trained_elsewhere_is_made_when_one_looks_at_it() -> None:
    here, said = trained_here_and_told("scratch")
    made: list[Engine] = []

    def make() -> Engine:
        made.append(small_engine("scratch", PLAN, small_net(activation="relu")))
        return made[0]

    elsewhere = Member(DATA, PLAN, make)
    elsewhere.take_result(said)
    assert elsewhere.history == here.history
    assert not made
    assert torch.equal(elsewhere.engine.params.flat, here.engine.params.flat)
    assert [elsewhere.engine] == made


def test_a_network_is_shown_by_its_last_epoch_and_its_engine_is_not_made() -> None:
    here, said = trained_here_and_told("scratch")
    made: list[Engine] = []
    elsewhere = Member(DATA, PLAN, lambda: made.append(here.engine) or here.engine)  # type: ignore[func-returns-value]
    assert repr(elsewhere) == "Member(data, seed 1, no epoch yet)"
    elsewhere.take_result(said)
    assert repr(elsewhere) == repr(here) == f"Member(data, seed 1, {here.history[-1]})"
    elsewhere.take_result(said._replace(diverged="the loss became nan at step 3"))
    assert repr(elsewhere) == "Member(data, seed 1, diverged: the loss became nan at step 3)"
    assert not made


@pytest.mark.parametrize("schedule", ["plateau:patience=0", "adaptive:patience=0", "warmup:then=plateau"])
def test_a_rate_that_answers_to_what_is_seen_is_shown_each_epoch(schedule: str) -> None:
    """Measured at its end only, a network would keep its first rate."""
    member = Member(DATA, small_plan(epochs=4, schedule=schedule), lambda: small_engine("scratch"))
    assert member.evaluates_each
    assert not Member(DATA, small_plan(epochs=4, schedule="warmup:then=cosine"), member.new_engine).evaluates_each


@pytest.mark.filterwarnings("ignore:engine 'fused' falls back")
@pytest.mark.parametrize("name", ENGINES)
def test_a_network_trained_elsewhere_goes_on_to_the_bit(name: str) -> None:
    here, said = trained_here_and_told(name)
    elsewhere = Member(DATA, PLAN, small_engine(name, PLAN, small_net(activation="relu")))
    elsewhere.take_result(said)
    train_members([here, elsewhere])
    assert torch.equal(elsewhere.engine.params.flat, here.engine.params.flat)
    ours, theirs = ([replace(one, seconds=0, rows_per_second=0) for one in of.history] for of in (elsewhere, here))
    assert ours == theirs
    assert len(ours) == PLAN.epochs


def in_pack(numbers: Sequence[int], num_weights: int = 3, left_out: int | None = None) -> list[PackMember]:
    """Networks that have had their turn in one pack, in which one may have diverged."""
    weights = np.arange(num_weights) + np.array(numbers)[:, None] / 10
    state = {"flat": weights, "buffers": np.zeros((len(numbers), 0))}
    return [
        PackMember(Epoch(1, number, 0.1, 0.5, 0.4, None, None, None, 1.0, 100.0), state, -weights, place)
        for place, number in enumerate(numbers)
        if number != left_out
    ]


def plain(networks: "Sequence[Trained | PackMember]") -> list[object]:
    assert all(isinstance(network, PackMember) for network in networks)
    return [
        (n.epoch, {name: rows[n.place].tolist() for name, rows in n.state.items()}, n.gradients[n.place].tolist())
        for n in networks
        if isinstance(n, PackMember)
    ]


def test_networks_that_are_alike_are_sent_as_one_pack_and_are_the_same_after() -> None:
    networks: list[Trained | PackMember] = [*in_pack(range(4)), *in_pack(range(4, 9), left_out=6), *in_pack([9])]
    pack = packed(networks)
    assert isinstance(pack, Packed)
    assert pack.state["flat"].shape == (9, 3)
    assert plain(unpacked(pickle.loads(pickle.dumps(pack)))) == plain(networks)


@pytest.mark.parametrize(
    "others", [[], in_pack([5], 4), [Trained({}, {}, [], None)]], ids=["none", "larger", "trained"]
)
def test_others_are_sent_as_they_are(others: "list[Trained | PackMember]") -> None:
    networks = [*in_pack([0]), *others] if others else []
    assert packed(networks) is networks
    assert unpacked(networks) is networks
