"""The gradient is lost, or grows beyond all bounds, between the last layer and the first."""

from torch import nn

from tests.doctor.loops import classify, findings, net, signs


def deep(bend: type[nn.Module]) -> nn.Sequential:
    hidden = [part for _ in range(8) for part in (nn.Linear(6, 6), bend())]
    return nn.Sequential(*hidden, nn.Linear(6, 3))


def test_many_sigmoids() -> None:
    found = findings(lambda: classify(deep(nn.Sigmoid), steps=40))
    assert [one.sign for one in found] == ["vanishing gradient"]
    assert "of Sequential.0.weight is" in found[0].seen


def test_a_network_of_two_layers() -> None:
    assert signs(lambda: classify(net(), steps=40)) == []
