"""The loss is averaged over padding."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, signs, train


class Next(nn.Module):
    """The next token from this one."""

    def __init__(self, padding: int | None) -> None:
        super().__init__()
        self.embedding, self.last = nn.Embedding(6, 8, padding_idx=padding), nn.Linear(8, 6)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.last(self.embedding(tokens).tanh())


def loop(padding: int | None = 0, num_tokens: int = 4, is_flat: bool = True, **options: Any) -> None:
    """Sequences of ten that count up; after `num_tokens` there is only 0."""
    tokens = (torch.randint(0, 5, (16, 1)) + torch.arange(10)) % 5 + 1
    tokens[:, num_tokens:] = 0
    model, y = Next(padding), tokens[:, 1:]

    def loss() -> Tensor:
        logits = model(tokens[:, :-1])
        given = (logits.flatten(0, 1), y.flatten()) if is_flat else (logits.transpose(1, 2), y)
        return F.cross_entropy(*given, **options).mean()

    train(model, loss, steps=5)


@pytest.mark.parametrize("is_flat", [True, False])
def test_targets_that_are_padding_count(is_flat: bool) -> None:
    (found,) = findings(lambda: loop(is_flat=is_flat))
    assert found.sign == "padding in the loss"
    assert "67% of the targets are 0" in found.seen  # of nine targets six
    assert "ignore_index=0" in found.advice


def test_a_column_of_as_many_categories_as_classes() -> None:
    def loop() -> None:
        model, column = Next(0), torch.arange(64) % 6
        train(model, lambda: F.cross_entropy(model(column), (column // 3) * 3), steps=5)

    assert signs(loop) == []


@pytest.mark.parametrize(
    "options",
    [
        {"ignore_index": 0},
        {"weight": torch.tensor([0.0, 1, 1, 1, 1, 1])},
        {"reduction": "none"},
        {"padding": None},
        {"num_tokens": 9},
    ],
)
def test_padding_that_does_not_count_and_what_is_none(options: dict[str, Any]) -> None:
    assert signs(lambda: loop(**options)) == []
