"""Dropout leaves too little to learn from."""

from torch import nn
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, rows, signs, train


def loop(p: float, steps: int = 60, lr: float = 0.02, trains: bool = True) -> None:
    (x, y), model = rows(), nn.Sequential(nn.Dropout(p), net()).train(trains)
    train(model, lambda: F.cross_entropy(model(x), y), steps, lr)


def test_nearly_all_of_the_inputs_are_dropped() -> None:
    (found,) = findings(lambda: loop(0.95))
    assert found.sign == "dropout too strong"
    assert "the dropout 0 of Sequential drops 95% of its numbers" in found.seen


def test_a_usual_one_and_a_strong_one_with_which_it_learns() -> None:
    assert signs(lambda: loop(0.2, lr=0.3)) == []
    assert signs(lambda: loop(0.85, steps=800, lr=0.5)) == []


def test_one_that_does_not_work() -> None:
    assert "dropout too strong" not in signs(lambda: loop(0.95, lr=1e-9, trains=False))
