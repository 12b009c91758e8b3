"""Updates are made without a gradient."""

from torch import optim
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import net, rows, signs


def loop(backward: bool) -> None:
    (x, y), model = rows(), net()
    optimizer = optim.Adam(model.parameters())
    for _ in range(10):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        if backward:
            loss.backward()
        optimizer.step()


def test_updates_without_backward() -> None:
    assert signs(lambda: loop(backward=False)) == ["backward not called"]


def test_updates_with_it() -> None:
    assert signs(lambda: loop(backward=True)) == []
