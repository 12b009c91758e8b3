"""Fashion-MNIST, reference recipe: an epoch of each engine over its five matrix products, and over the usual loops.

    python benchmarks/fashion_mnist.py [ROUNDS]

A window is an epoch: 234 steps of 256 rows and one of 96. All contestants take turns, window by window; a ratio is
taken within a round. Before the clock starts, each trains an epoch and must reach the same loss, to within the noise of
another order of the rows. The floor is the five products that a step cannot do without, out of and into memory that is
already there: two forward, two for the weights' gradients, one for the hidden layer's.
"""

import sys
from collections.abc import Callable, Iterator
from itertools import islice

import torch
from _measure import Contestant, interleaved, ratios, save, spread, table
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import fivestep as fs
from fivestep.products import add_outer_, affine, back

BATCH, INPUTS, HIDDEN, CLASSES = 256, 784, 256, 10
BATCHES = [BATCH] * 234 + [96]
EPOCH = len(BATCHES)
SAME_LOSS = 0.08
"""How far apart the mean training losses of a first epoch may be: the contestants draw rows and weights differently."""

LossOfEpoch = Callable[[], float]


def products() -> Contestant:
    """The floor: the five matrix products of each step of an epoch."""
    x, w1, z1 = torch.rand(BATCH, INPUTS), torch.rand(HIDDEN, INPUTS), torch.empty(BATCH, HIDDEN)
    a, w2, z2 = torch.rand(BATCH, HIDDEN), torch.rand(CLASSES, HIDDEN), torch.empty(BATCH, CLASSES)
    dz2, dz1 = torch.rand(BATCH, CLASSES), torch.rand(BATCH, HIDDEN)
    dw1, dw2, da = torch.empty_like(w1), torch.empty_like(w2), torch.empty_like(a)

    def window() -> None:
        for n in BATCHES:
            torch.mm(x[:n], w1.T, out=z1[:n])
            torch.mm(a[:n], w2.T, out=z2[:n])
            torch.mm(dz2[:n].T, a[:n], out=dw2)
            torch.mm(dz2[:n], w2, out=da[:n])
            torch.mm(dz1[:n].T, x[:n], out=dw1)

    return window


def our_products() -> Contestant:
    """The same five by the library that fivestep takes for them."""
    x, w1, b1, z1 = (
        torch.rand(BATCH, INPUTS),
        torch.rand(HIDDEN, INPUTS),
        torch.rand(HIDDEN),
        torch.empty(BATCH, HIDDEN),
    )
    a, w2, b2, z2 = (
        torch.rand(BATCH, HIDDEN),
        torch.rand(CLASSES, HIDDEN),
        torch.rand(CLASSES),
        torch.empty(BATCH, CLASSES),
    )
    dz2, dz1 = torch.rand(BATCH, CLASSES), torch.rand(BATCH, HIDDEN)
    dw1, dw2, da = torch.zeros_like(w1), torch.zeros_like(w2), torch.empty_like(a)

    def window() -> None:
        for n in BATCHES:
            affine(x[:n], w1, b1, z1[:n])
            affine(a[:n], w2, b2, z2[:n])
            add_outer_(dw2, dz2[:n], a[:n])
            back(dz2[:n], w2, da[:n])
            add_outer_(dw1, dz1[:n], x[:n])

    return window


def windows_of(steps: Iterator[torch.Tensor]) -> tuple[Contestant, LossOfEpoch]:
    """A window of a stream of steps, and the mean loss of the epoch that comes next."""

    def window() -> None:
        for _ in islice(steps, EPOCH):
            pass

    def epoch() -> float:
        return torch.stack(list(islice(steps, EPOCH))).mean().item()

    return window, epoch


def engine(name: str, data: fs.Dataset) -> Iterator[torch.Tensor]:
    """One of our engines through `fivestep.steps`: real step 3, nothing merged, the draws and the schedule included."""
    plan = fs.TrainPlan(epochs=10_000)
    made = fs.make_engine(name, fs.MLP(INPUTS, HIDDEN, CLASSES, init="normal"), plan, device="cpu")
    return (step.loss for step in fs.steps(made, data, plan))


