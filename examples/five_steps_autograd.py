"""The five steps from raw tensors, the gradient found by autograd: a 2-8-1 network learns two half moons."""

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
    """What `nn.Linear` starts from: uniform in (-1/sqrt(fan_in), 1/sqrt(fan_in)), as a leaf of the graph."""
    bound = 1 / math.sqrt(fan_in)
    return torch.empty(shape).uniform_(-bound, bound, generator=generator).requires_grad_()


def predict(x: torch.Tensor, weights: list[torch.Tensor]) -> torch.Tensor:
    """The logits of the network: (N, 2) to (N, 1)."""
    w1, b1, w2, b2 = weights
    return torch.tanh(x @ w1.T + b1) @ w2.T + b2


def main(num_steps: int = 1000, lr: float = 0.05) -> list[float]:
    """Trains, prints, and returns the loss of every step."""
    x, y = moons(200, torch.Generator().manual_seed(42))  # (N, 2), (N, 1)
    start = torch.Generator().manual_seed(0)
    weights = [uniform(8, 2, fan_in=2, generator=start), uniform(8, fan_in=2, generator=start)]
    weights += [uniform(1, 8, fan_in=8, generator=start), uniform(1, fan_in=8, generator=start)]
    m, v = ([torch.zeros_like(w) for w in weights] for _ in range(2))
    losses = []
    for step in range(1, num_steps + 1):
        logits = predict(x, weights)  # 1  predict

        loss = (torch.nn.functional.softplus(logits) - y * logits).mean()  # 2  measure

        for w in weights:  # 3  forget the last gradient
            w.grad = None

        loss.backward()  # 4  find the new one

        with torch.no_grad():  # 5  step downhill, with Adam; the update is not part of the graph
            for k, w in enumerate(weights):
                assert w.grad is not None
                m[k] += 0.1 * (w.grad - m[k])
                v[k] += 0.001 * (w.grad**2 - v[k])
                w -= lr * (m[k] / (1 - 0.9**step)) / ((v[k] / (1 - 0.999**step)).sqrt() + 1e-8)

        losses.append(loss.item())
        if step in (1, 10, 100, num_steps):
            print(f"step {step:4d}   loss {losses[-1]:.4f}")
    print(f"accuracy {((predict(x, weights) > 0) == (y > 0.5)).float().mean():.3f}")
    return losses


if __name__ == "__main__":
    main()
