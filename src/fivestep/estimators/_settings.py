"""From scikit-learn's names to the settings of a recipe, and on to a plan."""

from dataclasses import fields, replace
from typing import Any

import numpy as np

from ..check import (
    InputError,
    at_least,
    in_unit_interval,
    inside_unit_interval,
    not_negative,
    one_of,
    positive,
    refuse,
    warn,
)
from ..find import Choice, find, names, option_names
from ..plan import TrainPlan
from ..recipes._base import Facts, Preparation, Recipe
from ._parameters import Parameters

ACTIVATIONS = {"logistic": "sigmoid"}
LOSSES = {"squared_error": "mse", "absolute_error": "mae", "log_loss": "cross_entropy"}
KINDS = {"classes": "classes", "yes_no": "a yes or no", "numbers": "numbers"}
"""The kinds of targets of a loss, in words."""

ONE = "1 is one network"

RATES = ("invscaling", "adaptive")
"""scikit-learn's names of schedules that depend on the rows, or on how training stops."""


def settings_of(of: Parameters, recipe: Recipe) -> dict[str, Any]:
    """The settings that were given, under the names that a recipe takes; all but the rows of a step."""
    given = {
        "hidden": None if of.hidden_layer_sizes is None else _widths(of.hidden_layer_sizes),
        "activation": None if of.activation is None else _activations(of.activation),
        "dropout": 0.0 if of.dropout is None and of.solver == "lbfgs" else _listed(of.dropout),
        "norm": _listed(of.norm),
        "init": of.init,
        "augment": of.augment,
        "lr": of.learning_rate_init,
        "l2": of.alpha,
        "weight_decay": of.weight_decay,
        "clip_norm": of.clip_norm,
        "ema": of.ema,
        "epochs": of.max_iter,
        "schedule": None if of.learning_rate in RATES else of.learning_rate,
        "optimizer": _rule(of, recipe),
    }
    return {key: value for key, value in given.items() if value is not None}


def batch_size_of(of: Parameters, num_rows: int) -> dict[str, Any]:
    """The rows of a step as one more setting, or nothing where the recipe is to decide."""
    if of.solver == "lbfgs" or of.batch_size == "full":
        return {"batch_size": None}
    return {} if _is_auto(of.batch_size) else {"batch_size": _batch_size(of.batch_size, num_rows)}


def preparation_of(of: Parameters, prepared: Preparation, *, is_watched: bool) -> Preparation:
    """A recipe's preparation, with what was given in its place. `is_watched`: rows to stop by are there already."""
    fraction = prepared.valid_fraction if of.early_stopping is None else None
    if of.early_stopping:
        fraction = 0.1 if prepared.valid_fraction is None else prepared.valid_fraction
    if fraction is not None and of.validation_fraction is not None:
        inside_unit_interval("validation_fraction", of.validation_fraction, "0.1 is usual")
        fraction = of.validation_fraction
    if of.tol is not None:
        not_negative("tol", of.tol, "1e-4 is usual")
    if of.n_iter_no_change not in (None, np.inf):
        at_least("n_iter_no_change", of.n_iter_no_change, 1, "10 is usual")
    return prepared._replace(
        valid_fraction=None if is_watched or of.solver == "lbfgs" else fraction,
        tol=prepared.tol if of.tol is None else of.tol,
        patience=prepared.patience if of.n_iter_no_change is None else of.n_iter_no_change,
    )


def num_folds_of(of: Parameters, prepared: Preparation, *, is_watched: bool) -> int | None:
    """The requested folds, or else the recipe's, unless a parameter asks for a single network.

    Such are `hidden_layer_sizes`, settings of early stopping, and continued or reported fits.
    """
    if of.bagging is not None:
        return None if of.bagging == 1 else int(of.bagging)
    own_stop = (of.early_stopping, of.validation_fraction, of.tol, of.n_iter_no_change)
    given = (of.hidden_layer_sizes, of.members, *own_stop)
    is_told = hasattr(of, "_skl_callbacks") or hasattr(of, "_parent_callback_ctx")
    goes_alone = bool(of.warm_start) or is_watched or is_told
    return None if goes_alone or any(one is not None for one in given) else prepared.folds


def with_rate(plan: TrainPlan, of: Parameters, facts: Facts, prepared: Preparation, seen_before: int) -> TrainPlan:
    """The plan with "invscaling" or "adaptive", where that was asked for; scikit-learn has them for "sgd" only."""
    if of.learning_rate not in RATES or Choice.parse(plan.optimizer).name == "adam_hat":
        return plan
    if of.learning_rate == "adaptive":
        tol = 1e-4 if prepared.tol is None else prepared.tol
        return replace(plan, schedule=Choice("adaptive", patience=prepared.patience, tol=tol))
    power = 0.5 if of.power_t is None else of.power_t
    steps = plan.steps_per_epoch(facts.num_rows)
    by_rows = Choice("inverse_power", power=power, rows=facts.num_rows, steps=steps, seen_before=seen_before)
    return replace(plan, schedule=by_rows)


def loss_of(of: Parameters, usual: str, targets: tuple[str, ...]) -> Choice:
    """The loss, ours by scikit-learn's name or its own; raises an `InputError` for one of another kind of target."""
    choice = Choice.parse(usual if of.loss is None else of.loss)
    name = usual if choice.name == "log_loss" else LOSSES.get(choice.name, choice.name)
    kind = find("losses", name).target
    if kind not in targets:
        wanted = " or ".join(KINDS[target] for target in targets)
        raise InputError(
            f"loss must be one for {wanted}, as y holds, got {of.loss!r}, which is for {KINDS[kind]}; leave it out."
        )
    return Choice(name, **choice.options)


