"""The loss is no better than that of an answer which never looks at the row."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn, optim
from torch.nn import functional as F  # noqa: N812

import fivestep as fs
from fivestep.doctor._constant import constant_of
from tests.doctor.loops import findings, net, rows, signs, train

Loss = Callable[[Tensor, Tensor], Tensor]


def loop(are_shuffled_apart: bool, steps: int = 210, l2: float = 0.0, size: float = 1.0) -> None:
    (x, y), model = rows(4200), net()  # enough for each to come once: none can be memorized
    model[2].weight.data *= size
    if are_shuffled_apart:
        y = y[torch.randperm(4200)]
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for step in range(steps):
        part = torch.arange(step * 20, step * 20 + 20)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[part]), y[part])
        (loss + l2 * sum(p.square().sum() for p in model.parameters())).backward()
        optimizer.step()


def test_rows_and_labels_that_do_not_belong_together() -> None:
    (found,) = findings(lambda: loop(are_shuffled_apart=True))
    assert found.sign == "best constant not beaten"
    assert "the shares of the 3 classes as answer for every row have" in found.seen
    theirs = float(found.seen.split("every row have ")[1].split()[0])
    assert abs(theirs - math.log(3)) < 0.05  # the classes are nearly as frequent as each other


def of_two(loss_of: Loss, are_shuffled_apart: bool, lr: float = 0.1, steps: int = 210) -> None:
    (x, _), model = rows(4200), net(1)
    y = (x[:, :1] > 0).float()
    if are_shuffled_apart:
        y = y[torch.randperm(4200)]
    train(model, lambda: loss_of(model(x), y), steps, lr)


BINARY: list[Loss] = [
    F.binary_cross_entropy_with_logits,
    lambda logits, y: nn.BCELoss()(torch.sigmoid(logits).flatten(), y.flatten()),
]


@pytest.mark.parametrize("loss_of", BINARY, ids=["logits", "probabilities"])
def test_two_classes(loss_of: Loss) -> None:
    (found,) = findings(lambda: of_two(loss_of, are_shuffled_apart=True))
    assert (found.sign, "as answer for every row have 0.69" in found.seen) == ("best constant not beaten", True)
    assert "Look whether x and y belong together" in found.advice
    assert signs(lambda: of_two(loss_of, are_shuffled_apart=False)) == []


def once_through(model: nn.Module, x: Tensor, y: Tensor, optimizer: optim.Optimizer) -> None:
    """An epoch in batches of 20 rows."""
    for part in range(0, len(x), 20):
        optimizer.zero_grad()
        F.cross_entropy(model(x[part : part + 20]), y[part : part + 20]).backward()
        optimizer.step()


def test_a_rate_that_is_too_small_is_named() -> None:
    (found,) = findings(lambda: of_two(BINARY[0], are_shuffled_apart=False, lr=1e-4))
    assert "Try learning rates that are larger" in found.advice


def test_a_rate_that_is_too_large_is_named() -> None:
    def loop() -> None:
        x, y = rows(4200)
        model = nn.Sequential(nn.Linear(6, 16), nn.LeakyReLU(), nn.Linear(16, 16), nn.LeakyReLU(), nn.Linear(16, 3))
        y = y[torch.randperm(4200)]
        once_through(model, x, y, optim.Adam(model.parameters(), lr=1.0))

    (found,) = findings(loop)
    assert found.sign == "best constant not beaten"
    assert "Try learning rates that are smaller" in found.advice


def test_a_class_that_counts_more() -> None:
    weighted: Loss = lambda logits, y: F.binary_cross_entropy_with_logits(logits, y, pos_weight=torch.tensor(3.0))  # noqa: E731
    assert signs(lambda: of_two(weighted, are_shuffled_apart=True)) == []


def test_rows_that_are_ignored_are_no_class() -> None:
    """One in ten rows counts, of three classes alike: log 3 = 1.0986; with the others as a class it would be 0.43."""

    def loop() -> None:
        (x, y), model = rows(4200), net(4)
        y = torch.where(torch.arange(4200) % 10 == 0, y + 1, 0)
        train(model, lambda: F.cross_entropy(model(x), y, ignore_index=0), steps=210, lr=0.03)

    with fs.watch() as seen:
        loop()
    constant = constant_of(seen.record)
    assert constant is not None
    assert abs(constant.theirs - math.log(3)) < 0.01
    assert "has not learned" not in str(seen)


def test_a_loss_that_grows_is_told_of_its_steps() -> None:
    def loop() -> None:
        (x, y), model = rows(4200), net()
        once_through(model, x, y, optim.SGD(model.parameters(), lr=0.3, momentum=1.0))

    (found,) = findings(loop)
    assert found.sign == "best constant not beaten"
    assert "a tenth of the learning rate" in found.advice


def test_weights_that_were_far_too_large() -> None:
    found = findings(lambda: loop(are_shuffled_apart=True, size=8.0))
    assert [one.sign for one in found] == ["best constant not beaten"]
    assert "Begin with torch's own initial weights" in found[0].advice
    assert signs(lambda: loop(are_shuffled_apart=False, size=8.0)) == []


def test_those_that_do_and_too_few_updates() -> None:
    assert signs(lambda: loop(are_shuffled_apart=False)) == []
    assert signs(lambda: loop(are_shuffled_apart=True, steps=150)) == []


def test_a_loss_with_another_part() -> None:
    assert signs(lambda: loop(are_shuffled_apart=True, l2=1e-3)) == []


def test_with_a_cause_it_is_a_symptom() -> None:
    def loop() -> None:
        (x, y), model = rows(512), net()
        optimizer = optim.Adam(model.parameters(), lr=0.01, weight_decay=5)
        for _ in range(210):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()

    symptom, cause = findings(loop)
    assert (symptom.sign, symptom.advice) == ("best constant not beaten", "What follows may be why.")
    assert cause.sign == "shrunk by decay"