def professional() -> tuple[nn.Module, nn.Module, torch.optim.Optimizer]:
    model = nn.Sequential(nn.Linear(INPUTS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, CLASSES))
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
    return model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.1)


def resident_loop(x: torch.Tensor, y: torch.Tensor) -> Iterator[torch.Tensor]:
    """A plain PyTorch loop with all rows in memory as floats, sliced by index."""
    model, criterion, optimizer = professional()
    while True:
        for rows in torch.randperm(len(x)).split(BATCH):
            loss = criterion(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            yield loss.detach()


def dataloader_script(x: torch.Tensor, y: torch.Tensor) -> Iterator[torch.Tensor]:
    """The script of most tutorials: a TensorDataset and a DataLoader that collates row by row."""
    model, criterion, optimizer = professional()
    loader = DataLoader(TensorDataset(x, y), batch_size=BATCH, shuffle=True)
    while True:
        for xb, yb in loader:
            loss = criterion(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            yield loss.detach()


def scikit_learn(x: torch.Tensor, y: torch.Tensor) -> tuple[Contestant, LossOfEpoch]:
    """scikit-learn's MLPClassifier with the same arithmetic; `partial_fit` is an epoch."""
    from sklearn.neural_network import MLPClassifier

    options = {"solver": "sgd", "momentum": 0, "alpha": 0, "learning_rate_init": 0.1, "batch_size": BATCH}
    model = MLPClassifier((HIDDEN,), **options)
    rows, labels = x.numpy(), y.numpy()
    model.partial_fit(rows[:BATCH], labels[:BATCH], classes=range(CLASSES))  # makes its weights; now the recipe's own
    for weight, bias in zip(model.coefs_, model.intercepts_, strict=True):
        weight[:], bias[:] = 0.01 * torch.randn(weight.shape).numpy(), 0
    return lambda: model.partial_fit(rows, labels), lambda: model.partial_fit(rows, labels).loss_


def lightning(x: torch.Tensor, y: torch.Tensor) -> tuple[Contestant, LossOfEpoch]:
    """The same network under Lightning's Trainer. Raises an `ImportError` where it is not installed."""
    from _lightning import lightning_epochs

    epochs = lightning_epochs(professional()[0], x, y, BATCH, lr=0.1)

    def window() -> None:
        next(epochs)

    return window, lambda: next(epochs).item()


def main(rounds: int) -> None:
    """Checks that all reach the same loss, measures, prints the table, and keeps it."""
    data = fs.load_dataset("fashion-mnist")
    x, y = data.train.x, data.train.y
    floor = "five matrix products, torch.mm"
    streams = {
        "scratch": engine("scratch", data),
        "autograd": engine("autograd", data),
        "nn": engine("nn", data),
        "PyTorch loop, resident rows": resident_loop(x, y),
        "PyTorch script, DataLoader": dataloader_script(x, y),
    }
    runners = {name: windows_of(stream) for name, stream in streams.items()}
    runners["scikit-learn MLPClassifier"] = scikit_learn(x, y)
    try:
        runners["Lightning"] = lightning(x, y)
    except ImportError as error:
        print(f"Lightning is left out: {error}; pip install '.[bench]'.\n")
    losses = {name: epoch() for name, (_, epoch) in runners.items()}
    assert max(losses.values()) - min(losses.values()) < SAME_LOSS, losses
    seconds = interleaved(
        {
            floor: products(),
            "the same, fivestep's": our_products(),
            **{name: window for name, (window, _) in runners.items()},
        },
        rounds,
    )
    over = ratios(seconds, floor)
    rows = [
        [
            name,
            f"{r['median']:.2f}",
            f"{r['low']:.2f} to {r['high']:.2f}",
            f"{1e6 * spread(seconds[name])['median'] / EPOCH:.0f}",
        ]
        for name, r in over.items()
    ]
    print(table(["", "over the products", "quartiles", "us per step"], rows))
    result = {"benchmark": "fashion_mnist", "rounds": rounds, "first_epoch_loss": losses, "over_products": over}
    print(f"\n{rounds} rounds; kept in {save('fashion_mnist', result)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
