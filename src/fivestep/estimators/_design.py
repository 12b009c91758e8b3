"""What a fit decides before its first step: network, plan, draws, held-out rows."""

import math
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.model_selection import train_test_split

from ..check import InputError
from ..datasets._folds import check_enough_groups, fold_places
from ..engines._make import make_engine
from ..net import NetSpec
from ..plan import TrainPlan
from ..recipes._base import Facts, Preparation, Recipe, with_moments, with_numbers
from ._draws import initial_weights
from ._inputs import Inputs
from ._network import Network
from ._parameters import Parameters
from ._reading import Table
from ._settings import batch_size_of, num_folds_of, preparation_of, settings_of, with_rate
from ._targets import Targets

Weights = list[tuple[np.ndarray, np.ndarray]]


class Design(NamedTuple):
    """The network without input and output sizes, the plan, the preparation, and the training rows."""

    spec: NetSpec
    plan: TrainPlan
    prepared: Preparation
    engine: str
    device: str
    dtype: str
    num_rows: int
    num_folds: int | None
    held: np.ndarray | None
    """The places of the rows to set aside, where they are whole groups."""

    def network(self, inputs: Inputs, targets: Targets, last: Network | None, drawn: Weights | None) -> Network:
        """A new network for such rows, with the weights of the `last`, or with those that were `drawn`."""
        width = targets.num_outputs * targets.criterion.outputs_per_target
        body, plan = with_numbers(self.spec, self.plan, inputs.numbers)
        body = with_moments(body, lambda: inputs.moments)
        spec = replace(body, layers=(*inputs.layers, *body.layers)).sized(inputs.width, width)
        made = make_engine(self.engine, spec, plan, dtype=self.dtype, device=self.device, num_rows=self.num_rows)
        network = Network(made)
        if last is not None:
            _go_on(network, last)
        for name, (weight, bias) in zip(network.matrices(), drawn or (), strict=bool(drawn)):
            named = network.engine.named_parameters()
            with torch.no_grad():
                named[name].copy_(torch.from_numpy(weight))
                if (other := f"{name.removesuffix('weight')}bias") in named:
                    named[other].copy_(torch.from_numpy(bias))
        return network


def _go_on(network: Network, last: Network) -> None:
    """Takes the weights of the last fit; raises an `InputError` where they are those of another network."""
    try:
        network.engine.load_weights(last.engine.params.named_with_buffers())
    except InputError as error:
        raise InputError(
            f"the network must be that of the last fit with warm_start, got {network.engine.spec.sizes_text()} "
            f"after {last.engine.spec.sizes_text()}; give it the sizes that it had, or set warm_start to False."
        ) from error


def design_of(
    of: Parameters, recipe: Recipe, table: Table, targets: Targets, rng: np.random.RandomState, *, is_watched: bool
) -> Design:
    """Asks the recipe. `is_watched`: rows to stop by are there already, or not wanted."""
    width = targets.num_outputs
    facts = Facts(len_of(table), table.x.shape[1], width, targets.kind)
    settings = {**settings_of(of, recipe), "loss": targets.loss}
    prepared = preparation_of(of, recipe.preparation("mlp", settings, facts), is_watched=is_watched)
    num_folds, held = num_folds_of(of, prepared, is_watched=is_watched), None
    if table.groups is not None:
        num_folds = _folds_of_groups(of, num_folds, table.groups)
    if (share := prepared.valid_fraction) is not None:  # the rest of the recipe depends on the rows that are left
        if table.groups is not None and num_folds is None:
            held = _held_groups(table, table.groups, targets, share, rng)
        num_valid = _num_valid(share, facts.num_rows) if held is None else len(held)
        facts = replace(facts, num_rows=facts.num_rows - num_valid)
        prepared = preparation_of(of, recipe.preparation("mlp", settings, facts), is_watched=is_watched)
        prepared = prepared._replace(valid_fraction=share)
    settings |= batch_size_of(of, facts.num_rows)
    settings["seed"] = _seed_of(rng) if prepared.numpy_draws else int(rng.randint(2**31 - 1))
    spec, plan = recipe.prepare("mlp", settings, facts)
    if plan.batch_size is not None:
        plan = replace(plan, batch_size=min(plan.batch_size, facts.num_rows))
    plan = with_rate(plan, of, facts, prepared, getattr(of, "t_", 0))
    engine = "scratch" if of.solver == "lbfgs" and str(of.engine) == "auto" else str(of.engine)
    dtype = _dtype_of(of, prepared, table.x)
    return Design(spec, plan, prepared, engine, str(of.device), dtype, facts.num_rows, num_folds, held)


