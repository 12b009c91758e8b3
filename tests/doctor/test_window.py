"""Which rounds are watched: the first ones of each training in a script, up to a bound."""

from collections.abc import Callable

import pytest
import torch
from torch import nn, optim
from torch.nn import functional as F  # noqa: N812

import fivestep as fs
from fivestep.doctor._events import Updated
from fivestep.doctor._record import Record, is_stuck
from fivestep.doctor._split import records_of
from fivestep.doctor._window import EVERY, FIRST, MOST
from tests.doctor.loops import classify, net, rows, signs


def rounds_of(loop: Callable[[], object]) -> list[int]:
    """The rounds whose update is watched."""
    return [event.round for event in record_of(loop).of(Updated)]


def record_of(loop: Callable[[], object]) -> Record:
    with fs.watch() as seen:
        loop()
    assert dict(seen.record.unseen) == {}
    return seen.record


def trained_twice(steps: int = 120) -> None:
    classify(net(), steps)
    classify(net(), steps)


def test_the_first_rounds_of_a_second_training_are_watched() -> None:
    at = 120
    assert rounds_of(trained_twice) == [*range(FIRST), 47, 48, 94, 95, *range(at, at + FIRST), 188, 189, 235, 236]


def test_the_first_rounds_of_a_training_are_watched_after_a_plot_of_its_schedule() -> None:
    def loop() -> None:
        model = net()
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        for _ in range(100):
            optimizer.step()
        classify(model, steps=60)

    assert set(range(100, 100 + FIRST)) < set(rounds_of(loop))


def test_a_second_optimizer_of_one_model_is_watched_from_its_second_update() -> None:
    def loop() -> None:
        model = net()
        classify(model, steps=110)
        classify(model, steps=110)

    assert rounds_of(loop)[FIRST + 4 :] == [*range(111, 111 + FIRST), 141, 142, 188, 189]


def test_a_model_that_is_called_between_backward_and_update_is_watched_from_the_next_round() -> None:
    def loop() -> None:
        (x, y), model, other = rows(), net(), net()
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        for step in range(60):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            if step == 40:
                other(x)
            optimizer.step()

    assert rounds_of(loop) == [*range(FIRST), *range(41, 60)]


def in_turn(num_members: int, steps: int) -> Callable[[], None]:
    """Members that are made one after another, model and optimizer, and then take turns."""

    def loop() -> None:
        x, y = rows()
        members = [net() for _ in range(num_members)]
        rules = [optim.SGD(model.parameters(), lr=0.1) for model in members]
        for _ in range(steps):
            for model, optimizer in zip(members, rules, strict=True):
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()

    return loop


@pytest.mark.parametrize("number", [5, 10])
def test_of_members_that_take_turns_each_has_its_first_rounds(number: int) -> None:
    assert rounds_of(in_turn(number, steps=FIRST))[: FIRST * number] == [*range(FIRST * number)]


@pytest.mark.parametrize("number", [5, 10, 25])
def test_of_members_that_take_turns_each_is_seen_later_too(number: int) -> None:
    later = {at % number for at in rounds_of(in_turn(number, steps=100)) if at >= MOST}
    assert later == set(range(number))


def test_models_without_end_cost_no_more_than_the_bound() -> None:
    def loop() -> None:
        for _ in range(100):
            classify(net(), steps=10)

    num_sparse = 2 * 1_000 // EVERY
    assert MOST <= len(rounds_of(loop)) <= MOST + num_sparse


def test_of_loops_by_hand_each_is_watched() -> None:
    def by_hand(steps: int = 100) -> None:
        (x, y), model = rows(), net()
        for _ in range(steps):
            F.cross_entropy(model(x), y).backward()
            with torch.no_grad():
                for p in model.parameters():
                    p -= 0.1 * p.grad
                    p.grad = None

    def loop() -> None:
        by_hand()
        by_hand()

    assert len(record_of(loop).losses) == 2 * FIRST + 8


def test_the_loss_of_two_trainings_that_learn_is_not_stuck() -> None:
    """The second one begins higher than the first one did, and does not come below that."""

    def loop() -> None:
        classify(net(), steps=40)
        wide = net()
        with torch.no_grad():
            wide[2].weight.mul_(20)
        classify(wide, steps=40, lr=0.005)

    record = record_of(loop)
    assert is_stuck(record.losses)
    assert [one.is_stuck for one in records_of(record)] == [False, False]


def test_the_loss_is_stuck_where_no_training_learns() -> None:
    def loop() -> None:
        for _ in range(2):
            model, (x, y) = net(), rows()
            optimizer = optim.SGD(model.parameters(), lr=3e-7)
            for _ in range(60):
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()

    assert [one.is_stuck for one in records_of(record_of(loop))] == [True, True]
    assert "size of updates" in signs(loop)


def restarted(steps: int, num_trainings: int) -> None:
    for _ in range(num_trainings):
        classify(nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3)), steps)


def slowly_learned() -> None:
    """Five folds of which the first rounds show little, while their ends do."""
    x, y = rows(200)
    for fold in range(5):
        model = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 3))
        optimizer = optim.SGD(model.parameters(), lr=0.02)
        rest = torch.arange(200) % 5 != fold
        for step in range(300):
            model.train()
            part = slice(step % 5 * 32, step % 5 * 32 + 32)
            optimizer.zero_grad()
            F.cross_entropy(model(x[rest][part]), y[rest][part]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(x[~rest]), y[~rest])


def distilled() -> None:
    """A teacher is trained, then a student on its answers, then both by turns, each with its own optimizer."""
    (x, y), teacher, student = rows(), net(), net()
    classify(teacher, 80)
    teacher.eval()
    optimizer = optim.Adam(student.parameters(), lr=0.01)
    for _ in range(80):
        with torch.no_grad():
            soft = teacher(x).softmax(1)
        optimizer.zero_grad()
        F.cross_entropy(student(x), soft).backward()
        optimizer.step()
    own = optim.SGD(teacher.train().parameters(), lr=0.01)
    for step in range(60):
        model, rule = [(teacher, own), (student, optimizer)][step % 2]
        rule.zero_grad()
        F.cross_entropy(model(x), y).backward()
        rule.step()


def head_after_body() -> None:
    """A body is pretrained with a head; then another head is trained on it, which lets gradients into the body."""
    x, y = rows()
    body = nn.Sequential(nn.Linear(6, 16), nn.ReLU())
    classify(nn.Sequential(body, nn.Linear(16, 3)), 70)
    model = nn.Sequential(body, nn.Linear(16, 3))
    optimizer = optim.SGD(model[1].parameters(), lr=0.1)
    for _ in range(70):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


def explained() -> None:
    """Gradients of a model that has been trained, for its rows, while another one is trained."""
    (x, y), first = rows(), net()
    classify(first, 60)
    classify(net(), 60)
    for _ in range(5):
        near = x.clone().requires_grad_()
        F.cross_entropy(first(near), y).backward()


@pytest.mark.parametrize(
    "loop",
    [
        *(lambda steps=steps, number=number: restarted(steps, number) for steps in (8, 25, 120) for number in (2, 12)),
        slowly_learned, distilled, head_after_body, explained,
    ],
)  # fmt: skip
def test_several_trainings_that_are_right(loop: Callable[[], None]) -> None:
    assert signs(loop) == []
