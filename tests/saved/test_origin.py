"""What a run was begun with, beside its configuration."""

from dataclasses import replace

import pytest
import torch

from fivestep.check import InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.saved.config import Config
from fivestep.saved.origin import Origin, check_same
from tests.samples import small_engine, small_net, small_plan, three_classes

DATA = three_classes(valid=10, weighted=True)


def with_rows(train: Rows) -> Dataset:
    return replace(DATA, train=train)


def test_it_reads_back_the_same() -> None:
    origin = Origin.here(2, DATA)
    assert Origin.from_dict(origin.to_dict()) == origin
    origin.check(Origin.here(2, DATA))


def test_the_test_part_does_not_count_for_it_is_not_looked_at() -> None:
    Origin.here(1, DATA).check(Origin.here(1, replace(DATA, test=DATA.train)))


@pytest.mark.parametrize("name", ["stored", "y", "weight"])
def test_one_number_more_or_less_is_another_data_set(name: str) -> None:
    train = Rows(DATA.train.stored.clone(), DATA.train.y.clone(), DATA.train.weight)
    changed = getattr(train, name).clone()
    changed.view(-1)[7] += 1
    setattr(train, name, changed)
    with pytest.raises(InputError, match="the train rows must be those that the run was begun with"):
        Origin.here(1, DATA).check(Origin.here(1, with_rows(train)))


def test_rows_in_another_order_or_of_another_type_are_another_data_set() -> None:
    order = torch.arange(len(DATA.train)).flip(0)
    for train in (DATA.train.take(order), Rows(DATA.train.stored.float(), DATA.train.y, DATA.train.weight)):
        with pytest.raises(InputError, match="the train rows must be those"):
            Origin.here(1, DATA).check(Origin.here(1, with_rows(train)))


def on(machine: dict[str, str], **others: str) -> Origin:
    return replace(Origin.here(1, DATA), machine={**machine, **others})


def test_another_machine_is_named_in_what_both_say(recwarn: pytest.WarningsRecorder) -> None:
    """A run that was begun before registers were asked for, and one whose engine divides nothing, go on in silence."""
    machine = dict(Origin.here(1, DATA, divides=True).machine)
    older = {name: machine[name] for name in ("torch", "threads", "processor")}
    for then, now in ((older, machine), (machine, older)):
        on(then).check(on(now))
    assert not recwarn.list
    then = on(machine, **{"registers": "none", "divided among": "64"})
    expected = rf"got registers {machine['registers']} \(then none\), divided among \d+ \(then 64\); last digits may"
    with pytest.warns(UserWarning, match=expected):
        then.check(on(machine))
    with pytest.warns(UserWarning, match=r"got ranks 2 \(then 1\); last digits"):
        on(machine).check(on(machine, ranks="2"))
    with pytest.warns(UserWarning, match=r"got ranks 1 \(then 2\); last digits"):
        on(machine, ranks="2").check(on(machine))


def test_what_is_divided_is_asked_where_an_engine_divides() -> None:
    assert "divided among" not in Origin.here(1, DATA).machine
    assert int(Origin.here(1, DATA, divides=True).machine["divided among"]) >= 1


def test_what_would_make_another_run_is_named() -> None:
    own = Config.of(small_engine("scratch"), small_plan(), {})
    check_same(replace(own, plan=small_plan(epochs=99)), own)
    other = Config.of(
        small_engine("nn", small_plan(momentum=0.9), small_net(init="zeros"), "float32"), small_plan(), {}
    )
    with pytest.raises(
        InputError, match=r"got momentum 0\.9 \(in the run None\), init zeros \(in the run torch\), engine"
    ):
        check_same(replace(other, plan=small_plan(momentum=0.9)), own)
