"""A step on two small networks: `fused` through `train(..., every=1000)`, beside the usual loops, JAX and scikit-learn.

    python benchmarks/small_networks.py [ROUNDS]

2-8-1 is the task `moons`: 200 rows in one batch, tanh, binary cross-entropy, Adam. 10-32-1 has 1000 rows in batches of
100, drawn anew for every epoch, relu, squared error, Adam. All contestants start from the same weights and take turns;
before the clock starts, each trains a thousand epochs and must end at the same loss. JAX runs the epochs as one
compiled `scan`; what compiling takes is not counted for anyone.
"""

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from _measure import Contestant, interleaved, ratios, save, spread, table
from torch import nn

import fivestep as fs

EPOCHS = 1000
WINDOW = 0.1
"""Seconds that a window takes, about: of a shorter one, the first touch of a sleeping processor and of memory that
somebody else has used since would be a good part."""

SAME_LOSS = 3.0
"""The factor between final losses: the orders of the rows differ, and so does scikit-learn's epsilon. 10-32-1 ends at
a millionth of its first loss, where the order of the last rows is what is left; on 2-8-1 the losses are equal."""


class Work(NamedTuple):
    """One of the two networks: what every contestant trains."""

    data: fs.Dataset
    spec: fs.NetSpec
    plan: fs.TrainPlan

    @property
    def steps(self) -> int:
        return EPOCHS * self.plan.steps_per_epoch(len(self.data.train))

    def weights(self) -> dict[str, torch.Tensor]:
        engine = fs.make_engine("scratch", self.spec, self.plan, device="cpu")
        return {name: value.clone() for name, value in engine.named_parameters().items()}


class Runner(NamedTuple):
    """How a contestant does a window of work, how many epochs that is, and the loss after a thousand of them."""

    window: Callable[[], object]
    epochs: int
    final_loss: Callable[[], float]


def repeats(window: Callable[[], object]) -> int:
    """How many of them make a window of the right length."""
    window()
    started = time.perf_counter()
    window()
    return max(1, round(WINDOW / (time.perf_counter() - started)))


def repeated(window: Callable[[], object], times: int) -> Contestant:
    """That many of them, without what they return."""

    def run() -> None:
        for _ in range(times):
            window()

    return run


def without_validation(data: fs.Dataset) -> fs.Dataset:
    """The training part alone: the rivals measure no other either."""
    return fs.Dataset(data.train)


def works() -> dict[str, Work]:
    x = torch.randn(1000, 10, generator=torch.Generator().manual_seed(0))
    rows = fs.Dataset(fs.Rows(x, x.sum(1, keepdim=True)))
    moons: dict[str, Any] = {"loss": "binary_cross_entropy", "optimizer": "adam", "lr": 0.05, "batch_size": None}
    return {
        "2-8-1": Work(
            without_validation(fs.load_dataset("moons")),
            fs.MLP(2, 8, 1, activation="tanh"),
            fs.TrainPlan(**moons, epochs=EPOCHS),
        ),
        "10-32-1": Work(rows, fs.MLP(10, 32, 1), fs.TrainPlan("mse", "adam", lr=1e-3, batch_size=100, epochs=EPOCHS)),
    }


def engine(work: Work, name: str, epochs: int) -> Runner:
    """One of our engines: a window is the next of many `Epoch`s, with all that `train` does for one."""

    def stream(every: int) -> Iterator[fs.Epoch]:
        plan = fs.TrainPlan.from_dict({**work.plan.to_dict(), "epochs": 10**7})
        return fs.train(fs.make_engine(name, work.spec, plan, device="cpu"), work.data, plan, every=every)

    shown = stream(epochs)
    return Runner(lambda: next(shown), epochs, lambda: next(stream(EPOCHS)).train_loss)


