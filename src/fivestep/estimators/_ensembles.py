"""Several networks instead of one: members with different seeds, folds of the rows, or both."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ..check import DivergenceError, refuse
from ..datasets._folds import fold_places
from ..engines._make import make_engine
from ..engines._memory import Several, check_memory_together
from ..ensemble import ensemble_of
from ..fleet import train_members
from ..fleet.member import Member
from ..machine.threads import num_processors
from ..plan import TrainPlan
from ..temperature import set_temperature
from ._design import len_of
from ._fitting import Ended, Fitting
from ._network import Network
from ._parameters import Parameters
from ._reading import Table


class Fold(NamedTuple):
    """The rows that some members train on, and those that they choose their best epoch by."""

    train: Table
    valid: Table | None


def is_ensemble(of: Parameters) -> bool:
    """Whether several networks are requested; raises an `InputError` if that is impossible."""
    asked = (of.bagging or 1) > 1 or (of.members or 1) > 1
    for name, refused in (("warm_start", True), ("solver", "lbfgs"), ("recipe", "sklearn")):
        if asked and getattr(of, name) == refused:
            raise refuse(name, refused, "left out with members or bagging", "train one network, or leave it out")
    return asked


def folds_of(num_folds: int, table: Table, strata: np.ndarray | None, rng: np.random.RandomState) -> Iterator[Fold]:
    """Each share of the rows once set aside, classes in equal parts, groups whole."""
    num_rows = len_of(table)
    if num_folds > num_rows:
        raise refuse("bagging", num_folds, f"at most the {num_rows} rows", "lower it")
    for train, valid in fold_places(num_rows, num_folds, strata, table.groups, rng):
        yield Fold(table.take(train), table.take(valid))


def fit_ensemble(fitting: Fitting, folds: list[Fold], weight_of: Any) -> tuple[Network, Ended]:
    """Trains the members of every fold, several at a time, and combines them.

    The curves are means over the members. Raises a `DivergenceError` if the loss of one does not stay finite.
    """
    of, engine = fitting.of, fitting.network.engine
    dtype = engine.dtype_name
    members: list[Member] = []
    count, num_rows = len(folds) * (of.members or 1), max(len_of(fold.train) for fold in folds)
    together = [Several(count, engine.spec, engine.plan, num_rows)]
    check_memory_together(together, dtype, engine.device, num_processors())
    for fold in folds:
        valid = None if fold.valid is None else fitting.rows(fold.valid, fold.valid.weight)
        rows = fitting.rows(fold.train, weight_of(fold.train))
        plan = _plan_for(engine.plan, len(rows), fitting.design.prepared.patience, is_watched=valid is not None)
        for _ in range(of.members or 1):
            seed = int(fitting.rng.randint(2**31 - 1))
            own = replace(plan, seed=seed)
            made = make_engine(engine.choice, engine.spec, own, dtype=dtype, device=str(engine.device))
            member = Member(replace(fitting.dataset(rows, plan), valid=valid), own, made)
            member.progress.measures_training = False
            members.append(member)
    train_members(members, every=1)
    for member in members:
        if member.diverged is not None:
            raise DivergenceError(member.diverged)
    engines = [member.engine for member in members]
    watched = [fold.valid for fold in folds for _ in range(of.members or 1) if fold.valid is not None]
    if watched and engine.plan.temperature_scaling:
        set_temperature(engines, [fitting.rows(table, weight_of(table)) for table in watched])
    return Network(ensemble_of(engines)), _note(fitting, members)


def _plan_for(plan: TrainPlan, num_rows: int, patience: float, *, is_watched: bool) -> TrainPlan:
    size = None if plan.batch_size is None else min(plan.batch_size, num_rows)
    stops = int(patience) + 1 if is_watched and np.isfinite(patience) else None
    return replace(plan, batch_size=size, patience=stops, restore_best=is_watched)


def _note(fitting: Fitting, members: list[Member]) -> Ended:
    """Notes the mean curves, as far as all members got, and how training ended."""
    course, report = fitting.course, fitting.report(None)
    for epochs in zip(*(member.history for member in members), strict=False):
        course.losses.append(report.scaled(float(np.mean([epoch.running_loss for epoch in epochs]))))
        if epochs[0].valid_loss is not None:
            course.valid_losses.append(report.scaled(float(np.mean([epoch.valid_loss for epoch in epochs]))))
        report.show(epochs[0].index, course)
    longest = max(len(member.history) for member in members)
    stopped = "max_iter" if longest == fitting.network.engine.plan.epochs else "validation"
    return Ended(longest, stopped, course.losses[-1])
