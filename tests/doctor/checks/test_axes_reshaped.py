"""A reshape stands where axes should be moved."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, signs, train


def loop(logits_of: Callable[[Tensor], Tensor], is_flat: bool, is_first: bool, num_steps: int = 5) -> None:
    """Three classes at each of five steps; the model's outputs have the classes second or last."""
    x = torch.randn(16, num_steps, 6)
    y, model = x[..., :3].argmax(-1), nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))

    def loss() -> Tensor:
        outputs = model(x)
        logits = logits_of(outputs.transpose(1, 2).contiguous() if is_first else outputs)
        return F.cross_entropy(logits, y.flatten() if is_flat else y)

    train(model, loss)


def test_the_classes_were_last() -> None:
    (found,) = findings(lambda: loop(lambda z: z.reshape(16, 3, 5), is_flat=False, is_first=False))
    assert found.sign == "axes reshaped"
    assert "(16, 5, 3) were reshaped to (16, 3, 5)" in found.seen
    assert "outputs.movedim(-1, 1)" in found.advice


def test_the_classes_were_second() -> None:
    (found,) = findings(lambda: loop(lambda z: z.view(-1, 3), is_flat=True, is_first=True))
    assert found.sign == "axes reshaped"
    assert "outputs.movedim(1, -1).reshape(-1, C)" in found.advice


@pytest.mark.parametrize(
    ("logits_of", "is_flat", "is_first"),
    [
        (lambda z: z.transpose(1, 2), False, False),
        (lambda z: z, False, True),
        (lambda z: z.reshape(-1, 3), True, False),
        (lambda z: z.flatten(0, 1), True, False),
        (lambda z: z.movedim(1, -1).reshape(-1, 3), True, True),
        (lambda z: z.movedim(-1, 1), False, False),
    ],
)
def test_axes_that_are_moved(logits_of: Callable[[Tensor], Tensor], is_flat: bool, is_first: bool) -> None:
    assert signs(lambda: loop(logits_of, is_flat, is_first)) == []


def test_several_answers_from_one_layer() -> None:
    x, model = torch.randn(16, 6), nn.Linear(6, 15)
    y = x[:, :5].abs().long().clamp(max=2)
    assert signs(lambda: train(model, lambda: F.cross_entropy(model(x).view(16, 3, 5), y))) == []
    assert signs(lambda: train(model, lambda: F.cross_entropy(model(x).view(-1, 3), y.flatten()))) == []


def pixels(logits_of: Callable[[Tensor], Tensor], width: int, is_flat: bool) -> list[str]:
    """Three classes at each pixel."""
    x, model = torch.randn(8, 1, 4, width), nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 3, 1))
    y = x.squeeze(1).abs().long().clamp(max=2).flatten(0 if is_flat else 1)
    return signs(lambda: train(model, lambda: F.cross_entropy(logits_of(model(x)), y)))


def test_pixels() -> None:
    assert pixels(lambda z: z.view(8, 3, -1), width=3, is_flat=False) == []
    assert pixels(lambda z: z.view(-1, 3), width=6, is_flat=True) == ["axes reshaped"]
    assert pixels(lambda z: z.permute(0, 2, 3, 1).reshape(-1, 3), width=6, is_flat=True) == []
