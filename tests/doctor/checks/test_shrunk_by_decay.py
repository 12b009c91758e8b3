"""Weight decay that is stronger than the gradient."""

import pytest
from torch import optim
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, rows, signs


def loop(kind: type[optim.Optimizer], lr: float, decay: float, steps: int = 150) -> None:
    (x, y), model = rows(), net()
    optimizer = kind([{"params": model.parameters(), "weight_decay": decay}], lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


@pytest.mark.parametrize(
    ("kind", "lr", "decay"), [(optim.SGD, 0.05, 1.0), (optim.SGD, 0.002, 1.0), (optim.AdamW, 0.001, 100.0)]
)
def test_weights_that_shrink_to_nothing(kind: type[optim.Optimizer], lr: float, decay: float) -> None:
    (found,) = findings(lambda: loop(kind, lr, decay))
    assert found.sign == "shrunk by decay"
    assert f"with weight_decay {decay:g}" in found.seen


@pytest.mark.parametrize(("kind", "lr", "decay"), [(optim.SGD, 0.1, 1e-4), (optim.AdamW, 0.01, 0.1)])
def test_weights_that_do_not(kind: type[optim.Optimizer], lr: float, decay: float) -> None:
    assert signs(lambda: loop(kind, lr, decay)) == []
