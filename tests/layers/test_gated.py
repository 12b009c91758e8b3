"""Two linear layers side by side, one of which opens and closes the other."""

import pytest
import torch
from torch.nn import functional

from fivestep.check import InputError
from fivestep.find import build
from tests.contracts.cases import Case
from tests.layers.alone import Alone, rows
from tests.samples import numbers
from tests.tolerances import FORMULA, distance

CASES = [Case({"out_features": 4}), Case({"out_features": 4, "activation": "gelu", "bias": True}, pairs=False)]


def test_a_gate_worked_by_hand() -> None:
    # z = 2 * 0 = 0, sigmoid(0) = 0.5, u = 2 * 3 = 6, y = 0.5 * 6 = 3
    # dy = 1: du = 0.5, dW_up = 0.5 * 2 = 1; dz = 6 * 0.5 * 0.5 = 1.5, dW_gate = 1.5 * 2 = 3
    # dx = dz W_gate + du W_up = 0 + 0.5 * 3 = 1.5
    one = Alone.of("gated:out_features=1", 1)
    one.w["gate.weight"].fill_(0)
    one.w["up.weight"].fill_(3)
    assert one.train(rows([2])).item() == 3
    assert one.back(rows([1])).item() == 1.5
    assert {name: value.item() for name, value in one.dw.items()} == {"gate.weight": 3, "up.weight": 1}


def test_with_the_identity_as_its_gate_it_is_the_product_of_two_linear_layers() -> None:
    one, x = Alone.of("gated:out_features=4,activation=identity", 3), numbers(5, 3)
    expected = functional.linear(x, one.w["gate.weight"]) * functional.linear(x, one.w["up.weight"])
    assert distance(one.train(x), expected) < FORMULA


def test_it_equals_the_gated_linear_unit_of_torch() -> None:
    """F.glu(v) takes the halves of v: the first is the value, the second the gate."""
    one, x = Alone.of("gated:out_features=4,bias=true", 3), numbers(5, 3)
    halves = [functional.linear(x, one.w[f"{name}.weight"], one.w[f"{name}.bias"]) for name in ("up", "gate")]
    assert distance(one.train(x), functional.glu(torch.cat(halves, dim=1))) < FORMULA


def test_it_has_no_biases_unless_asked() -> None:
    assert set(Alone.of("gated:out_features=4", 3).w) == {"gate.weight", "up.weight"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("gated:out_features=0", "out_features must be a whole number of at least 1, got 0"),
        ("gated:out_features=4,activation=sigmoyd", "did you mean 'sigmoid'?"),
    ],
)
def test_a_gate_that_cannot_work_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        build("layers", text)
