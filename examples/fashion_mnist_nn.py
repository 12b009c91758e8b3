"""Fashion-MNIST as a professional writes it: a 784-256-10 network in `torch.nn`, trained and evaluated.

python fashion_mnist_nn.py [FOLDER]    FOLDER holds the four files of Fashion-MNIST (idx-ubyte, gzipped or not)
"""

import gzip
import sys
from pathlib import Path

import torch
from torch import nn

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
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
    torch.manual_seed(0)
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    losses = []
    for epoch in range(1, num_epochs + 1):
        model.train()
        for rows in torch.randperm(len(x), generator=torch.Generator().manual_seed(epoch)).split(batch_size):
            logits = model(x[rows])  # 1  predict
            loss = criterion(logits, y[rows])  # 2  measure
            optimizer.zero_grad()  # 3  forget the last gradient
            loss.backward()  # 4  find the new one
            optimizer.step()  # 5  step downhill
        model.eval()
        with torch.no_grad():
            logits = model(x_test)
        losses.append(criterion(logits, y_test).item())
        accuracy = (logits.argmax(1) == y_test).float().mean()
        print(f"epoch {epoch:2d}   test loss {losses[-1]:.4f}   test accuracy {accuracy:.4f}")
    return losses


if __name__ == "__main__":
    folders = [Path(name) for name in sys.argv[1:]] or [folder for folder in FOLDERS if folder.is_dir()]
    main(folders[0]) if folders else sys.exit("Name the FOLDER that holds the four files of Fashion-MNIST.")
