"""The periodic embedding of numbers, with a dense skip."""

import math

import pytest
import torch

from fivestep.check import InputError
from fivestep.find import build
from tests.contracts.cases import Case
from tests.layers.alone import Alone, rows
from tests.samples import numbers
from tests.tolerances import FORMULA, WAVES, distance

SMALL = {"frequencies": 3, "dim": 3, "sigma": 1}
CASES = [Case({**SMALL, "columns": (1, 3)}, tolerance=WAVES), Case({**SMALL, "dim": 2}, pairs=False)]


def small(text: str, width: int) -> Alone:
    """One frequency of 1/4 turn, no phase, weight 2, bias 1: x becomes [x, 2 cos(pi x / 2) + 1]."""
    one = Alone.of(f"periodic:frequencies=1,dim=2,{text}", width)
    for name, value in {"frequency": 0.25, "phase": 0, "weight": 2, "bias": 1}.items():
        one.w[name].fill_(value)
    return one


def test_an_embedding_worked_by_hand() -> None:
    # x = 1: u = 1/4, v = cos(pi / 2) = 0, y = [1, 2 * 0 + 1]; the column after it stays 7
    assert distance(small("columns=(0,)", 2).train(rows([1, 7])), rows([1, 1, 7])) < FORMULA


def test_its_gradient_worked_by_hand() -> None:
    # x = 1, dy = (10, 1, 5): dh = 1, dW = 1 * cos(pi/2) = 0, db = 1, dv = 2, du = -2 pi sin(pi/2) * 2 = -4 pi
    # df = x du = -4 pi, dp = -4 pi, dx = 10 + 0.25 * -4 pi = 10 - pi; the column after it gets 5
    one = small("columns=(0,)", 2)
    one.train(rows([1, 7]))
    assert distance(one.back(rows([10, 1, 5])), rows([10 - math.pi, 5])) < FORMULA
    got = {name: round(value.item(), 9) for name, value in one.dw.items()}
    turned = round(-4 * math.pi, 9)
    assert got == {"frequency": turned, "phase": turned, "weight": 0, "bias": 1}


def test_a_whole_turn_more_of_phase_changes_nothing() -> None:
    one, x = Alone.of("periodic", 3), numbers(4, 3)
    before = one.train(x)
    one.w["phase"].add_(1)
    assert distance(one.train(x), before) < FORMULA


def test_the_number_itself_and_the_other_columns_are_handed_on() -> None:
    y, x = Alone.of("periodic:columns=(1,3),dim=4", 5).train(numbers(6, 5)), numbers(6, 5)
    assert torch.equal(y[:, [0, 4]], x[:, [1, 3]])
    assert torch.equal(y[:, 8:], x[:, [0, 2, 4]])


def test_columns_do_not_see_each_other() -> None:
    one, x = Alone.of("periodic:dim=4", 2), numbers(6, 2)
    other = x.clone()
    other[:, 1] += 1
    assert torch.equal(one.train(x)[:, :4], one.train(other)[:, :4])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("columns=3", r"columns must be places in a row in ascending order, got 3; write for example \(0, 1, 4\)"),
        ("columns=(2,1)", r"columns must be places in a row in ascending order, got \(2, 1\)"),
        ("columns=(-1,)", "columns must be a whole number of at least 0, got -1"),
        ("dim=1", "dim must be a whole number of at least 2, got 1"),
        ("frequencies=0", "frequencies must be a whole number of at least 1, got 0"),
        ("sigma=0", "sigma must be a finite number greater than 0, got 0; 0.1 is usual"),
    ],
)
def test_an_option_out_of_its_range_is_refused(options: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        build("layers", f"periodic:{options}")


def test_a_column_that_a_row_does_not_have_is_refused() -> None:
    with pytest.raises(InputError, match="rows of 5 numbers or more for columns up to 4, got 3; make the sizes agree"):
        build("layers", "periodic:columns=(0,4)").sized((3,))
