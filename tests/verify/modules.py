"""Networks as people write them, from four inputs to three outputs, or of other kinds that do not fit."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional


class Usual(nn.Module):
    """Layers with names of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.act, self.fc2 = nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.act(self.fc1(x)))


class Functional(nn.Module):
    """The activation is a function, and the layers are registered from the last to the first."""

    def __init__(self) -> None:
        super().__init__()
        self.out, self.hidden = nn.Linear(6, 3), nn.Linear(4, 6)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.tanh(self.hidden(x)))


class Raw(nn.Module):
    """Matrices (in, out), and a bias with an axis too many."""

    def __init__(self) -> None:
        super().__init__()
        self.w1, self.b1 = nn.Parameter(torch.zeros(4, 6)), nn.Parameter(torch.zeros(1, 6))
        self.w2, self.b2 = nn.Parameter(torch.zeros(6, 3)), nn.Parameter(torch.zeros(3))

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x @ self.w1 + self.b1) @ self.w2 + self.b2


class Normalized(nn.Module):
    """Batch normalization with its running statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = nn.Sequential(nn.Linear(4, 6, bias=False), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.stack(x)


class EndsWithSoftmax(Usual):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).softmax(-1)


class AnotherActivation(Functional):
    def forward(self, x: Tensor) -> Tensor:
        return self.out(functional.silu(self.hidden(x)))


class ForgetsTheBias(Usual):
    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.act(functional.linear(x, self.fc1.weight)))


class DetachesTheFirstLayer(Usual):
    """Trains its last layer alone."""

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.act(self.fc1(x)).detach())


class Drops(nn.Module):
    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.fc1, self.drop, self.fc2 = nn.Linear(4, 6), nn.Dropout(p), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.drop(torch.tanh(self.fc1(x))))


class Breaks(Usual):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.T)


class ReturnsTwo(Usual):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x), x  # type: ignore[return-value]


class TooWide(Usual):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[:, :2]


RIGHT: list[Callable[[], nn.Module]] = [Usual, Functional, Raw, lambda: Drops(0.0)]
