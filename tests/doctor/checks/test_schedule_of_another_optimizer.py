"""A schedule that was made for an optimizer which is not used."""

import pytest
from torch import Tensor, optim
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, rows, signs


class Around(optim.Optimizer):
    """One that is made around another, as for sharpness-aware minimization: both have the same groups."""

    def __init__(self, inner: optim.Optimizer) -> None:
        super().__init__(inner.param_groups, {})
        self.inner, self.param_groups = inner, inner.param_groups

    def step(self, closure: object = None) -> None:  # type: ignore[override]
        raise AssertionError(closure)


def loop(way: str) -> None:
    (x, y), model = rows(), net()
    first = optim.SGD(model.parameters(), lr=0.1)
    other, used = net(), optim.SGD(model.parameters(), lr=0.05)
    scheduled: optim.Optimizer = first
    if way == "within":
        scheduled = Around(used)
    elif way == "the one":
        scheduled = used
    elif way == "of another model":
        scheduled = optim.SGD(other.parameters(), lr=0.1)
    schedule = optim.lr_scheduler.ExponentialLR(scheduled, 0.99)

    def loss_of(x: Tensor) -> Tensor:
        return F.cross_entropy(model(x), y)

    for _ in range(10):
        used.zero_grad()
        loss_of(x).backward()
        used.step()
        schedule.step()


@pytest.mark.filterwarnings("ignore:Detected call of:UserWarning")
def test_the_rate_of_the_other_one_stays() -> None:
    (found,) = findings(lambda: loop("another"))
    assert found.sign == "schedule of another optimizer"
    assert "ExponentialLR was stepped 10 times while its optimizer, SGD, made no update" in found.seen
    assert "schedule.step()" in str(found.where)


@pytest.mark.filterwarnings("ignore:Detected call of:UserWarning", "ignore:Seems like:UserWarning")
@pytest.mark.parametrize("way", ["within", "the one", "of another model"])
def test_the_rate_that_is_used(way: str) -> None:
    assert signs(lambda: loop(way)) == []
