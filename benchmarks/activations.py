"""Each activation's value and derivative by hand, against torch's forward and backward of the same function.

    python benchmarks/activations.py [ROUNDS]

A window is ten passes over 256 x 256 numbers, one hidden layer of Fashion-MNIST's reference recipe, on one thread and
out of and into memory that is already there. The two take turns, window by window.
"""

from collections.abc import Callable

import torch
from _asked import number_asked
from _measure import interleaved, ratios, save, table

from fivestep.activations._base import Activation
from fivestep.find import build, names

ROWS, WIDTH, PASSES = 256, 256, 10


def by_hand(activation: Activation) -> Callable[[], None]:
    """What `scratch` does: the value into a buffer, then the derivative."""
    z = torch.randn(ROWS, WIDTH, generator=torch.Generator().manual_seed(0))
    out = torch.empty_like(z)

    def window() -> None:
        for _ in range(PASSES):
            activation.derivative(z, activation.value(z, out=out))

    return window


def by_torch(activation: Activation) -> Callable[[], None]:
    """What `nn` does: forward and backward of the module."""
    z = torch.randn(ROWS, WIDTH, generator=torch.Generator().manual_seed(0)).requires_grad_()
    module, gradient = activation.twin(), torch.ones(ROWS, WIDTH)

    def window() -> None:
        for _ in range(PASSES):
            z.grad = None
            module(z).backward(gradient)

    return window


def main(rounds: int) -> None:
    """Measures, prints the table, and keeps it."""
    torch.set_num_threads(1)
    found, rows = {}, []
    for name in names("activations"):
        activation = build("activations", name)
        if isinstance(activation, Activation):  # softmax is not elementwise
            seconds = interleaved({"torch": by_torch(activation), "by hand": by_hand(activation)}, rounds)
            ratio = ratios(seconds, "torch")["by hand"]
            found[name] = ratio
            rows.append([name, f"{ratio['median']:.2f}", f"{ratio['low']:.2f} to {ratio['high']:.2f}"])
    print(table(["activation", "by hand / torch", "quartiles"], rows))
    print(f"\n{rounds} rounds; kept in {save('activations', {'rounds': rounds, 'by hand / torch': found})}")


if __name__ == "__main__":
    main(number_asked(__doc__, "ROUNDS", 31))
