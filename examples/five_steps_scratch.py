"""The five steps from raw tensors, every gradient derived by hand: a 2-8-1 network learns two half moons.

    z1 = x w1^T + b1    a1 = tanh(z1)    z2 = a1 w2^T + b2    loss = mean(log(1 + exp(z2)) - y z2)

The chain rule, read from right to left, with dv for dloss/dv and sums over the rows; the slope of tanh is 1 - tanh^2:

    dz2 = (sigmoid(z2) - y) / N     dw2 = dz2^T a1    db2 = sum dz2    da1 = dz2 w2
    dz1 = da1 (1 - a1^2)            dw1 = dz1^T x     db1 = sum dz1
"""

import math

import torch


def moons(num_rows: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Two interleaved half circles with noise: x (N, 2), and y (N, 1), 0 on the upper and 1 on the lower one."""
    angle = torch.linspace(0, math.pi, num_rows // 2)
    upper = torch.stack([angle.cos(), angle.sin()], dim=1)
    lower = torch.stack([1 - angle.cos(), 0.5 - angle.sin()], dim=1)
    noise = 0.2 * torch.randn(num_rows, 2, generator=generator)
    return torch.cat([upper, lower]) + noise, torch.arange(num_rows).ge(num_rows // 2).float()[:, None]


def uniform(*shape: int, fan_in: int, generator: torch.Generator) -> torch.Tensor:
    """What `nn.Linear` starts from: uniform in (-1/sqrt(fan_in), 1/sqrt(fan_in))."""
    return torch.empty(shape).uniform_(-1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in), generator=generator)


def main(num_steps: int = 1000, lr: float = 0.05) -> list[float]:
    """Trains, prints, and returns the loss of every step."""
    x, y = moons(200, torch.Generator().manual_seed(42))  # (N, 2), (N, 1)
    start = torch.Generator().manual_seed(0)
    w1, b1 = uniform(8, 2, fan_in=2, generator=start), uniform(8, fan_in=2, generator=start)
    w2, b2 = uniform(1, 8, fan_in=8, generator=start), uniform(1, fan_in=8, generator=start)
    weights = [w1, b1, w2, b2]
    gradients, m, v = ([torch.zeros_like(w) for w in weights] for _ in range(3))
    dw1, db1, dw2, db2 = gradients
    losses = []
    for step in range(1, num_steps + 1):
        a1 = torch.tanh(x @ w1.T + b1)  # 1  predict: (N, 8)
        z2 = a1 @ w2.T + b2  # (N, 1), the logits

        losses.append((torch.nn.functional.softplus(z2) - y * z2).mean().item())  # 2  measure

        for gradient in gradients:  # 3  forget the last gradient
            gradient.zero_()

        dz2 = (torch.sigmoid(z2) - y) / len(x)  # 4  find the new one: (N, 1)
        dw2 += dz2.T @ a1  # (1, 8)
        db2 += dz2.sum(0)  # (1,)
        dz1 = dz2 @ w2 * (1 - a1 * a1)  # (N, 8)
        dw1 += dz1.T @ x  # (8, 2)
        db1 += dz1.sum(0)  # (8,)

        for k, w in enumerate(weights):  # 5  step downhill, with Adam
            m[k] += 0.1 * (gradients[k] - m[k])
            v[k] += 0.001 * (gradients[k] ** 2 - v[k])
            w -= lr * (m[k] / (1 - 0.9**step)) / ((v[k] / (1 - 0.999**step)).sqrt() + 1e-8)

        if step in (1, 10, 100, num_steps):
            print(f"step {step:4d}   loss {losses[-1]:.4f}")
    right = ((torch.tanh(x @ w1.T + b1) @ w2.T + b2 > 0) == (y > 0.5)).float().mean()
    print(f"accuracy {right:.3f}")
    return losses


if __name__ == "__main__":
    main()
