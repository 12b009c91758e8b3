"""What a report says of several trainings: which of them, and how their losses go."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn, optim
from torch.nn import functional as F  # noqa: N812

import fivestep as fs
from tests.doctor.loops import net, rows


def fit(model: nn.Module, x: Tensor, y: Tensor, steps: int = 25) -> None:
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


def squashed() -> nn.Module:
    return nn.Sequential(net(), nn.Softmax(1))


def some_squashed(number: int, faulty: set[int]) -> Callable[[], None]:
    """Folds of which some have a softmax too many."""

    def loop() -> None:
        x, y = rows()
        for fold in range(number):
            fit(squashed() if fold in faulty else net(), x, y)

    return loop


@pytest.mark.parametrize(
    ("number", "faulty", "words"),
    [
        (4, {1}, "in training 2 of 4"),
        (4, {0, 2}, "in trainings 1 and 3 of 4"),
        (9, {1, 3, 8}, "in trainings 2, 4 and 9 of 9"),
        (9, {0, 1, 2, 4, 5, 7, 8}, "in 7 of 9 trainings (1, 2, 3, 5, 6 and 2 more)"),
        (3, {0, 1, 2}, "in 3 of 3 trainings"),
    ],
)
def test_the_trainings_of_a_finding_are_named(number: int, faulty: set[int], words: str) -> None:
    torch.manual_seed(0)
    with fs.watch() as seen:
        some_squashed(number, faulty)()
    (found,) = seen.findings
    assert (found.sign, found.training) == ("softmax twice", words)
    assert seen.as_plain()["findings"][0]["trainings"] == [one + 1 for one in sorted(faulty)]


def test_a_finding_of_the_only_training_has_no_number() -> None:
    torch.manual_seed(0)
    with fs.watch() as seen:
        fit(squashed(), *rows())
    assert [one["trainings"] for one in seen.as_plain()["findings"]] == [None]


def told(*losses: list[float]) -> str:
    """The report of trainings with these losses, one after another."""

    def loop() -> None:
        for own in losses:
            w = torch.zeros(1, requires_grad=True)
            optimizer = optim.SGD([w], lr=1e-3)
            for loss in own:
                optimizer.zero_grad()
                (loss + (w - w.detach()).sum()).backward()
                optimizer.step()

    with fs.watch() as seen:
        loop()
    return str(seen)


HIGH, SLOW = [0.62, *[0.65] * 24], [0.62, *[0.64] * 4, *[0.59] * 20]
"""Losses that grow, and losses that begin low by chance and then fall."""


def test_of_losses_that_fall_though_the_very_first_was_low_nothing_is_said() -> None:
    assert told(SLOW, SLOW).endswith("\n\nNothing was found that keeps it from learning.")


def test_losses_that_grow_are_told_from_those_that_hardly_fall() -> None:
    flat, fine = [0.7, *[0.69] * 24], [1.0 - 0.03 * step for step in range(25)]
    grown = [0.5, *[0.55] * 24]
    sentences = told(HIGH, flat, grown, fine).splitlines()[-1]
    assert sentences.startswith(
        "Nothing was found that keeps it from learning in training 4 of 4. The loss grows in trainings 1 and 3 of 4, "
        "with 0.5 to 0.62 at the start and 0.55 to 0.65 at the end, and no reason was found. "
    )
    assert "The loss hardly falls in training 2 of 4, from 0.7 to 0.69, and no reason was found. " in sentences
    assert sentences.count("What cannot be seen: ") == 1


def ended(broken: type[Exception] | None) -> str:
    """The report of trainings that learn nothing: an error ends the second one, or the first call of a third model."""

    def loop() -> None:
        x, y = rows()
        for fold in range(3):
            model = net()
            optimizer = optim.SGD(model.parameters(), lr=0.01)
            for step in range(25):
                if broken is not None and (fold, step) == (1, 24):
                    raise broken
                optimizer.zero_grad()
                F.cross_entropy(model(x[:, : 6 - fold // 2]), y[torch.randperm(64)]).backward()
                optimizer.step()

    torch.manual_seed(0)
    seen = fs.watch()
    with pytest.raises(broken or RuntimeError), seen:
        loop()
    return str(seen)


def test_an_error_is_said_to_end_only_the_training_that_it_is_in() -> None:
    assert ", until the error" in ended(ZeroDivisionError)
    assert " in training 1 of 2, from " in ended(None)
    assert "until the error" not in ended(None)
