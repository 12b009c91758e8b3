"""The numbers of the rows are far from the size that layers begin with."""

from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import net, rows, signs, train


def loop(unit: float, lr: float) -> None:
    (x, y), model = rows(), net()
    train(model, lambda: F.cross_entropy(model(x * unit), y), steps=40, lr=lr)


def test_large_inputs_where_the_loss_does_not_fall() -> None:
    assert "inputs not scaled" in signs(lambda: loop(1000.0, lr=1e-12))


def test_large_ones_where_it_does_and_those_of_a_usual_size() -> None:
    assert signs(lambda: loop(20.0, lr=0.001)) == []
    assert signs(lambda: loop(1.0, lr=0.1)) == []
