"""From a network and a plan to the settings of the page, or an error about what the page does not support."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ..check import InputError, one_of, refuse
from ..find import Choice
from ..net import NetSpec
from ..plan import TrainPlan

FOLDER = Path(__file__).parent

TASKS = ("moons", "circles", "xor", "spirals", "three-spirals", "line", "wave")
"""The named tasks with one or two inputs, which can be drawn, the first to try first."""

MOST_LAYERS, MOST_UNITS = 4, 64
"""Hidden layers, and units in one of them: as many as can be told apart on a screen."""

LARGEST_SEED = 2**53 - 1
"""Up to here each whole number has a number of its own in float64."""


@cache
def offered(family: str) -> tuple[str, ...]:
    """The items of a family that the page has, in alphabetical order: the files of its folder."""
    return tuple(sorted(path.stem for path in (FOLDER / family).glob("*.js")))


def settings_of(spec: NetSpec, plan: TrainPlan) -> dict[str, Any]:
    """The network and the plan as the page's settings; raises an `InputError` for what it does not have."""
    linear = [choice for choice in spec.layers if choice.name == "linear"]
    between = list(dict.fromkeys(choice for choice in spec.layers if choice.name != "linear"))
    if len(between) > 1:
        raise refuse("activation", ", ".join(map(str, between)), "the same for every hidden layer", "name one")
    hidden = [choice.options["out_features"] for choice in linear[:-1]]
    if len(hidden) > MOST_LAYERS or max(hidden, default=0) > MOST_UNITS:
        raise InputError(
            f"hidden must be at most {MOST_LAYERS} layers of at most {MOST_UNITS} units, which can be drawn, got "
            f"{tuple(hidden)}; take fewer."
        )
    if plan.seed > LARGEST_SEED:
        raise refuse("seed", plan.seed, f"at most {LARGEST_SEED}, the whole numbers of JavaScript", "0 is usual")
    init = Choice.parse(spec.init)
    rule, loss = plan.build_optimizer(), Choice.parse(plan.loss)
    return {
        "hidden": hidden,
        "activation": _plain("activation", "activations", between[0]) if between else "tanh",
        "init": _plain("init", "inits", init, ("std",)),
        "std": init.options.get("std", 0.01) if init.name == "normal" else 0.01,
        "loss": _plain("loss", "losses", loss),
        "optimizer": _plain("optimizer", "optim", Choice.parse(plan.optimizer)),
        "lr": plan.lr,
        "momentum": getattr(rule, "momentum", 0.0) if plan.momentum else 0.0,
        "weightDecay": rule.weight_decay,
        "batchSize": plan.batch_size or 0,
        "seed": plan.seed,
    }


def _plain(argument: str, family: str, choice: Choice, known: tuple[str, ...] = ()) -> str:
    """The name of an item that the page has, without options that it has not."""
    one_of(argument, choice.name, offered(family))
    more: Mapping[str, Any] = {key: value for key, value in choice.options.items() if key not in known}
    if more:
        raise refuse(
            argument, str(choice), f"{choice.name} with its defaults in the playground", "leave the options out"
        )
    return choice.name
