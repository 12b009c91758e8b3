"""nll_loss gets numbers that are no logarithms of probabilities."""

import pytest
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, rows, signs, train


def loop(last: nn.Module) -> None:
    (x, y), model = rows(), nn.Sequential(net(), last)
    train(model, lambda: F.nll_loss(model(x), y))


def divergence(model: nn.Module) -> None:
    x, y = rows()
    target = F.one_hot(y, 3).float()
    train(model, lambda: F.kl_div(model(x), target, reduction="batchmean"))


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (nn.Identity(), "no logarithms of probabilities"),
        (nn.Softmax(dim=1), "probabilities, not their logarithms"),
        (nn.LogSoftmax(dim=0), "no logarithms of probabilities"),
    ],
)
def test_logits_probabilities_and_the_wrong_axis(last: nn.Module, said: str) -> None:
    (found,) = findings(lambda: loop(last))
    assert found.sign == "not log probabilities"
    assert said in found.seen


def test_logarithms_of_probabilities() -> None:
    assert signs(lambda: loop(nn.LogSoftmax(dim=1))) == []


@pytest.mark.parametrize(
    ("last", "said"), [(nn.Softmax(dim=1), "kl_div gets probabilities"), (nn.Identity(), "numbers")]
)
def test_kl_div_of_what_is_no_logarithm(last: nn.Module, said: str) -> None:
    (found,) = findings(lambda: divergence(nn.Sequential(net(), last)))
    assert found.sign == "not log probabilities"
    assert said in found.seen


def test_kl_div_of_logarithms() -> None:
    assert signs(lambda: divergence(nn.Sequential(net(), nn.LogSoftmax(dim=1)))) == []


@pytest.mark.parametrize("is_detached", [False, True])
def test_a_focal_loss_multiplies_logarithms(is_detached: bool) -> None:
    (x, y), model = rows(), net()

    def focal() -> Tensor:
        logs = F.log_softmax(model(x), 1)
        probabilities = logs.detach().exp() if is_detached else logs.exp()
        return F.nll_loss(0.5 * ((1 - probabilities) ** 2 * logs), y)

    assert signs(lambda: train(model, focal)) == []


def test_logits_that_are_multiplied_are_still_none() -> None:
    (x, y), model = rows(), net()
    assert signs(lambda: train(model, lambda: F.nll_loss(2 * model(x), y))) == ["not log probabilities"]
