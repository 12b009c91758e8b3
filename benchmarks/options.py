"""What each option costs: a step with it over a step without, in `fused` and in a plain PyTorch loop.

    python benchmarks/options.py [ROUNDS] [OPTION ...]

Two recipes: Fashion-MNIST's 784-256-10, plain descent in batches of 256; and 10-32-1 on 1000 rows in batches of 100,
squared error, Adam. Each option is switched on alone, for `make_engine("auto")` and for the loop of `_plain_loop.py`,
which is written without any engine of ours. Before the clock starts both train some steps from the same weights and
must come to about the same loss, and better than at the start. A window of plain steps stands beside each window with
the option, so the ratio says what the option costs there; the last column says how much longer the loop takes with it.
The small network has one thread, which is the better number for both. What torch has not is timed for ours alone.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from _measure import PAUSE, ratios, spread
from _plain_loop import PlainLoop
from _race import asked, keep
from _steps import Steps, steps_in, steps_of

import fivestep as fs

PLAIN, SIDES = "plain", ("ours", "loop")
WINDOW = 0.05
"""Seconds of a window, about: there are two hundred of them in a round."""
CHECK = {"784-256-10": 60, "10-32-1": 150}
"""Steps before the losses are compared."""
SAME_LOSS = 1.1
"""The factor between the losses at most: rows and their orders are the same, masks of dropout are not."""


@dataclass(frozen=True)
class Option:
    """What it changes: settings of the network and of the plan, the type of numbers, or weights for the rows."""

    net: Mapping[str, Any] = field(default_factory=dict)
    plan: Mapping[str, Any] = field(default_factory=dict)
    dtype: str = "float32"
    weighs: bool = False
    has_residual: bool = False
    torch_has_it: bool = True

    @property
    def needs_classes(self) -> bool:
        """Whether it brings a loss of classes with it."""
        return "loss" in self.plan


OPTIONS: dict[str, Option] = {
    PLAIN: Option(),
    "dropout": Option(net={"dropout": 0.2}),
    "clip_norm": Option(plan={"clip_norm": 1.0}),
    "clip_value": Option(plan={"clip_value": 0.01}),
    "l2": Option(plan={"l2": 0.01}),
    "weight_decay": Option(plan={"weight_decay": 1e-4}),
    "adamw": Option(plan={"optimizer": "adamw", "lr": 1e-3}),
    "adamw, no decay of biases": Option(plan={"optimizer": "adamw", "lr": 1e-3, "no_decay": "bias"}),
    "lr_factors": Option(plan={"lr_factors": {"bias": 2.0}}),
    "row weights": Option(weighs=True),
    "label smoothing": Option(plan={"loss": "cross_entropy:label_smoothing=0.1"}),
    "ema": Option(plan={"ema": 0.99}),
    "micro-batches": Option(plan={"micro_batch_size": 50}),
    "layer_norm": Option(net={"norm": "layer_norm"}),
    "batch_norm": Option(net={"norm": "batch_norm"}),
    "a residual block": Option(has_residual=True),
    "tanh": Option(net={"activation": "tanh"}),
    "gelu": Option(net={"activation": "gelu"}),
    "silu": Option(net={"activation": "silu"}),
    "float64": Option(dtype="float64"),
    "momentum": Option(plan={"optimizer": "sgd:momentum=0.9", "lr": 0.01}),
    "nesterov": Option(plan={"optimizer": "sgd:momentum=0.9,nesterov=true", "lr": 0.01}),
    "adam": Option(plan={"optimizer": "adam", "lr": 1e-3}),
    "rmsprop": Option(plan={"optimizer": "rmsprop", "lr": 1e-3}),
    "adagrad": Option(plan={"optimizer": "adagrad", "lr": 1e-2}),
    "adadelta": Option(plan={"optimizer": "adadelta", "lr": 1.0}),
    "lion": Option(plan={"optimizer": "lion", "lr": 1e-4}, torch_has_it=False),
    "amsgrad": Option(plan={"optimizer": "adam:amsgrad=true", "lr": 1e-3}),
    "nadam": Option(plan={"optimizer": "nadam", "lr": 1e-3}),
    "muon": Option(plan={"optimizer": "muon", "lr": 1e-2}),
    "schedule_free_adamw": Option(plan={"optimizer": "schedule_free_adamw", "lr": 1e-3}, torch_has_it=False),
}


@dataclass(frozen=True)
class Recipe:
    """What an option is switched on in."""

    sizes: tuple[int, ...]
    plan: Mapping[str, Any]
    data: fs.Dataset
    is_small: bool = False

    def network(self, option: Option) -> fs.NetSpec:
        """The network with the option; a residual block is one more hidden layer."""
        if not option.has_residual:
            return fs.MLP(*self.sizes, **option.net)
        first, width, last = self.sizes
        hidden = fs.Choice("linear", out_features=width)
        block = fs.Choice("residual", layers=(str(hidden), "relu"))
        return fs.NetSpec((hidden, fs.Choice("relu"), block, fs.Choice("linear")), first, last)

    def rows(self, option: Option) -> fs.Dataset:
        """The rows, with weights between one and three if it `weighs`."""
        if not option.weighs:
            return self.data
        rows = self.data.train
        weight = 1.0 + torch.arange(len(rows)) % 3
        return fs.Dataset(fs.Rows(rows.stored, rows.y, weight, scale=rows.scale), num_outputs=self.sizes[-1])


def recipes() -> dict[str, Recipe]:
    """The two."""
    x = torch.randn(1000, 10, generator=torch.Generator().manual_seed(0))
    numbers = fs.Dataset(fs.Rows(x, x.sum(1, keepdim=True)))
    adam = {"loss": "mse", "optimizer": "adam", "lr": 1e-3, "batch_size": 100}
    return {
        "784-256-10": Recipe((784, 256, 10), {"lr": 0.1, "batch_size": 256}, fs.load_dataset("fashion-mnist")),
        "10-32-1": Recipe((10, 32, 1), adam, numbers, is_small=True),
    }


@dataclass(frozen=True)
class Runner:
    """One who trains, and the steps of a window."""

    train: Steps
    steps: int
    name: str

    def seconds_per_step(self) -> float:
        """Of one window."""
        started = time.perf_counter()
        self.train(self.steps)
        return (time.perf_counter() - started) / self.steps


def runners(name: str, recipe: Recipe, option: Option) -> Iterator[Runner]:
    """Ours and the loop, checked and warm."""
    spec, data = recipe.network(option), recipe.rows(option)
    plan, dtype = fs.TrainPlan(**{**recipe.plan, "epochs": 10**6, **option.plan}), getattr(torch, option.dtype)
    engine = fs.make_engine("auto", spec, plan, dtype=option.dtype, device="cpu")
    judge = fs.make_engine("scratch", spec, plan, dtype=option.dtype, device="cpu")
    ours, loop, some = steps_of(engine, data), PlainLoop(spec, plan, data, dtype), data.train.take(slice(5000))
    losses = [fs.evaluate(judge, some).loss]
    ours(CHECK[name])
    losses.append(fs.evaluate(engine, some).loss)
    loop.train(CHECK[name])
    of_loop, own = loop.model.state_dict(), judge.params.named_with_buffers()
    judge.load_weights({name: of_loop[name] for name in own})
    losses.append(fs.evaluate(judge, some).loss)
    start, *ends = losses
    if not (max(ends) < start and max(ends) < SAME_LOSS * min(ends)):
        raise AssertionError(f"{name}, {option}: both must come to about the same loss from {start}, got {ends}")
    yield Runner(ours, steps_in(ours, WINDOW), engine.name)
    yield Runner(loop.train, steps_in(loop.train, WINDOW), "loop")


def measured(name: str, recipe: Recipe, rounds: int, only: list[str] | None) -> dict[str, Any]:
    """By option: the engine, and seconds of a step and the ratio over the plain step for ours and for the loop."""
    racing: dict[str, dict[str, Runner]] = {}
    for title, option in OPTIONS.items():
        if (only is not None and title not in (PLAIN, *only)) or (option.needs_classes and recipe.sizes[-1] == 1):
            continue
        sides = SIDES if option.torch_has_it else SIDES[:1]
        racing[title] = dict(zip(sides, runners(name, recipe, option), strict=False))
        print(f"  ready: {title} ({racing[title][SIDES[0]].name})", flush=True)
    pairs = {(title, side): (one, racing[PLAIN][side]) for title, of in racing.items() for side, one in of.items()}
    seconds = beside_each_other(pairs, rounds)
    found: dict[str, Any] = {}
    for title, of in racing.items():
        found[title] = {"engine": of[SIDES[0]].name}
        for side in of:
            with_it, plain = zip(*seconds[title, side], strict=True)
            over = ratios({"option": with_it, PLAIN: plain}, PLAIN)["option"]
            found[title][side] = {"seconds per step": spread(with_it), "over plain": over}
        if len(of) == len(SIDES):
            times = {side: [with_it for with_it, _ in seconds[title, side]] for side in of}
            found[title]["loop over ours"] = ratios(times, SIDES[0])[SIDES[1]]
    return found


def beside_each_other(
    pairs: Mapping[tuple[str, str], tuple[Runner, Runner]], rounds: int
) -> dict[tuple[str, str], list[tuple[float, float]]]:
    """Seconds of a step of both of each pair, one right after the other, round by round; every pair in its turn."""
    seconds: dict[tuple[str, str], list[tuple[float, float]]] = {key: [] for key in pairs}
    keys = list(pairs)
    for number in range(rounds):
        for key in keys[number % len(keys) :] + keys[: number % len(keys)]:
            time.sleep(PAUSE)
            first, second = (one.seconds_per_step() for one in pairs[key])
            seconds[key].append((first, second))
    return seconds


def main(rounds: int, only: list[str] | None) -> None:
    """Measures, prints the table, and keeps it."""
    found = {}
    all_threads = torch.get_num_threads()
    for name, recipe in recipes().items():
        print(f"{name}:")
        torch.set_num_threads(1 if recipe.is_small else all_threads)
        found[name] = measured(name, recipe, rounds, only)
    torch.set_num_threads(all_threads)  # which is what the result says; the small network had one
    keep("options", {"rounds": rounds, "recipes": found}, only)


if __name__ == "__main__":
    main(*asked(__doc__, 5, "OPTION"))
