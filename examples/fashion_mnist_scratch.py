"""Fashion-MNIST from raw tensors, every gradient derived by hand: a 784-256-10 network, trained and evaluated.

    z1 = x w1^T + b1    a1 = max(z1, 0)    z2 = a1 w2^T + b2    loss = mean(log sum exp(z2) - z2[y])

The chain rule, read from right to left, with dv for dloss/dv and sums over the rows:

    dz2 = (softmax(z2) - 1[y]) / N    dw2 = dz2^T a1    db2 = sum dz2    da1 = dz2 w2    (1[y] is one at y, else zero)
    dz1 = da1 where a1 > 0, else 0    dw1 = dz1^T x     db1 = sum dz1

python fashion_mnist_scratch.py [FOLDER]    FOLDER holds the four files of Fashion-MNIST (idx-ubyte, gzipped or not)
"""

import gzip
import sys
from pathlib import Path

import torch

FOLDERS = (Path.home() / ".cache/fivestep/fashion-mnist", Path("/usr/share/datasets/fashion-mnist"))
"""Where `make train` keeps the files on Linux, and where Debian's package dataset-fashion-mnist puts them."""


def read(folder: Path, name: str, header: int) -> torch.Tensor:
    """The bytes of a file after its header, which is 16 long for images and 8 for labels."""
    plain, zipped = folder / name, folder / f"{name}.gz"
    data = plain.read_bytes() if plain.exists() else gzip.decompress(zipped.read_bytes())
    return torch.frombuffer(bytearray(data), dtype=torch.uint8, offset=header)


def load(folder: Path, part: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Images as numbers in [0, 1], (N, 784), and labels 0 .. 9, (N,)."""
    images = read(folder, f"{part}-images-idx3-ubyte", 16).view(-1, 784)
    return images / 255, read(folder, f"{part}-labels-idx1-ubyte", 8).long()


def main(folder: Path, num_epochs: int = 10, lr: float = 0.1, batch_size: int = 256) -> list[float]:
    """Trains, prints, and returns the loss on the test images after each epoch."""
    x, y = load(folder, "train")
    x_test, y_test = load(folder, "t10k")
    start = torch.Generator().manual_seed(0)
    w1, b1 = torch.empty(256, 784).normal_(0, 0.01, generator=start), torch.zeros(256)
    w2, b2 = torch.empty(10, 256).normal_(0, 0.01, generator=start), torch.zeros(10)
    weights = [w1, b1, w2, b2]
    dw1, db1, dw2, db2 = gradients = [torch.zeros_like(w) for w in weights]
    losses = []
    for epoch in range(1, num_epochs + 1):
        for rows in torch.randperm(len(x), generator=torch.Generator().manual_seed(epoch)).split(batch_size):
            xb, yb = x[rows], y[rows]  # (N, 784), (N,)
            a1 = (xb @ w1.T + b1).clamp(min=0)  # 1  predict: (N, 256)
            z2 = a1 @ w2.T + b2  # (N, 10), the logits

            log_p = z2 - z2.logsumexp(1, keepdim=True)  # 2  measure: the loss is -log_p[y].mean()

            for gradient in gradients:  # 3  forget the last gradient
                gradient.zero_()

            dz2 = log_p.exp()  # 4  find the new one: (N, 10)
            dz2[torch.arange(len(yb)), yb] -= 1
            dz2 /= len(yb)
            dw2 += dz2.T @ a1  # (10, 256)
            db2 += dz2.sum(0)  # (10,)
            dz1 = dz2 @ w2 * (a1 > 0)  # (N, 256)
            dw1 += dz1.T @ xb  # (256, 784)
            db1 += dz1.sum(0)  # (256,)

            for w, gradient in zip(weights, gradients, strict=True):  # 5  step downhill
                w -= lr * gradient
        logits = (x_test @ w1.T + b1).clamp(min=0) @ w2.T + b2
        losses.append((logits.logsumexp(1) - logits.gather(1, y_test[:, None])[:, 0]).mean().item())
        accuracy = (logits.argmax(1) == y_test).float().mean()
        print(f"epoch {epoch:2d}   test loss {losses[-1]:.4f}   test accuracy {accuracy:.4f}")
    return losses


if __name__ == "__main__":
    folders = [Path(name) for name in sys.argv[1:]] or [folder for folder in FOLDERS if folder.is_dir()]
    main(folders[0]) if folders else sys.exit("Name the FOLDER that holds the four files of Fashion-MNIST.")