def pytorch(work: Work, epochs: int) -> Runner:
    """The plain loop: rows in memory, sliced by index, module, autograd, torch.optim."""
    x, y = work.data.train.x.float(), work.data.train.y.float().reshape(-1, 1)
    criterion = nn.BCEWithLogitsLoss() if "cross" in str(work.plan.loss) else nn.MSELoss()
    hidden = nn.Tanh() if "cross" in str(work.plan.loss) else nn.ReLU()

    def run(epochs: int) -> float:
        first, last = (value.shape for name, value in work.weights().items() if name.endswith("weight"))
        model = nn.Sequential(nn.Linear(first[1], first[0]), hidden, nn.Linear(last[1], last[0]))
        model.load_state_dict(work.weights())
        optimizer, size = torch.optim.Adam(model.parameters(), lr=work.plan.lr), work.plan.batch_size or len(x)
        for _ in range(epochs):
            for rows in torch.randperm(len(x)).split(size) if size < len(x) else [slice(None)]:
                loss = criterion(model(x[rows]), y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        return float(criterion(model(x), y).detach())

    return Runner(lambda: run(epochs), epochs, lambda: run(EPOCHS))


def jax_scan(work: Work) -> Runner:
    """Value, gradient and Adam as one compiled scan over all steps."""
    import jax
    from jax import numpy as jnp

    x = jnp.asarray(work.data.train.x.float().numpy())
    y = jnp.asarray(work.data.train.y.float().reshape(-1, 1).numpy())
    start = {name: jnp.asarray(value.numpy()) for name, value in work.weights().items()}
    is_moons, size = "cross" in str(work.plan.loss), work.plan.batch_size or len(x)

    def loss_of(w: Any, x: Any, y: Any) -> Any:
        z = x @ w["0.weight"].T + w["0.bias"]
        z = (jnp.tanh(z) if is_moons else jax.nn.relu(z)) @ w["2.weight"].T + w["2.bias"]
        return jnp.mean(jnp.logaddexp(0, z) - y * z if is_moons else (z - y) ** 2)

    def step(state: Any, rows: Any) -> tuple[Any, Any]:
        w, m, v, t = state
        batch = (x, y) if rows is None else (x[rows], y[rows])
        loss, g = jax.value_and_grad(loss_of)(w, *batch)
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        rate, root = work.plan.lr / (1 - 0.9**t), jnp.sqrt(1 - 0.999**t)
        w = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) / root + 1e-8), w, m, v)
        return (w, m, v, t), loss

    def epoch(state: Any, key: Any) -> Any:
        if size == len(x):
            return step(state, None)
        return jax.lax.scan(step, state, jax.random.permutation(key, len(x)).reshape(-1, size))

    zeros = jax.tree.map(jnp.zeros_like, start)
    keys = jax.random.split(jax.random.key(0), EPOCHS)
    train = jax.jit(lambda keys: jax.lax.scan(epoch, (start, zeros, zeros, 0.0), keys))

    def run() -> float:
        (w, *_), _ = jax.block_until_ready(train(keys))
        return float(loss_of(w, x, y))

    return Runner(lambda: jax.block_until_ready(train(keys)), EPOCHS, run)


def scikit_learn(work: Work, epochs: int) -> Runner:
    """MLPClassifier or MLPRegressor with the same settings, from the same weights."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    is_moons = "cross" in str(work.plan.loss)
    x, y = work.data.train.x.float().numpy(), work.data.train.y.numpy().ravel()
    start, size = work.weights(), work.plan.batch_size or len(x)

    def run(epochs: int) -> float:
        options = {
            "activation": "tanh" if is_moons else "relu",
            "solver": "adam",
            "alpha": 0,
            "learning_rate_init": work.plan.lr,
            "batch_size": size,
        }
        model = (MLPClassifier if is_moons else MLPRegressor)(hidden_layer_sizes=len(start["0.bias"]), **options)
        classes = {"classes": [0, 1]} if is_moons else {}
        model.partial_fit(x[:size], y[:size], **classes)  # makes its weights; now they are ours
        model.coefs_ = [start[f"{k}.weight"].numpy().T.copy() for k in (0, 2)]
        model.intercepts_ = [start[f"{k}.bias"].numpy().copy() for k in (0, 2)]
        model._optimizer = None
        model.set_params(warm_start=True, max_iter=epochs, tol=0.0, n_iter_no_change=epochs + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it did not converge: it was not asked to
            model.fit(x, y)
        if is_moons:
            p = np.clip(model.predict_proba(x)[:, 1].astype(np.float64), 1e-12, 1 - 1e-12)
            return float(np.mean(-np.where(y == 1, np.log(p), np.log(1 - p))))
        return float(np.mean((model.predict(x) - y) ** 2))

    return Runner(lambda: run(epochs), epochs, lambda: run(EPOCHS))


def measured(name: str, work: Work, rounds: int) -> tuple[dict[str, Any], list[list[str]]]:
    """The figures of one network, after the check that all end at the same loss."""
    runners = {
        "fivestep fused": engine(work, "fused", EPOCHS),
        "fivestep scratch": engine(work, "scratch", EPOCHS // 20),
        "PyTorch loop, resident rows": pytorch(work, EPOCHS // 20),
        "scikit-learn": scikit_learn(work, EPOCHS // 20),
    }
    try:
        runners["JAX jit(scan)"] = jax_scan(work)
    except ImportError:
        print("JAX is not installed: left out (pip install jax)")
    losses = {who: runner.final_loss() for who, runner in runners.items()}
    assert max(losses.values()) < SAME_LOSS * min(losses.values()), losses
    times = {who: repeats(runner.window) for who, runner in runners.items()}
    seconds = interleaved({who: repeated(runner.window, times[who]) for who, runner in runners.items()}, rounds)
    per_step = {
        who: [value * EPOCHS / (runners[who].epochs * times[who]) / work.steps for value in values]
        for who, values in seconds.items()
    }
    over = ratios(per_step, "fivestep fused")
    rows = [
        [
            name,
            who,
            f"{1e6 * spread(per_step[who])['median']:.2f}",
            f"{r['median']:.1f}",
            f"{r['low']:.1f} to {r['high']:.1f}",
        ]
        for who, r in over.items()
    ]
    found = {"losses": losses, "seconds_per_step": {who: spread(v) for who, v in per_step.items()}, "over_fused": over}
    return found, rows


def main(rounds: int) -> None:
    """Measures, prints the table, and keeps it."""
    found, rows = {}, []
    for name, work in works().items():
        found[name], more = measured(name, work, rounds)
        rows += more
    print(table(["network", "", "us per step", "over fused", "quartiles"], rows))
    print(f"\n{rounds} rounds; kept in {save('small_networks', {'rounds': rounds, **found})}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
