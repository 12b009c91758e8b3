"""Fashion-MNIST from raw tensors, every gradient derived by hand: a 784-256-10 network, trained and evaluated.

    z = x W1' + b1    a = max(z, 0)    logits = a W2' + b2    loss = mean(log sum exp(logits) - logits[label])

python fashion_mnist_scratch.py [FOLDER]    FOLDER holds the four files of Fashion-MNIST (idx-ubyte, gzipped or not)
"""

import gzip
import sys
from pathlib import Path

import torch

FOLDER = Path("/usr/share/datasets/fashion-mnist")  # where Debian's package dataset-fashion-mnist puts them


def read(folder: Path, name: str, header: int) -> torch.Tensor:
    """The bytes of a file after its header, which is 16 long for images and 8 for labels."""
    plain, zipped = folder / name, folder / f"{name}.gz"
    data = plain.read_bytes() if plain.exists() else gzip.decompress(zipped.read_bytes())
    return torch.frombuffer(bytearray(data), dtype=torch.uint8, offset=header)


def load(folder: Path, part: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Images as numbers in [0, 1], (N, 784), and labels 0 .. 9, (N,)."""
    images = read(folder, f"{part}-images-idx3-ubyte", 16).view(-1, 784)
    return images / 255, read(folder, f"{part}-labels-idx1-ubyte", 8).long()


def main(folder: Path = FOLDER, num_epochs: int = 10, lr: float = 0.1, batch_size: int = 256) -> list[float]:
    """Trains, prints, and returns the loss on the test images after each epoch."""
    x, y = load(folder, "train")
    x_test, y_test = load(folder, "t10k")
    start = torch.Generator().manual_seed(0)
    w1, b1 = torch.empty(256, 784).normal_(0, 0.01, generator=start), torch.zeros(256)
    w2, b2 = torch.empty(10, 256).normal_(0, 0.01, generator=start), torch.zeros(10)
    weights = [w1, b1, w2, b2]
    gradients = [torch.zeros_like(w) for w in weights]
    losses = []
    for epoch in range(1, num_epochs + 1):
        for rows in torch.randperm(len(x), generator=torch.Generator().manual_seed(epoch)).split(batch_size):
            xb, yb = x[rows], y[rows]  # (N, 784), (N,)
            a = (xb @ w1.T + b1).clamp(min=0)  # 1  predict: (N, 256)
            logits = a @ w2.T + b2  # (N, 10)

            log_p = logits - logits.logsumexp(1, keepdim=True)  # 2  measure: the loss is -log_p[label].mean()

            for gradient in gradients:  # 3  forget the last gradient
                gradient.zero_()

            dlogits = log_p.exp()  # 4  find the new one, from right to left: (N, 10)
            dlogits[torch.arange(len(yb)), yb] -= 1
            dlogits /= len(yb)
            dz = dlogits @ w2 * (a > 0)  # (N, 256)
            for gradient, new in zip(gradients, (dz.T @ xb, dz.sum(0), dlogits.T @ a, dlogits.sum(0)), strict=True):
                gradient += new

            for w, gradient in zip(weights, gradients, strict=True):  # 5  step downhill
                w -= lr * gradient
        logits = (x_test @ w1.T + b1).clamp(min=0) @ w2.T + b2
        losses.append((logits.logsumexp(1) - logits.gather(1, y_test[:, None])[:, 0]).mean().item())
        accuracy = (logits.argmax(1) == y_test).float().mean()
        print(f"epoch {epoch:2d}   test loss {losses[-1]:.4f}   test accuracy {accuracy:.4f}")
    return losses


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
