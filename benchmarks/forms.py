"""What each form of the compiled engine is worth: a step with all of them, and with one switched off.

    python benchmarks/forms.py [ROUNDS]

`fused` has forms of its own for some networks. One of them is switched off at a time, and the next more general one
trains the same network; `scratch` stands beside them. Before the clock starts, all train some steps from the same
weights and must come to the same loss. Small networks have one thread, as `fit` gives them, larger ones all. Of a fleet
a window is all of `fit_many`.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple
from unittest import mock

import fleets
import torch
from _asked import number_asked
from _measure import Contestant, interleaved, ratios, save, spread
from _sections import show
from _steps import Steps, steps_in, steps_of
from larger import regimes

import fivestep as fs
from fivestep.blocks import RowAccess
from fivestep.machine.threads import one_thread

WINDOW = 0.05
"""Seconds of a window, about."""
CHECK, SAME_LOSS = 20, 1e-3
"""Steps before the losses are compared, and how far apart they may be, as a share."""
NETWORKS = 1024
"""Of a fleet: so many that what it costs to begin one does not matter."""

Off = Mapping[str, Any]
"""Names in the package, and what takes their place: a form is switched off."""
ALL: Off = {}

SMALL: dict[str, Off] = {
    "units in registers": {"engines.fused.small.code.hidden_of": lambda *_: None},
    "orders drawn inside": {"engines.fused.RowAccess": lambda **_: RowAccess()},
}
LARGER: dict[str, Off] = {
    "inputs of 0 left out": {
        f"engines.fused.larger.nonzeros.{name}": 2.0 for name in ("LEAST_ZEROS", "LEAST_ZEROS_OF_FEW")
    },
    "products added to the weights": {"engines.fused.larger.products._only_adds": lambda *_: False},
    "units divided among threads": {"engines.fused.larger.products.can_be_divided": lambda *_: False},
}
FLEET: dict[str, Off] = {
    "networks abreast": {"engines.fused.small.code.may_be_abreast": lambda *_: False},
    "networks in packs": {"fleet.fitting.can_be_packed": lambda *_: False},
}


class Case(NamedTuple):
    """A network, the engine that trains it, and its forms."""

    name: str
    spec: fs.NetSpec
    plan: fs.TrainPlan
    data: fs.Dataset
    engine: str
    forms: dict[str, Off]


def cases() -> Iterator[Case]:
    """All but fleets."""
    plan = fs.TrainPlan("mse", "adam", lr=1e-3, batch_size=100, epochs=10**6)
    x = torch.randn(1000, 10, generator=torch.Generator().manual_seed(0))
    data, one, small = fs.Dataset(fs.Rows(x, x.sum(1, keepdim=True))), fs.MLP(10, 32, 1), "fused:larger=false"
    moons, orders = replace(fleets.plans(1)[0], epochs=10**6), "orders drawn inside"
    yield Case("2-8-1", fleets.SPEC, moons, fleets.DATA, small, {k: SMALL[k] for k in SMALL if k != orders})
    yield Case("10-32-1", one, plan, data, small, SMALL)
    yield Case("10-32-1, muon", one, replace(plan, optimizer="muon"), data, small, {})
    yield Case("10-32-32-1, layer_norm", fs.MLP(10, 32, 32, 1, norm="layer_norm"), plan, data, small, {})
    for title, spec, plan, data, _ in regimes():
        has = {"units divided among threads"} if data.train.stored.dtype != torch.uint8 else set(LARGER)
        forms = {name: off for name, off in LARGER.items() if name in has}
        yield Case(title.partition(" ")[2], spec, plan, data, "fused:larger=true", forms)


def without(off: Off) -> ExitStack:
    """A context in which a form is switched off."""
    stack = ExitStack()
    for name, value in off.items():
        stack.enter_context(mock.patch(f"fivestep.{name}", value))
    return stack


def trained(case: Case, engine: str, off: Off) -> tuple[Steps, float]:
    """The steps of an engine without a form, and the loss that it has come to."""
    with without(off):
        made = fs.make_engine(engine, case.spec, case.plan, device="cpu")
        run = steps_of(made, case.data)

    def steps(count: int) -> None:
        with without(off):
            run(count)

    steps(CHECK)
    return steps, fs.evaluate(made, case.data.train.take(slice(5000))).loss


def raced(contestants: Mapping[str, Contestant], steps: Mapping[str, int], rounds: int) -> dict[str, Any]:
    """Seconds of a step of each, and its ratio to that with all forms."""
    windows = interleaved(contestants, rounds)
    seconds = {name: [window / steps[name] for window in windows[name]] for name in windows}
    over = ratios(seconds, next(iter(seconds)))
    return {name: {"seconds per step": spread(seconds[name]), "over": over[name]} for name in seconds}


def measured(case: Case, rounds: int) -> dict[str, Any]:
    """The result for a network."""
    entrants = {"all forms": (case.engine, ALL)}
    entrants |= {f"without {form}": (case.engine, off) for form, off in case.forms.items()}
    entrants |= {"scratch": ("scratch", ALL)}
    all_of_them = {name: trained(case, *entrant) for name, entrant in entrants.items()}
    losses = {name: loss for name, (_, loss) in all_of_them.items()}
    if max(losses.values()) > (1 + SAME_LOSS) * min(losses.values()):
        raise AssertionError(f"{case.name}: all must come to the same loss, got {losses}")
    steps = {name: steps_in(run, WINDOW) for name, (run, _) in all_of_them.items()}
    return raced({name: partial(run, steps[name]) for name, (run, _) in all_of_them.items()}, steps, rounds)


def fleet(off: Off) -> list[float]:
    """The losses of a fleet without a form."""
    with without(off):
        members = fs.fit_many(fleets.SPEC, fleets.DATA, fleets.plans(NETWORKS), device="cpu")
        return [member.history[-1].train_loss for member in members]


def measured_fleet(rounds: int) -> dict[str, Any]:
    """The result for a fleet, per network and step."""
    entrants = {"all forms": ALL} | {f"without {form}": off for form, off in FLEET.items()}
    losses = torch.tensor([fleet(off) for off in entrants.values()])
    if (losses - losses[0]).abs().max() > fleets.SAME_LOSS:
        raise AssertionError(f"all fleets must come to the same losses, got {losses}")

    def window(off: Off) -> Contestant:
        def run() -> None:
            fleet(off)

        return run

    steps = dict.fromkeys(entrants, NETWORKS * fleets.STEPS)
    return raced({name: window(off) for name, off in entrants.items()}, steps, rounds)


def main(rounds: int) -> None:
    """Measures, prints, and keeps it."""
    found = {}
    for case in cases():
        print(case.name, flush=True)
        with nullcontext() if case.engine == "fused:larger=true" else one_thread():
            found[case.name] = measured(case, rounds)
    found[f"{NETWORKS} of 2-8-1"] = measured_fleet(rounds)
    save("forms", {"rounds": rounds, "networks": found})
    show("forms")


if __name__ == "__main__":
    main(number_asked(__doc__, "ROUNDS", 9))