def link_of(of: Parameters, usual: str) -> str:
    """What the logits pass through with the loss that was given; "identity" if they are the answers themselves."""
    name = Choice.parse(usual if of.loss is None else of.loss).name
    link: str = find("losses", LOSSES.get(name, name)).inverse_link
    return link


def _rule(of: Parameters, recipe: Recipe) -> Choice | None:
    """The update rule with those of momentum, betas and epsilon that it has; None for lbfgs."""
    if of.solver == "lbfgs":
        return None
    choice = Choice.parse(recipe.optimizer if of.solver is None else of.solver)
    kind = find("optim", choice.name)
    looks_ahead = of.nesterovs_momentum if of.momentum != 0 else None
    given = {"momentum": of.momentum, "nesterov": looks_ahead, "eps": of.epsilon, "betas": _betas(of, kind)}
    known = option_names("optim", choice.name)
    options = {key: value for key, value in given.items() if value is not None and key in known}
    return Choice(choice.name, **{**options, **choice.options})


def _betas(of: Parameters, kind: type) -> tuple[float, float] | None:
    usual = {field.name: field.default for field in fields(kind)}.get("betas")
    if usual is None or (of.beta_1 is None and of.beta_2 is None):
        return None
    for name, beta in (("beta_1", of.beta_1), ("beta_2", of.beta_2)):
        if beta is not None:
            in_unit_interval(name, beta, f"{'0.9' if name == 'beta_1' else '0.999'} is usual")
    return (usual[0] if of.beta_1 is None else of.beta_1, usual[1] if of.beta_2 is None else of.beta_2)  # type: ignore[index]


def _widths(given: Any) -> tuple[int, ...]:
    widths = tuple(np.atleast_1d(np.asarray(given, dtype=object)).tolist())
    for width in widths:
        whole = int(width) if isinstance(width, np.integer) else width
        at_least("hidden_layer_sizes", whole, 1, "() is a network without hidden layers")
    return tuple(int(width) for width in widths)


def _activations(given: Any) -> Any:
    if isinstance(given, list | tuple):
        return [ACTIVATIONS.get(str(name), name) for name in given]
    return ACTIVATIONS.get(str(given), given)


def _listed(given: Any) -> Any:
    return given.tolist() if isinstance(given, np.ndarray) else given


def _is_auto(given: Any) -> bool:
    return isinstance(given, str) and one_of("batch_size", given, ("auto", "full")) == "auto"


def _batch_size(given: Any, num_rows: int) -> int:
    at_least("batch_size", given, 1, '"auto" leaves it to the recipe')
    if given > num_rows:
        warn(f"batch_size must be at most the {num_rows} rows to train on, got {given}; the full batch is taken.")
    return int(min(given, num_rows))


def check_parameters(of: Parameters) -> None:
    """Raises an `InputError` with scikit-learn's name of a parameter, where a recipe would use ours."""
    _check_switches(of)
    _check_names(of)
    at_least("verbose", int(of.verbose) if isinstance(of.verbose, bool) else of.verbose, 0, "True prints every epoch")
    for name, advice in {"members": ONE, "bagging": ONE, "max_iter": "200 is usual"}.items():
        if getattr(of, name) is not None:
            at_least(name, getattr(of, name), 1, advice)
    if of.learning_rate_init is not None:
        positive("learning_rate_init", of.learning_rate_init, "0.001 is usual for adam")
    if of.alpha is not None:
        not_negative("alpha", of.alpha, "0 switches it off")
    if of.power_t is not None:
        not_negative("power_t", of.power_t, "0.5 is usual")
    if of.epsilon is not None:
        positive("epsilon", of.epsilon, "1e-8 is usual")
    if of.solver is not None:
        one_of("solver", Choice.parse(of.solver).name, names("optim"))
    if of.learning_rate is not None and of.learning_rate not in RATES:
        known = dict.fromkeys((*RATES, *names("schedules")))
        one_of("learning_rate", Choice.parse(of.learning_rate).name, known)
    if of.augment is not None and of.recipe != "image":
        raise refuse("augment", of.augment, f"left out with recipe {of.recipe!r}", "say recipe='image'")


def _check_switches(of: Parameters) -> None:
    """Raises an `InputError` for a switch that is not a boolean."""
    for name in ("shuffle", "warm_start", "early_stopping", "nesterovs_momentum"):
        value = getattr(of, name)
        may_be_none = name in ("early_stopping", "nesterovs_momentum")
        if not (isinstance(value, bool | np.bool_) or (value is None and may_be_none)):
            raise refuse(name, value, "True or False", "leave it out")


def _check_names(of: Parameters) -> None:
    """Raises an `InputError` for an item that is not given by its name."""
    usual = {
        "loss": "'mse'",
        "solver": "'adam'",
        "learning_rate": "'cosine'",
        "init": "'torch'",
        "augment": "'shift_and_flip'",
    }
    for name, example in {**usual, "activation": "'relu'", "norm": "'batch_norm'"}.items():
        value = getattr(of, name)
        several = isinstance(value, list | tuple | np.ndarray) and name in ("activation", "norm")
        for one in value if several else [value]:
            if not isinstance(one, str | Choice | None):
                raise refuse(name, value, f"a name such as {example}", "write it as text, or leave it out")
