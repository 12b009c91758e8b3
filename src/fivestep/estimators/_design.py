"""What a fit decides before its first step: network, plan, draws, held-out rows."""

import math
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.model_selection import train_test_split

from ..check import InputError
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
    num_folds = num_folds_of(of, prepared, is_watched=is_watched)
    if (share := prepared.valid_fraction) is not None:  # the rest of the recipe depends on the rows that are left
        facts = replace(facts, num_rows=facts.num_rows - _num_valid(share, facts.num_rows))
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
    return Design(spec, plan, prepared, engine, str(of.device), dtype, facts.num_rows, num_folds)


def drawn_weights(design: Design, table: Table, targets: Targets, rng: np.random.RandomState) -> Weights | None:
    """scikit-learn's initial weights, which it draws before anything else; None where the engine draws its own."""
    if not design.prepared.numpy_draws:
        return None
    hidden = [layer.options["out_features"] for layer in design.spec.layers[:-1] if layer.name == "linear"]
    activation = design.spec.layers[1].name if hidden else "identity"
    widths = [table.x.shape[1], *hidden, targets.num_outputs]
    return initial_weights(rng, widths, activation, np.float32 if table.x.dtype == np.float32 else np.float64)


def split(
    table: Table, targets: Targets, prepared: Preparation, rng: np.random.RandomState
) -> tuple[Table, Table | None]:
    """The rows to train on, and those held out for early stopping."""
    if prepared.valid_fraction is None:
        return table, None
    num_rows = len_of(table)
    num_valid = _num_valid(prepared.valid_fraction, num_rows)
    if num_valid < 2 or num_rows - num_valid < 1:
        raise InputError(
            f"validation_fraction must set at least 2 rows aside and leave some, got {prepared.valid_fraction:g} of "
            f"{num_rows}; change it, or leave early_stopping out."
        )
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
