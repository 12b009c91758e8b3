"""Prediction: one row through 2-8-1, and batches through larger networks, beside PyTorch and scikit-learn.

    python benchmarks/prediction.py [ROUNDS]

One row: `engine.predict` beside the call of an `nn.Sequential`, with and without `inference_mode`, scikit-learn's
`predict`, and our estimator's, which checks its input as scikit-learn does: with the recipe `plain`, the same network,
and with `tabular`, its default, which has more layers. Batches: 60,000 rows through 784-256-10, beside the two products
that it cannot do without, by torch.mm, and in parts by the library that fivestep takes. All have the same weights, or
have learned the same task, and must give the same answers before the clock starts. One thread for the single row, all
for the batches.
"""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from _asked import number_asked
from _measure import Contestant, interleaved, ratios, save, spread, table
from torch import nn

import fivestep as fs
from fivestep.products import affine

PART = 4096
"""Rows of a product in parts."""
ROWS_ALONE = 20_000
"""How often one row is predicted in a window, by the faster ones; the estimators take a twentieth."""
Predict = Callable[[], Any]


def repeated(predict: Predict, times: int) -> Contestant:
    """A window of that many predictions."""

    def window() -> None:
        for _ in range(times):
            predict()

    return window


def twin(engine: fs.Engine, activation: nn.Module) -> nn.Sequential:
    """The same network in PyTorch, with the same weights."""
    first, last = (w for name, w in engine.named_parameters().items() if name.endswith("weight"))
    model = nn.Sequential(
        nn.Linear(first.shape[1], first.shape[0]), activation, nn.Linear(last.shape[1], last.shape[0])
    )
    model.load_state_dict(engine.named_parameters())
    return model


def without_gradient(model: nn.Module, x: torch.Tensor) -> Predict:
    """The usual way to predict in PyTorch."""

    def predict() -> torch.Tensor:
        with torch.inference_mode():
            answer: torch.Tensor = model(x)
        return answer

    return predict


def one_row() -> tuple[dict[str, Predict], dict[str, int]]:
    """The contestants for one row of moons, and how often each predicts it in a window."""
    from sklearn.neural_network import MLPClassifier

    train = fs.load_dataset("moons").train
    plan = fs.TrainPlan(loss="binary_cross_entropy", optimizer="adam", lr=0.05, batch_size=None, epochs=300)
    engine = fs.make_engine("fused", fs.MLP(2, 8, 1, activation="tanh"), plan, device="cpu")
    list(fs.train(engine, fs.Dataset(train), plan, every=300))
    x, model = train.x[:1].clone(), twin(engine, nn.Tanh())
    rows, labels, row = train.x.numpy(), train.y.numpy(), x.numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it did not converge: it was not asked to
        theirs = MLPClassifier((8,), activation="tanh", max_iter=300, learning_rate_init=0.05).fit(rows, labels)
    ours, tabular = (
        fs.MLPClassifier((8,), activation="tanh", max_iter=300, recipe=name).fit(rows, labels)
        for name in ("plain", "tabular")
    )
    assert torch.allclose(engine.predict(x), model(x), atol=1e-5)
    assert theirs.predict(row) == ours.predict(row) == tabular.predict(row) == labels[:1]
    contestants: dict[str, Predict] = {
        "fivestep engine.predict": lambda: engine.predict(x),
        "PyTorch nn.Sequential": lambda: model(x),
        "the same in inference_mode": without_gradient(model, x),
        "scikit-learn predict": lambda: theirs.predict(row),
        "fivestep MLPClassifier.predict, recipe plain": lambda: ours.predict(row),
        "fivestep MLPClassifier.predict, recipe tabular": lambda: tabular.predict(row),
    }
    is_slow = {name: "predict" in name and "engine" not in name for name in contestants}
    return contestants, {name: ROWS_ALONE // 20 if is_slow[name] else ROWS_ALONE for name in contestants}


def batches() -> tuple[dict[str, Predict], dict[str, int]]:
    """The contestants for 60,000 rows of 784 numbers."""
    plan = fs.TrainPlan()
    engine = fs.make_engine("scratch", fs.MLP(784, 256, 10), plan, device="cpu")
    x, model = torch.rand(60_000, 784), twin(engine, nn.ReLU())
    w1, w2 = (w.T for name, w in engine.named_parameters().items() if name.endswith("weight"))
    products = [(x, w1), (torch.rand(60_000, 256), w2)]
    parts = [(part, w.T, torch.empty(len(part), w.shape[1])) for a, w in products for part in a.split(PART)]
    assert torch.allclose(engine.predict(x[:100]), model(x[:100]), atol=1e-4)
    contestants: dict[str, Predict] = {
        "fivestep engine.predict": lambda: engine.predict(x),
        "PyTorch nn.Sequential, inference_mode": without_gradient(model, x),
        "its two products, torch.mm": lambda: [a @ b for a, b in products],
        "its two products, fivestep's": lambda: [affine(a, w, None, z) for a, w, z in parts],
    }
    return contestants, dict.fromkeys(contestants, 1)


def measured(
    what: str, contestants: Mapping[str, Predict], times: Mapping[str, int], rounds: int
) -> tuple[dict[str, Any], list[list[str]]]:
    """The figures of one kind of prediction."""
    windows = {name: repeated(predict, times[name]) for name, predict in contestants.items()}
    seconds = {name: [v / times[name] for v in values] for name, values in interleaved(windows, rounds).items()}
    over = ratios(seconds, "fivestep engine.predict")
    rows = [
        [
            what,
            name,
            f"{1e6 * spread(seconds[name])['median']:.2f}",
            f"{r['median']:.2f}",
            f"{r['low']:.2f} to {r['high']:.2f}",
        ]
        for name, r in over.items()
    ]
    return {"seconds": {name: spread(values) for name, values in seconds.items()}, "over": over}, rows


def main(rounds: int) -> None:
    """Measures, prints the table, and keeps it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    alone, rows = measured("one row, 2-8-1", *one_row(), rounds)
    torch.set_num_threads(threads)
    together, more = measured("60,000 rows, 784-256-10", *batches(), rounds)
    print(table(["", "", "us", "over engine.predict", "quartiles"], rows + more))
    print(f"\n{rounds} rounds; kept in {save('prediction', {'rounds': rounds, 'one row': alone, 'batch': together})}")


if __name__ == "__main__":
    main(number_asked(__doc__, "ROUNDS", 9))