def drawn_weights(design: Design, table: Table, targets: Targets, rng: np.random.RandomState) -> Weights | None:
    """scikit-learn's initial weights, which it draws before anything else; None where the engine draws its own."""
    if not design.prepared.numpy_draws:
        return None
    hidden = [layer.options["out_features"] for layer in design.spec.layers[:-1] if layer.name == "linear"]
    activation = design.spec.layers[1].name if hidden else "identity"
    widths = [table.x.shape[1], *hidden, targets.num_outputs]
    return initial_weights(rng, widths, activation, np.float32 if table.x.dtype == np.float32 else np.float64)


def _folds_of_groups(of: Parameters, num_folds: int | None, groups: np.ndarray) -> int | None:
    """The same number of folds, or as many as there are groups, where only the recipe asks for more."""
    if num_folds is None:
        return None
    num_groups = _num_groups(groups)
    if of.bagging is not None:
        check_enough_groups("bagging", num_folds, groups)
    return min(num_folds, num_groups)


def _num_groups(groups: np.ndarray) -> int:
    """Two or more; raises an `InputError` for one, of which nothing can be set aside."""
    found = len(np.unique(groups))
    if found < 2:
        raise InputError(
            "groups must be two or more where rows are set aside to stop by, got one; leave them out, pass an "
            "eval_set, or say early_stopping=False."
        )
    return found


def _held_groups(
    table: Table, groups: np.ndarray, targets: Targets, share: float, rng: np.random.RandomState
) -> np.ndarray:
    """The places of whole groups that are about a share of the rows: of so many folds, the nearest in size."""
    num_folds = min(max(2, round(1 / share)), _num_groups(groups))
    strata = targets.strata(table.y, like_sklearn=False)
    found = [valid for _, valid in fold_places(len(groups), num_folds, strata, groups, rng)]
    order = rng.permutation(num_folds)
    return min((found[k] for k in order), key=lambda places: abs(len(places) - share * len(groups)))


def split(table: Table, targets: Targets, design: Design, rng: np.random.RandomState) -> tuple[Table, Table | None]:
    """The rows to train on, and those held out for early stopping."""
    prepared, num_rows = design.prepared, len_of(table)
    if prepared.valid_fraction is None:
        return table, None
    held, whole = design.held, "" if design.held is None else ", in whole groups,"
    num_valid = _num_valid(prepared.valid_fraction, num_rows) if held is None else len(held)
    if num_valid < 2 or num_rows - num_valid < 1:
        raise InputError(
            f"validation_fraction must set at least 2 rows aside{whole} and leave some, got "
            f"{prepared.valid_fraction:g} of {num_rows}; change it, or leave early_stopping out."
        )
    if held is not None:
        return table.take(np.setdiff1d(np.arange(num_rows), held)), table.take(held)
    strata = targets.strata(table.y, like_sklearn=prepared.numpy_draws)
    if strata is not None and not prepared.numpy_draws and num_valid < len(np.unique(strata)):
        strata = None  # too few for one of each class
    places = np.arange(num_rows)
    train, valid = train_test_split(places, random_state=rng, test_size=prepared.valid_fraction, stratify=strata)
    return table.take(train), table.take(valid)


def len_of(table: Table) -> int:
    """The number of rows."""
    return int(table.x.shape[0])


def _num_valid(fraction: float, num_rows: int) -> int:
    return math.ceil(fraction * num_rows)  # as train_test_split rounds


def _seed_of(rng: np.random.RandomState) -> int:
    """A seed that depends on the generator, drawn without moving it: its own draws are counted."""
    state: Any = rng.get_state()
    return int(np.random.RandomState(int(state[1][0])).randint(2**31 - 1))


def _dtype_of(of: Parameters, prepared: Preparation, x: Any) -> str:
    if of.dtype is not None:
        return str(of.dtype)
    if of.solver == "lbfgs" or prepared.doubles:
        return "float64"
    is_single = prepared.doubles is False or getattr(x, "dtype", None) == np.float32
    return "float32" if is_single else "float64"
