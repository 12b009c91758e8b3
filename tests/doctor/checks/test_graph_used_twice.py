"""backward goes through the same graph twice."""

from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import broken, classify, net, rows, signs


def once_before_the_loop() -> None:
    (x, y), model = rows(), net()
    loss = F.cross_entropy(model(x), y)
    for _ in range(3):
        loss.backward()


def test_a_loss_of_an_earlier_step() -> None:
    assert [one.sign for one in broken(once_before_the_loop, RuntimeError)] == ["graph used twice"]


def test_a_new_one_for_each_step() -> None:
    assert signs(lambda: classify(net())) == []
