"""The grid that the settings of the task `digits` were chosen from, by the mean validation loss over five seeds.

    python benchmarks/digits.py

Takes two minutes on one core. Nothing here looks at the test part.
"""

from collections.abc import Iterator
from itertools import product
from statistics import mean

import torch
from _asked import parser_of

import fivestep as fs

SEEDS, RATES, EPOCHS = range(5), (1e-3, 3e-3, 1e-2), (15, 30)


def networks() -> Iterator[fs.NetSpec]:
    """The two models of the task, the perceptron in three widths and with two initializations."""
    yield fs.SoftmaxRegression(64, 10)
    for width, init in product((64, 128, 256), ("torch", "kaiming")):
        yield fs.MLP(64, width, 10, init=init)


def validation(spec: fs.NetSpec, data: fs.Dataset, lr: float, epochs: int, seed: int) -> fs.Evaluation:
    """Loss and accuracy on the validation part after training."""
    plan = fs.TrainPlan(optimizer="adam", lr=lr, batch_size=32, epochs=epochs, seed=seed)
    engine = fs.make_engine("scratch", spec, plan, device="cpu")
    for _ in fs.steps(engine, data, plan):
        pass
    assert data.valid is not None
    return fs.evaluate(engine, data.valid)


def main() -> None:
    """Prints a line for each point of the grid."""
    torch.set_num_threads(1)
    data = fs.load_dataset("digits")
    for spec, lr, epochs in product(networks(), RATES, EPOCHS):
        scores = [validation(spec, data, lr, epochs, seed) for seed in SEEDS]
        loss, accuracy = mean(score.loss for score in scores), mean(score.accuracy or 0.0 for score in scores)
        network = f"{spec.title} {spec.sizes_text()}, {spec.init}"
        print(f"{network:34}  lr {lr:<5g}  {epochs} epochs   loss {loss:.4f}   accuracy {accuracy:.4f}", flush=True)


if __name__ == "__main__":
    parser_of(__doc__).parse_args()
    main()
