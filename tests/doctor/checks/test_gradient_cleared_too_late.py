"""The gradient is cleared after backward has found it and before the update uses it."""

import pytest
from torch import optim
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import net, rows, signs


def loop(set_to_none: bool, too_late: bool) -> None:
    (x, y), model = rows(), net()
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    for _ in range(30):
        loss = F.cross_entropy(model(x), y)
        if not too_late:
            optimizer.zero_grad(set_to_none)
        loss.backward()
        if too_late:
            optimizer.zero_grad(set_to_none)
        optimizer.step()


@pytest.mark.parametrize("set_to_none", [True, False])
def test_cleared_between_backward_and_update(set_to_none: bool) -> None:
    assert "gradient cleared too late" in signs(lambda: loop(set_to_none, too_late=True))


@pytest.mark.parametrize("set_to_none", [True, False])
def test_cleared_in_time(set_to_none: bool) -> None:
    assert signs(lambda: loop(set_to_none, too_late=False)) == []
