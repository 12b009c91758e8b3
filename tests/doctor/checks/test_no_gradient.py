"""Parameters of an optimizer never get a gradient."""

import pytest
import torch
from torch import Tensor, nn, optim
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import classify, findings, net, signs


class Cut(nn.Module):
    """A hidden layer whose answer may be cut off, and one that may be left out."""

    def __init__(self, detaches: bool = False, forgets: bool = False) -> None:
        super().__init__()
        self.hidden, self.more, self.head = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 3)
        self.detaches, self.forgets = detaches, forgets

    def forward(self, x: Tensor) -> Tensor:
        x = self.hidden(x).relu()
        x = x.detach() if self.detaches else x
        return self.head(x if self.forgets else self.more(x).relu())


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (Cut(detaches=True), "Cut.hidden.weight, Cut.hidden.bias."),
        (Cut(forgets=True), "Cut.more.weight, Cut.more.bias."),
    ],
    ids=["detached", "not used"],
)
def test_a_layer_without_gradient(model: nn.Module, names: str) -> None:
    (found,) = findings(lambda: classify(model))
    assert found.sign == "no gradient"
    assert names in found.seen


def test_a_maker_whose_answer_is_cut_off_for_its_own_loss_too() -> None:
    makes, judges = nn.Linear(4, 6), net(1)

    def loop(cuts: bool) -> None:
        first, second = optim.Adam(makes.parameters()), optim.Adam(judges.parameters())
        for _ in range(10):
            made = makes(torch.randn(16, 4))
            second.zero_grad()
            F.softplus(judges(made.detach())).mean().backward()
            second.step()
            first.zero_grad()
            F.softplus(-judges(made.detach() if cuts else made)).mean().backward()
            first.step()

    (found,) = findings(lambda: loop(cuts=True))
    assert found.sign == "no gradient"
    assert "2 of 2 parameters of Adam had no gradient in any of 10 updates seen: Linear.weight" in found.seen
    assert signs(lambda: loop(cuts=False)) == []


def test_all_have_one_or_are_frozen() -> None:
    frozen = Cut()
    frozen.hidden.requires_grad_(False)
    assert signs(lambda: classify(Cut())) == []
    assert signs(lambda: classify(frozen)) == []
