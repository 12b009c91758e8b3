"""Clipping after the update, or before the backward pass."""

from collections.abc import Callable

import pytest
from torch import nn, optim
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, rows, signs

Clip = Callable[..., object]


def loop(after: str, clip: Clip = lambda p: nn.utils.clip_grad_norm_(p, 1.0), to_none: bool = True) -> None:
    """`after` which of the steps it is clipped."""
    (x, y), model = rows(), net()
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    for _ in range(10):
        optimizer.zero_grad(set_to_none=to_none)
        if "forget" in after:
            clip(model.parameters())
        F.cross_entropy(model(x), y).backward()
        if "backward" in after:
            clip(model.parameters())
        optimizer.step()
        if "update" in after:
            clip(model.parameters())


@pytest.mark.parametrize("to_none", [True, False])
@pytest.mark.parametrize(
    ("after", "words"), [("forget", "there were no gradients to be clipped"), ("update", "an update had used")]
)
def test_it_changes_nothing(after: str, words: str, to_none: bool) -> None:
    (found,) = findings(lambda: loop(after, to_none=to_none))
    assert found.sign == "clipped at the wrong time"
    assert words in found.seen
    assert "test_clipped_at_the_wrong_time.py" in str(found.where)


def test_clipping_by_value_is_seen_too() -> None:
    assert signs(lambda: loop("update", lambda p: nn.utils.clip_grad_value_(p, 1.0))) == ["clipped at the wrong time"]


@pytest.mark.parametrize("after", ["backward", "forget backward", "backward update"])
def test_in_its_time(after: str) -> None:
    assert signs(lambda: loop(after)) == []


@pytest.mark.parametrize("clip", [lambda p: nn.utils.clip_grad_norm_(parameters=list(p), max_norm=1.0)])
def test_however_it_is_called(clip: Clip) -> None:
    assert signs(lambda: loop("update", clip)) == ["clipped at the wrong time"]
