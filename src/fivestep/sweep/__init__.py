"""Many networks with settings drawn from ranges and lists: trained in fleets, pruned by halving, ranked.

`sweeping.py` is the sweep; `space.py` what is varied, `proposals.py` what is tried next, `halving.py` which networks go
on, `ledger.py` who trains what if several processes share the work.
"""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..check import instance, instances
from ..datasets._base import Dataset
from ..find import find
from ..net import NetSpec
from ..plan import TrainPlan
from ..recipes._base import Recipe
from .candidates import Candidates, with_validation
from .space import Range, Space
from .sweeping import Status, Sweep, SweepPlan, start

__all__ = ["Candidates", "Range", "Space", "Status", "Sweep", "SweepPlan", "start", "sweep"]


def sweep(
    data: Dataset,
    space: Mapping[str, Any],
    plan: TrainPlan,
    how: SweepPlan = SweepPlan(),  # noqa: B008  (frozen)
    *,
    model: str = "mlp",
    out: str | Path | None = None,
    storage: str | None = None,
) -> Sweep:
    """Trains many networks with settings drawn from `space`, ranks them, and trains the best one as a run.

    `space` has the keys of `MLP` and `TrainPlan`, with "hidden", the widths between the ends, and "init_scale", a
    factor on the initial values. A list gives choices, `Range(1e-4, 1e-1, log=True)` or "1e-4:1e-1" a range to draw
    from, and a single value is the same for all; settings that are left out are the plan's. Networks are ranked by what
    the plan monitors on the validation part; if there is none, a fifth of the training rows is held out, drawn from the
    plan's seed.

    The folder `out`, by default the next free `runs/sweep-<name>-<number>`, has the ranked networks in `sweep.csv`, a
    picture, and the best one's run. Called again with the same folder, a sweep that was killed goes on; called from
    several processes at once, they share the work, and with `storage`, the URL of a database, so do several machines.
    Raises an `InputError` for an invalid range, the storage of another sweep, or a network that does not fit into
    memory.

        found = sweep(data, {"hidden": [(64,), (128, 64)], "lr": "1e-4:1e-1"}, TrainPlan(optimizer="adam"))
        found.ranking[0].drawn, found.best
    """
    instances(data=(data, Dataset), plan=(plan, TrainPlan), how=(how, SweepPlan))
    instance("space", space, Mapping, 'write for example {"lr": [0.1, 0.01]}')
    recipe: Recipe = find("recipes", "plain")()
    of_plan = {field.name: getattr(plan, field.name) for field in fields(TrainPlan)}

    def prepare(settings: Mapping[str, Any]) -> tuple[NetSpec, TrainPlan]:
        return recipe.prepare(model, {**of_plan, **settings})

    info = {"model": model, "recipe": "plain"}
    usual = TrainPlan()
    settings = {name: value for name, value in of_plan.items() if value != getattr(usual, name)}
    candidates = Candidates(with_validation(data, plan.seed), prepare, info, settings)
    found = start(candidates, Space.of(space), how, out, storage)
    for _ in found.train():
        pass
    found.finish()
    return found
