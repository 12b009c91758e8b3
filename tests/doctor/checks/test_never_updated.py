"""Gradients are found, but nothing moves the weights."""

import pytest
from torch import optim
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, rows, signs


def loop(step: bool, optimizer: bool = True, trains: bool = True) -> None:
    (x, y), model = rows(), net().train(trains)
    rule = optim.SGD(model.parameters(), lr=0.1) if optimizer else None
    for _ in range(10):
        model.zero_grad()
        F.cross_entropy(model(x), y).backward()
        if step and rule is not None:
            rule.step()


@pytest.mark.parametrize(("optimizer", "said"), [(True, "SGD, that has them"), (False, "There is no optimizer")])
def test_step_is_not_called(optimizer: bool, said: str) -> None:
    (found,) = findings(lambda: loop(step=False, optimizer=optimizer))
    assert found.sign == "never updated"
    assert said in found.seen


def test_step_is_called() -> None:
    assert signs(lambda: loop(step=True)) == []


def test_gradients_alone_are_wanted() -> None:
    assert signs(lambda: loop(step=False, optimizer=False, trains=False)) == []


def test_gradients_on_several_lines_are_no_loop() -> None:
    def compared() -> None:
        (x, y), model = rows(), net()
        F.cross_entropy(model(x), y).backward()
        F.cross_entropy(model(x[:32]), y[:32]).backward()
        F.cross_entropy(model(x[32:]), y[32:]).backward()

    assert signs(compared) == []


def test_gradients_of_several_models_are_no_loop() -> None:
    def compared() -> None:
        x, y = rows()
        for _ in range(5):
            F.cross_entropy(net()(x), y).backward()

    assert signs(compared) == []


@pytest.mark.parametrize("is_stepped", [True, False])
def test_one_of_two_optimizers_is_not_stepped(is_stepped: bool) -> None:
    def two() -> None:
        (x, y), model = rows(), net()
        first, second = optim.SGD(model[0].parameters(), lr=0.1), optim.Adam(model[2].parameters(), lr=0.1)
        for _ in range(10):
            first.zero_grad()
            second.zero_grad()
            F.cross_entropy(model(x), y).backward()
            first.step()
            if is_stepped:
                second.step()

    found = findings(two)
    assert [one.sign for one in found] == ([] if is_stepped else ["never updated"])
    assert all("Adam, was not stepped once" in one.seen for one in found)
