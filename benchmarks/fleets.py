"""Many small networks at once: `fit_many` beside JAX `vmap(scan)` and one batched PyTorch loop.

    python benchmarks/fleets.py [ROUNDS] [NETWORKS ...]

2-8-1 on the task `moons`: 200 rows in one batch, tanh, binary cross-entropy, Adam, a thousand steps, each network with
its own initial weights, on all cores. A window is a whole fleet from its plans to its trained networks: for us that is
making every engine, checking, training and evaluating it. JAX is compiled before the clock starts, and is given the
initial weights. Before that, all must end at the same losses, network by network, but for one in a hundred at most. The
last table is a fleet of one over the single engine.
"""

from collections.abc import Callable
from typing import Any

import torch
from _asked import words_asked
from _measure import Contestant, interleaved, ratios, save, spread, table

import fivestep as fs

STEPS, RATE = 1000, 0.05
MANY = 1024
"""Networks beyond which the windows are long: two rounds are enough, and batched PyTorch is left out."""
SAME_LOSS = 1e-3
"""How far apart the final losses of one network may be, in nats: rounding that a thousand steps have made larger."""
SPEC = fs.MLP(2, 8, 1, activation="tanh")
DATA = fs.Dataset(fs.load_dataset("moons").train)


def plans(count: int) -> list[fs.TrainPlan]:
    """One for each network: they differ in their seeds."""
    shared: dict[str, Any] = {"loss": "binary_cross_entropy", "optimizer": "adam", "lr": RATE, "batch_size": None}
    return [fs.TrainPlan(**shared, epochs=STEPS, seed=seed) for seed in range(count)]


def start(count: int) -> dict[str, torch.Tensor]:
    """The initial weights of all networks, stacked."""
    made = [fs.make_engine("scratch", SPEC, plan, device="cpu").named_parameters() for plan in plans(count)]
    return {name: torch.stack([one[name] for one in made]) for name in made[0]}


Fleet = Callable[[], list[float]]
"""Trains all networks, and returns their losses."""


def fleet(count: int) -> Fleet:
    """Ours."""

    def run() -> list[float]:
        return [member.history[-1].train_loss for member in fs.fit_many(SPEC, DATA, plans(count), device="cpu")]

    return run


def single(count: int) -> Fleet:
    """The same networks by `train`, one after another: what a fleet of one is compared with."""

    def run() -> list[float]:
        losses = []
        for plan in plans(count):
            made = fs.make_engine("auto", SPEC, plan, device="cpu", num_rows=len(DATA.train))
            losses += [epoch.train_loss for epoch in fs.train(made, DATA, plan, every=STEPS)]
        return losses

    return run


def pytorch(count: int) -> Fleet:
    """All networks as one, with batched products and autograd."""
    x, y, first = DATA.train.x.float(), DATA.train.y.float().reshape(-1, 1), start(count)

    def run() -> list[float]:
        w1, b1, w2, b2 = (value.clone().requires_grad_() for value in first.values())
        optimizer = torch.optim.Adam([w1, b1, w2, b2], lr=RATE)
        criterion = torch.nn.BCEWithLogitsLoss(reduction="none")

        def losses() -> torch.Tensor:
            hidden = torch.tanh(torch.baddbmm(b1[:, None], x.expand(count, -1, -1), w1.mT))
            logits = torch.baddbmm(b2[:, None], hidden, w2.mT)
            each: torch.Tensor = criterion(logits, y.expand(count, -1, -1)).mean((1, 2))
            return each

        for _ in range(STEPS):
            optimizer.zero_grad()
            losses().sum().backward()
            optimizer.step()
        found: list[float] = losses().tolist()
        return found

    return run


def jax_vmap(count: int) -> Fleet:
    """All networks as one compiled scan. Raises an `ImportError` where JAX is not installed."""
    import jax
    from jax import numpy as jnp

    x, y = jnp.asarray(DATA.train.x.float().numpy()), jnp.asarray(DATA.train.y.float().reshape(-1, 1).numpy())
    first = {name: jnp.asarray(value.numpy()) for name, value in start(count).items()}

    def loss_of(w: Any) -> Any:
        z = jnp.tanh(x @ w["0.weight"].T + w["0.bias"]) @ w["2.weight"].T + w["2.bias"]
        return jnp.mean(jnp.logaddexp(0, z) - y * z)

    def step(state: Any, _: None) -> tuple[Any, Any]:
        w, m, v, t = state
        loss, g = jax.value_and_grad(loss_of)(w)
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        rate, root = RATE / (1 - 0.9**t), jnp.sqrt(1 - 0.999**t)
        w = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) / root + 1e-8), w, m, v)
        return (w, m, v, t), loss

    def one(w: Any) -> Any:
        zeros = jax.tree.map(jnp.zeros_like, w)
        (w, *_), _ = jax.lax.scan(step, (w, zeros, zeros, 0.0), length=STEPS)
        return loss_of(w)

    train = jax.jit(jax.vmap(one))

    def run() -> list[float]:
        found: list[float] = jax.block_until_ready(train(first)).tolist()
        return found

    return run


def silent(run: Fleet) -> Contestant:
    """The same without its losses."""

    def window() -> None:
        run()

    return window


def measured(fleets: dict[str, Fleet], count: int, rounds: int, of: str) -> tuple[dict[str, Any], list[list[str]]]:
    """The figures of one number of networks, after the check that each network ends at the same loss everywhere."""
    losses = torch.tensor([run() for run in fleets.values()])
    apart = losses.amax(0) - losses.amin(0)
    if apart.quantile(0.99) >= SAME_LOSS:
        raise AssertionError(f"the contestants do not come to the same losses: they are up to {apart.max():.2g} apart")
    seconds = interleaved({who: silent(run) for who, run in fleets.items()}, rounds, warm=False)
    over = ratios(seconds, of)
    each = {who: spread([value / count / STEPS for value in values]) for who, values in seconds.items()}
    rows = [
        [
            f"{count:,}",
            who,
            f"{1e6 * each[who]['median']:.2f}",
            f"{r['median']:.2f}",
            f"{r['low']:.2f} to {r['high']:.2f}",
        ]
        for who, r in over.items()
    ]
    return {"seconds_per_network_and_step": each, "over": over}, rows


def main(rounds: int, counts: list[int]) -> None:
    """Measures, prints the tables, and keeps them."""
    found: dict[str, Any] = {"rounds": rounds}
    rows: list[list[str]] = []
    for count in counts:
        fleets = {"fivestep fit_many": fleet(count)}
        if count <= MANY:
            fleets["PyTorch, batched products"] = pytorch(count)
        try:
            fleets["JAX jit(vmap(scan))"] = jax_vmap(count)
        except ImportError:
            print("JAX is not installed: left out (pip install jax)")
        found[str(count)], more = measured(fleets, count, rounds if count <= MANY else 2, "fivestep fit_many")
        rows += more
    print(table(["networks", "", "us per network and step", "over fit_many", "quartiles"], rows))
    found["1"], rows = measured(
        {"fit_many": fleet(1), "the single engine": single(1)}, 1, 10 * rounds, "the single engine"
    )
    print("\n" + table(["networks", "", "us per step", "over the single engine", "quartiles"], rows))
    print(f"\n{rounds} rounds; kept in {save('fleets', found)}")


if __name__ == "__main__":
    numbers, _ = words_asked(__doc__, "ROUNDS or NETWORKS", known=())
    main(numbers[0] if numbers else 5, numbers[1:] or [4, 16, 64, 256, 1024, 4096])
