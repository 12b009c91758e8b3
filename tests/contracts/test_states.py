"""What holds for every update rule in every engine: a run that is taken up again continues with the same bits."""

import pytest
import torch

from fivestep.plan import TrainPlan
from tests.contracts.cases import Item, over
from tests.samples import ENGINES, do_steps, small_engine, small_plan, three_classes

DATA = three_classes(20)


def plan_of(item: Item) -> TrainPlan:
    """Eight steps, with a moving average where the rule has none of its own."""
    rule = item.build()
    return small_plan(
        optimizer=item.choice,
        batch_size=None if rule.repeats else 5,
        epochs=8,
        ema=None if rule.averages else 0.9,
    )


@pytest.mark.parametrize("name", ENGINES)
@over("optim")
def test_a_state_taken_and_put_back_continues_with_the_same_bits(name: str, item: Item) -> None:
    plan = plan_of(item)
    engine, other = small_engine(name, plan), small_engine(name, plan)
    do_steps(engine, DATA, plan, 1, 4)
    state = engine.state()
    do_steps(engine, DATA, plan, 5, 8)
    other.load_state(state, 4)
    do_steps(other, DATA, plan, 5, 8)
    got, expected = other.state(), engine.state()
    assert set(got) == set(expected)
    assert all(torch.equal(got[key], value) for key, value in expected.items())
    averaged, other_averaged = engine.averaged(), other.averaged()
    assert averaged is not None
    assert other_averaged is not None
    assert torch.equal(averaged, other_averaged)


@pytest.mark.parametrize("name", ENGINES)
@over("optim")
def test_a_state_is_a_copy(name: str, item: Item) -> None:
    plan = plan_of(item)
    engine = small_engine(name, plan)
    do_steps(engine, DATA, plan, 1, 2)
    state = engine.state()
    before = {key: value.clone() for key, value in state.items()}
    do_steps(engine, DATA, plan, 3, 4)
    assert all(torch.equal(value, before[key]) for key, value in state.items())


@pytest.mark.parametrize("name", ENGINES)
@over("optim")
def test_the_state_before_the_first_step_starts_again(name: str, item: Item) -> None:
    plan = plan_of(item)
    engine = small_engine(name, plan)
    state = engine.state()
    do_steps(engine, DATA, plan, 1, 3)
    first = engine.state()
    engine.load_state(state, 0)
    do_steps(engine, DATA, plan, 1, 3)
    assert all(torch.equal(engine.state()[key], value) for key, value in first.items())
