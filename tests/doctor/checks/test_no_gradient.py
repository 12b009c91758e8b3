"""Parameters of an optimizer never get a gradient."""

import pytest
from torch import Tensor, nn

from tests.doctor.loops import classify, findings, signs


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


def test_all_have_one_or_are_frozen() -> None:
    frozen = Cut()
    frozen.hidden.requires_grad_(False)
    assert signs(lambda: classify(Cut())) == []
    assert signs(lambda: classify(frozen)) == []
