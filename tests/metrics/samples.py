"""Rows to hold the metrics against scikit-learn."""

import torch
from torch import Tensor

Z = torch.tensor([[2.0, 1, 0], [0, 3, 1], [0, 2, 1], [1, 0, 4]])
"""Four rows of three logits; the largest are those of classes 0, 1, 1 and 2."""


def _weight(weighted: bool, stream: torch.Generator) -> Tensor | None:
    return torch.rand(80, generator=stream, dtype=torch.float64) if weighted else None


def class_rows(weighted: bool) -> tuple[Tensor, Tensor, Tensor | None]:
    """Logits (80, 4), uneven classes and weights."""
    stream = torch.Generator().manual_seed(5)
    z = torch.randn(80, 4, generator=stream, dtype=torch.float64)
    y = (z + torch.randn(80, 4, generator=stream) + torch.tensor([1.0, 0, 0, -1])).argmax(1)
    return z, y, _weight(weighted, stream)


def yes_no_rows(weighted: bool) -> tuple[Tensor, Tensor, Tensor | None]:
    """Logits (80, 1), answers 0 or 1, weights."""
    stream = torch.Generator().manual_seed(6)
    z = torch.randn(80, 1, generator=stream, dtype=torch.float64)
    y = (z + torch.randn(80, 1, generator=stream) > 0.5).double()
    return z, y, _weight(weighted, stream)


def number_rows(weighted: bool) -> tuple[Tensor, Tensor, Tensor | None]:
    """Predictions (80, 2), targets, weights."""
    stream = torch.Generator().manual_seed(7)
    y = torch.randn(80, 2, generator=stream, dtype=torch.float64)
    return y + 0.3 * torch.randn(80, 2, generator=stream), y, _weight(weighted, stream)
