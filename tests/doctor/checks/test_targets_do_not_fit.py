"""A loss cannot be computed of the targets that it gets."""

import itertools
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import broken, net, rows, signs, train

Of = Callable[[Tensor, Tensor], Tensor]


def loop(loss: Of, num_outputs: int = 3) -> None:
    (x, y), model = rows(), net(num_outputs)
    train(model, lambda: loss(model(x), y))


@pytest.mark.parametrize(
    ("loss", "seen", "advice"),
    [
        (lambda z, y: F.cross_entropy(z, y.float()), "labels as int64", "y.long()"),
        (lambda z, y: F.cross_entropy(z, y.int()), "labels as int64", "y.long()"),
        (lambda z, y: F.cross_entropy(z, y.unsqueeze(1)), "without an axis of one", "y.squeeze(1)."),
        (lambda z, y: F.cross_entropy(z, y.float().unsqueeze(1)), "without an axis of one", "y.squeeze(1).long()"),
        (lambda z, y: F.cross_entropy(z, F.one_hot(y, 3)), "whole numbers for labels", "y.argmax(1)"),
        (lambda z, y: F.nll_loss(z.log_softmax(1), y.float()), "labels as int64", "y.long()"),
        (lambda z, y: F.cross_entropy(z, y[:-1]), "64 rows of one and 63 of the other", "view(-1, n)"),
        (lambda z, y: F.cross_entropy(z.view(16, 4, 3), y.view(16, 4)), "second axis", "logits.movedim(-1, 1)"),
    ],
)
def test_cross_entropy(loss: Of, seen: str, advice: str) -> None:
    (found,) = broken(lambda: loop(loss), (RuntimeError, ValueError))
    assert found.sign == "targets do not fit"
    assert seen in found.seen
    assert advice in found.advice


@pytest.mark.parametrize(
    ("loss", "seen", "advice"),
    [
        (lambda z, y: F.binary_cross_entropy_with_logits(z, y.float()), "both of one shape", "squeeze(1)"),
        (lambda z, y: F.binary_cross_entropy_with_logits(z.squeeze(1), y), "float32", "y.to(torch.float32)"),
        (lambda z, y: F.binary_cross_entropy(z.squeeze(1), y.clamp(max=1).float()), "probabilities", "with_logits"),
    ],
)
def test_a_binary_cross_entropy(loss: Of, seen: str, advice: str) -> None:
    (found,) = broken(lambda: loop(loss, 1), (RuntimeError, ValueError))
    assert found.sign == "targets do not fit"
    assert seen in found.seen
    assert advice in found.advice


def test_targets_that_fit() -> None:
    assert signs(lambda: loop(F.cross_entropy)) == []


def test_a_loss_that_was_caught_is_not_the_error_that_ended_it() -> None:
    def caught() -> None:
        with pytest.raises(RuntimeError):
            F.cross_entropy(torch.zeros(2, 3), torch.zeros(2))
        raise ZeroDivisionError

    assert broken(caught, ZeroDivisionError) == ()


def test_a_batch_after_the_first_rounds_is_looked_at_too() -> None:
    (x, y), model, number = rows(), net(), itertools.count()

    def late() -> Tensor:
        return F.cross_entropy(model(x), y[:-1] if next(number) == 40 else y)

    (found,) = broken(lambda: train(model, late, steps=50), ValueError)
    assert found.sign == "targets do not fit"
