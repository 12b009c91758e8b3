"""The five steps as a professional writes them, with `torch.nn` and `torch.optim`: a 2-8-1 network, two half moons."""

import math

import torch
from torch import nn


def moons(num_rows: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Two interleaved half circles with noise: x (N, 2), and y (N, 1), 0 on the upper and 1 on the lower one."""
    angle = torch.linspace(0, math.pi, num_rows // 2)
    upper = torch.stack([angle.cos(), angle.sin()], dim=1)
    lower = torch.stack([1 - angle.cos(), 0.5 - angle.sin()], dim=1)
    noise = 0.2 * torch.randn(num_rows, 2, generator=generator)
    return torch.cat([upper, lower]) + noise, torch.arange(num_rows).ge(num_rows // 2).float()[:, None]


def main(num_steps: int = 1000, lr: float = 0.05) -> list[float]:
    """Trains, prints, and returns the loss of every step."""
    x, y = moons(200, torch.Generator().manual_seed(42))  # (N, 2), (N, 1)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    losses = []
    model.train()
    for step in range(1, num_steps + 1):
        logits = model(x)  # 1  predict
        loss = criterion(logits, y)  # 2  measure
        optimizer.zero_grad()  # 3  forget the last gradient
        loss.backward()  # 4  find the new one
        optimizer.step()  # 5  step downhill

        losses.append(loss.item())
        if step in (1, 10, 100, num_steps):
            print(f"step {step:4d}   loss {losses[-1]:.4f}")
    model.eval()
    with torch.no_grad():
        print(f"accuracy {((model(x) > 0) == (y > 0.5)).float().mean():.3f}")
    return losses


if __name__ == "__main__":
    main()
