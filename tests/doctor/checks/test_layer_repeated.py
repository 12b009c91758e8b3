"""One layer stands several times in a container."""

import pytest
from torch import Tensor, nn

from tests.doctor.loops import classify, findings, signs


class Residual(nn.Module):
    """Layers of a list, one after the other, or each of them on the rows."""

    def __init__(self, layers: list[nn.Module], *, is_chain: bool = True) -> None:
        super().__init__()
        self.layers, self.last, self.is_chain = nn.ModuleList(layers), nn.Linear(6, 3), is_chain

    def forward(self, x: Tensor) -> Tensor:
        if not self.is_chain:
            return self.last(sum(layer(x * number) for number, layer in enumerate(self.layers)))
        for layer in self.layers:
            x = layer(x)
        return self.last(x)


def deep(layers: list[nn.Module]) -> nn.Module:
    return nn.Sequential(*layers, nn.Linear(6, 3))


def once() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 6), nn.ReLU())


@pytest.mark.parametrize(
    ("kind", "words"), [(deep, "the model (Sequential)"), (Residual, "layers (ModuleList)")], ids=["chain", "list"]
)
def test_a_list_times_a_number(kind: type[nn.Module], words: str) -> None:
    (found,) = findings(lambda: classify(kind([once()] * 3)))
    assert found.sign == "layer repeated"
    assert f"{words} has one and the same Sequential() in 3 places" in found.seen
    assert signs(lambda: classify(kind([once() for _ in range(3)]))) == []


def test_an_activation_may_stand_anywhere_and_a_head_may_answer_several_inputs() -> None:
    relu = nn.ReLU()
    assert signs(lambda: classify(nn.Sequential(nn.Linear(6, 6), relu, nn.Linear(6, 6), relu, nn.Linear(6, 3)))) == []
    assert signs(lambda: classify(Residual([once()] * 3, is_chain=False))) == []
