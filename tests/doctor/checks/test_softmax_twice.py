"""Probabilities go into a loss that expects logits."""

import pytest
from torch import nn
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
