"""Probabilities go into a loss that expects logits."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

import fivestep as fs
from tests.doctor.loops import classify, findings, net, rows, signs, train


@pytest.mark.parametrize("last", [nn.Softmax(dim=1), nn.Softmax(dim=-1)])
def test_a_softmax_before_cross_entropy(last: nn.Module) -> None:
    assert signs(lambda: classify(nn.Sequential(net(), last))) == ["softmax twice"]


@pytest.mark.parametrize("last", [nn.Identity(), nn.LogSoftmax(dim=1)])
def test_logits_and_their_log_softmax_which_is_harmless(last: nn.Module) -> None:
    assert signs(lambda: classify(nn.Sequential(net(), last))) == []


def test_the_lowest_loss_is_what_is_said() -> None:
    """Three classes, all probability on the right one: -log(e / (e + 2)) = 0.5514."""
    with fs.watch() as seen:
        classify(nn.Sequential(net(), nn.Softmax(dim=1)))
    assert "no loss below 0.5514 can be reached" in seen.findings[0].seen


def test_one_over_the_rows_instead_of_the_classes() -> None:
    with fs.watch() as seen:
        classify(nn.Sequential(net(), nn.Softmax(dim=0)))
    (found,) = seen.findings
    assert found.sign == "softmax twice"
    assert "over another axis than the classes" in found.seen


@pytest.mark.parametrize("name", ["nll_loss", "cross_entropy"])
def test_one_before_a_log_softmax(name: str) -> None:
    def loop(*layers: nn.Module) -> None:
        (x, y), model = rows(), nn.Sequential(net(), *layers)
        train(model, lambda: getattr(F, name)(model(x), y))

    (found,) = findings(lambda: loop(nn.Softmax(dim=1), nn.LogSoftmax(dim=1)))
    assert found.sign == "softmax twice"
    assert "no loss below 0.5514 can be reached" in found.seen
    assert signs(lambda: loop(nn.LogSoftmax(dim=1))) == []


def by_hand(first: Callable[[Tensor], Tensor], second: Callable[[Tensor], Tensor]) -> None:
    """A loss of log probabilities that were picked by hand, `second` of `first` of the logits."""
    (x, y), model = rows(), net()
    train(model, lambda: -second(first(model(x)))[torch.arange(64), y].mean())


@pytest.mark.parametrize(
    "second",
    [lambda z: z.log_softmax(1), lambda z: z.log_softmax(-1), lambda z: z.softmax(1).log()],
    ids=["log_softmax", "another name of the axis", "softmax"],
)
def test_two_in_a_loss_by_hand(second: Callable[[Tensor], Tensor]) -> None:
    (found,) = findings(lambda: by_hand(nn.Softmax(dim=1), second))
    assert found.sign == "softmax twice"
    assert "none of its shares is above 0.5761" in found.seen  # e / (e + 2)


def test_one_two_over_other_axes_and_one_that_is_sharpened() -> None:
    assert signs(lambda: by_hand(nn.Identity(), nn.LogSoftmax(dim=1))) == []
    assert signs(lambda: by_hand(nn.Softmax(dim=0), nn.LogSoftmax(dim=1))) == []
    assert signs(lambda: by_hand(lambda z: 9 * z.softmax(1), nn.LogSoftmax(dim=1))) == []


def test_one_that_is_only_shown() -> None:
    (x, y), model = rows(), nn.Sequential(net(), nn.Softmax(dim=1))

    def shown() -> Tensor:
        probabilities = model(x)
        probabilities.softmax(1)
        return -probabilities[torch.arange(64), y].log().mean()

    assert signs(lambda: train(model, shown)) == []


def test_a_validation_loss_without_gradient_hides_nothing() -> None:
    def validated() -> None:
        (x, y), model = rows(), nn.Sequential(net(), nn.Softmax(dim=0))
        train(model, lambda: F.cross_entropy(model(x), y))
        with torch.no_grad():
            F.cross_entropy(model(x), y)

    assert signs(validated) == ["softmax twice"]


def test_a_loss_that_nothing_learns_from_is_not_judged() -> None:
    assert signs(lambda: F.cross_entropy(torch.eye(3), torch.arange(3))) == []
