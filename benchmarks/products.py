"""The products of a linear layer by fivestep's choice of library, over torch.mm's, for layers of several sizes.

    python benchmarks/products.py [ROUNDS]

A window is forty steps' worth of z = x W^T + b, dW += dz^T x and dx = dz W. Where the choice is torch.mm itself, the
ratio is one but for noise.
"""

import torch
from _asked import number_asked
from _measure import Contestant, interleaved, ratios, save
from _sections import show

from fivestep.products import add_outer_, affine, back, onednn_is_faster

SIZES = [(200, 2, 8), (256, 784, 256), (256, 256, 10), (256, 256, 256), (1024, 50, 512), (1024, 512, 512)]
STEPS = 40


def contestants(n: int, i: int, o: int) -> dict[str, Contestant]:
    """Ours and torch's, on the same tensors."""
    x, w, b, dz = torch.rand(n, i), torch.rand(o, i), torch.rand(o), torch.rand(n, o)
    z, dw, dx = torch.empty(n, o), torch.zeros(o, i), torch.empty(n, i)

    def plain() -> None:
        for _ in range(STEPS):
            torch.addmm(b, x, w.T, out=z)
            dw.addmm_(dz.T, x)
            torch.mm(dz, w, out=dx)

    def ours() -> None:
        for _ in range(STEPS):
            affine(x, w, b, z)
            add_outer_(dw, dz, x)
            back(dz, w, dx)

    return {"torch.mm": plain, "fivestep": ours}


def main(rounds: int) -> None:
    """Measures, prints the table, and keeps it."""
    found = {}
    for n, i, o in SIZES:
        found[f"{n} x {i} -> {o}"] = ratios(interleaved(contestants(n, i, o), rounds), "torch.mm")["fivestep"]
    save("products", {"rounds": rounds, "onednn_is_faster": onednn_is_faster(), "fivestep / torch.mm": found})
    show("products")


if __name__ == "__main__":
    main(number_asked(__doc__, "ROUNDS", 15))
