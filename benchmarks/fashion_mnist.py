"""Fashion-MNIST, reference recipe: an epoch of each engine and each rival over its five matrix products.

    python benchmarks/fashion_mnist.py [ROUNDS] [TITLE ...]

A window is an epoch: 234 steps of 256 rows and one of 96. All contestants take turns, window by window; a ratio is
taken within a round. Before the clock starts, each trains five epochs from the same weights, and the least of its
losses must be that of the others, to within the noise of another order of the rows. The floor is the five products that
a step cannot do without: two forward, two for the weights' gradients, one for the hidden layer's.
"""

from _floors import floors
from _measure import THEIRS
from _race import Lengths, asked, check_losses, entrants, keep, raced
from rivals import Job

import fivestep as fs
from fivestep.engines._engine import initial_weights

SIZES, BATCH = (784, 256, 10), 256
CHECKED_EPOCHS, SAME_LOSS = 5, 1.3
"""The factor between the least losses after any of so many epochs. The contestants draw the order of the rows
differently, and by that alone a loss goes up by half now and then, and down again in the next epoch; of twelve orders
the least ones were within a factor of 1.16. That each takes the very same steps on the same batches is what
tests/benchmarks/test_rivals.py shows."""


def job() -> Job:
    """The task; ours keep its pixels as the bytes that they are."""
    data = fs.Dataset(fs.load_dataset("fashion-mnist").train)
    weights = {name: w.numpy() for name, w in initial_weights(fs.MLP(*SIZES, init="normal"), 0).items()}
    recipe = {"activation": "relu", "loss": "cross_entropy", "rule": "sgd", "lr": 0.1, "batch": BATCH}
    x = data.train.x.flatten(1).numpy()
    return Job(x, data.train.y.numpy(), SIZES, **recipe, weights=weights, data=data)  # type: ignore[arg-type]


def main(rounds: int, only: list[str] | None) -> None:
    """Checks that all come to the same loss, measures, prints the table, and keeps it."""
    work = job()
    steps = work.steps_per_epoch
    racing = entrants(work, Lengths(steps, steps, steps, CHECKED_EPOCHS), only)
    check_losses(racing, SAME_LOSS)
    batches = [BATCH] * (steps - 1) + [work.num_rows - BATCH * (steps - 1)]
    found = raced(racing, floors(SIZES, batches), THEIRS, rounds)
    keep("fashion_mnist", {"rounds": rounds, "contestants": found}, only)


if __name__ == "__main__":
    main(*asked(__doc__, 9))
