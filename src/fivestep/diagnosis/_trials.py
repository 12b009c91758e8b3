"""The training repeated from its start with one thing changed at a time, to measure what would have helped."""

import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple, final

import torch
from torch import Tensor

from ..check import InputError
from ..datasets._base import Dataset, Rows
from ..engines._engine import Engine
from ..engines._make import make_engine
from ..find import Choice, names
from ..net import MLP, NetSpec
from ..plan import TrainPlan
from ..preflight import check_data
from ..range_test import lr_range_test
from ..steps import do_step, upcoming_steps
from ..temperature import set_temperature
from ._evidence import NOTHING, Evidence
from ._finding import Trial, figure

STEPS, FEWEST = 300, 20
"""The most and the fewest steps of a trial."""

RANGE = 100
"""Steps of a range test."""

WORK = 6e10
"""The approximate multiplications and additions of one trial; a recipe for tables takes as long again besides."""

ENOUGH = 0.2
"""The share of the constant answer's loss by which a trial must end below the whole training, to count as better."""

WORSE = 0.25
"""How much of that share it may lose on the other part."""

SAME = 3.0
"""Two rates that differ by less than this factor count as equal."""

WIDTH = 64
"""Units of the plain network."""

PLAIN_RATE = 0.01
"""Its learning rate, for Adam."""

LOOKS = (10, 30, 100)
"""Steps after which it is also measured: a network that memorizes its rows is best earlier."""

LONGER = "more steps"
"""The name of the trial that only trains longer."""

POWERS = {"mse": 2, "mae": 1}
"""Losses of numbers that grow with this power of their unit."""

GENTLE = ("torch", "kaiming", "xavier", "lecun", "orthogonal", "scaled")
"""Initializations whose size follows from the layer's width."""


@final
class Change(NamedTuple):
    """What a trial changes, in words and as options, and what it then trains."""

    name: str
    words: str
    options: str
    spec: NetSpec
    plan: TrainPlan
    data: Dataset
    unit: float = 1.0
    """The factor from its losses to the unit of the others."""
    measured: Callable[[Rows], Rows] = lambda rows: rows
    """The rows to measure on, prepared for its network."""


Each = Callable[[Iterator[Change]], Iterable[Change]]
"""Passes the changes on as they are asked for, and shows meanwhile that there is work."""


def trials(evidence: Evidence, each: Each = iter) -> list[Trial]:
    """All trials that apply, ordered by the loss on held-out rows, or on the training rows."""
    found = [run(evidence, change) for change in each(changes(evidence))]
    return sorted(found, key=lambda trial: trial.train_loss if trial.valid_loss is None else trial.valid_loss)


def helpful(evidence: Evidence, tried: Sequence[Trial]) -> list[Trial]:
    """Trials that learn something and end far below the whole training on one part, and not far above it on the other.

    If the training was shorter than a trial, also far below the trial that only trains longer.
    """
    last = evidence.last_loss, evidence.last_valid_loss
    longer = [trial for trial in tried if trial.name == LONGER and _helps(evidence, trial, last)]
    if longer:
        last = longer[0].train_loss, longer[0].valid_loss
    others = [trial for trial in tried if trial.name != LONGER and _helps(evidence, trial, last)]
    return longer + others


def _helps(evidence: Evidence, trial: Trial, last: tuple[float, float | None]) -> bool:
    parts = [(trial.train_loss, last[0], evidence.constant)]
    if trial.valid_loss is not None and last[1] is not None:
        parts.append((trial.valid_loss, last[1], evidence.constant_valid))
    enough = ENOUGH * abs(evidence.constant)
    gains = [before - now if math.isfinite(before) else math.inf for now, before, _ in parts]
    is_better = max(gains) >= enough and min(gains) > -WORSE * enough
    return is_better and all(now < NOTHING * guess for now, _, guess in parts)


def as_it_was(evidence: Evidence) -> Change:
    """No change, except that a stream is replaced by a sample of its rows."""
    subject = evidence.subject
    data = replace(subject.data, stream=None, encoder=None)
    plan = replace(
        subject.engine.plan,
        schedule="constant",
        patience=None,
        restore_best=False,
        ema=None,
        metrics=(),
        monitor="loss",
    )
    return Change("as it was", "as it was", "", subject.engine.spec, plan, data)


def changes(evidence: Evidence) -> Iterator[Change]:
    """The single changes that apply to this network, its plan and its rows."""
    own, num_steps = as_it_was(evidence), steps_of(as_it_was(evidence))
    if evidence.subject.num_updates < num_steps:
        epochs = _lasting(own, num_steps).plan.epochs
        yield own._replace(name=LONGER, words="with nothing changed", options=f"--epochs {epochs}")
    yield from _rates(own)
    if _are_raw(own):
        words = "with each column of x standardized: its mean taken off, divided by its deviation"
        like = own.data.train
        yield own._replace(
            name="size of the inputs",
            words=words,
            data=standardized(own.data),
            measured=lambda rows: _scaled(rows, like),
        )
    loss, init = Choice.parse(own.plan.loss).name, Choice.parse(own.spec.init)
    if loss in POWERS and own.data.fresh is None and own.spec.out_features == 1 and _are_far(own.data.train.y):
        words = "with y standardized: its mean taken off, divided by its deviation"
        yield own._replace(
            name="size of the targets",
            words=words,
            data=replace(own.data, train=_centered(own.data.train, own.data.train), valid=None, test=None),
            unit=float(own.data.train.y.double().std(correction=0)) ** POWERS[loss],
            measured=lambda rows: _centered(rows, own.data.train),
        )
    if init.name not in GENTLE:
        words = f"with the initialization kaiming instead of {init}"
        yield own._replace(
            name="initialization", words=words, options="--init kaiming", spec=replace(own.spec, init="kaiming")
        )
    rule = own.plan.build_optimizer()
    decays = (own.plan.weight_decay or getattr(rule, "weight_decay", 0.0) or 0.0) > 0
    if own.plan.l2 or decays:
        given = Choice.parse(own.plan.optimizer)
        rest = {key: value for key, value in given.options.items() if key != "weight_decay"}
        plan = replace(own.plan, l2=0.0, weight_decay=0.0, optimizer=Choice(given.name, **rest))
        options = [*(["--weight-decay 0"] if decays else []), *(["l2=0 in the plan"] if own.plan.l2 else [])]
        yield own._replace(name="weight decay", words="without weight decay", options=", ".join(options), plan=plan)
    if any(layer.name == "dropout" for layer in own.spec.layers):
        layers = tuple(layer for layer in own.spec.layers if layer.name != "dropout")
        yield own._replace(
            name="dropout", words="without dropout", options="--dropout 0", spec=replace(own.spec, layers=layers)
        )
    yield from _other_networks(own)


def run(evidence: Evidence, change: Change) -> Trial:
    """Trains a change from the start, for a number of steps that depends on the sizes, and measures it."""
    num_steps, ratios = steps_of(change), list[float]()
    change = _lasting(change, num_steps)
    engine = _engine_of(change)
    for upcoming in islice(upcoming_steps(engine, change.data, change.plan, 0), num_steps):
        before = engine.params.flat.clone()
        do_step(engine, upcoming, change.plan)
        size = float(before.norm())
        ratios.append(float((engine.params.flat - before).norm()) / size if size else 0.0)
    train, valid = (None if part is None else change.measured(part) for part in (evidence.train, evidence.valid))
    assert train is not None, "there are training rows"
    if valid is not None and change.plan.temperature_scaling:  # as the network has that it is compared with
        set_temperature([engine], [valid])
    return Trial(
        change.name,
        change.words,
        change.options,
        num_steps,
        evidence.loss(engine, train) * change.unit,
        None if valid is None else evidence.loss(engine, valid) * change.unit,
        statistics.median(ratios),
    )


def carried_over(evidence: Evidence) -> float | None:
    """The lowest validation loss of a plain network on standardized columns, over a few lengths of training.

    None if the network's first layer needs the raw rows, if there are no validation rows, or if targets are numbers so
    far from the initial outputs that no network gets there in so few steps.
    """
    own, valid = as_it_was(evidence), evidence.valid
    if valid is None or own.spec.layers[0].name != "linear" or own.data.train.stored.dim() != 2:
        return None
    if evidence.start.criterion.target == "numbers" and _are_far(own.data.train.y):
        return None
    like, outputs = own.data.train, own.spec.out_features
    spec = replace(MLP(own.spec.in_features, WIDTH, outputs), title="plain network")
    plan = replace(own.plan, optimizer="adam", lr=PLAIN_RATE, l2=0.0, momentum=None, nesterov=None, weight_decay=None)
    data = own.data if own.data.fresh is not None else standardized(own.data)
    change = own._replace(spec=spec, plan=replace(plan, lr_factors={}, no_decay=()), data=data)
    num_steps = steps_of(change)
    change = _lasting(change, num_steps)
    engine, rows = _engine_of(change), valid
    if own.data.fresh is None:
        rows = _scaled(valid, like)
    losses = [evidence.loss(engine, rows)]
    for upcoming in islice(upcoming_steps(engine, change.data, change.plan, 0), num_steps):
        do_step(engine, upcoming, change.plan)
        if upcoming.number in LOOKS or upcoming.number == num_steps:
            losses.append(evidence.loss(engine, rows))
    return min(losses)


def _lasting(change: Change, num_steps: int) -> Change:
    """The same change with enough epochs for so many steps."""
    epochs = -(-num_steps // change.plan.steps_per_epoch(change.data.num_rows))
    return change._replace(plan=replace(change.plan, epochs=epochs))


def _engine_of(change: Change) -> Engine:
    """A new engine: a compiled one for work of more than a second, if the whole training used one."""
    name, num_rows = "auto:alone=true", change.data.num_rows
    return make_engine(name, change.spec, change.plan, dtype="float32", device="cpu", num_rows=num_rows)


def steps_of(change: Change) -> int:
    """As many steps as WORK allows, with 6 operations for each parameter and row of a step."""
    batch = min(change.plan.batch_size or change.data.num_rows, change.data.num_rows)
    each = 6 * batch * change.spec.num_parameters
    return max(FEWEST, min(STEPS, int(WORK / each)))


def standardized(data: Dataset) -> Dataset:
    """The training rows with columns of mean 0 and deviation 1; constant columns are only shifted."""
    return replace(data, train=_scaled(data.train, data.train), valid=None, test=None)


def _scaled(rows: Rows, like: Rows) -> Rows:
    x, mean, deviation = rows.x.flatten(1), *column_moments(like)
    return Rows((x - mean) / torch.where(deviation > 0, deviation, 1), rows.y, rows.weight)


def column_moments(rows: Rows) -> tuple[Tensor, Tensor]:
    """The mean and the deviation of each column of x."""
    x = rows.x.flatten(1).double()
    return x.mean(0).float(), x.std(0, correction=0).float()


def _centered(rows: Rows, like: Rows) -> Rows:
    """The rows with targets standardized by the mean and deviation of other rows' targets."""
    y = like.y.double()
    return Rows(rows.stored, ((rows.y - y.mean()) / y.std(correction=0)).float(), rows.weight, scale=rows.scale)


def _are_far(y: Tensor) -> bool:
    """Whether targets are not of the size of a network's initial outputs."""
    mean, deviation = float(y.double().mean()), float(y.double().std(correction=0))
    return deviation > 0 and (abs(mean) > max(1.0, deviation) or not 0.1 < deviation < 10)


def _are_raw(own: Change) -> bool:
    """Whether the rows go into a linear layer directly, and are not standardized yet."""
    if own.data.fresh is not None or own.spec.layers[0].name != "linear" or own.data.train.stored.dim() != 2:
        return False
    mean, deviation = column_moments(own.data.train)
    varied = deviation > 0
    return bool(varied.any() and ((deviation[varied] - 1).abs() > 0.5).any()) or bool((mean.abs() > 1).any())


def _rates(own: Change) -> Iterator[Change]:
    """The rate from the range test, and a tenth and ten times the plan's rate, without duplicates."""
    if own.plan.build_optimizer().repeats:
        return
    engine = _engine_of(_lasting(own, RANGE))
    try:
        check_data(engine, own.data)
        suggested = lr_range_test(engine, own.data, own.plan, low=min(1e-6, own.plan.lr), num_steps=RANGE).suggestion
    except InputError:
        suggested = None
    rates = [own.plan.lr / 10, own.plan.lr * 10]
    if suggested is not None and max(suggested / own.plan.lr, own.plan.lr / suggested) > SAME:
        rates = [float(f"{suggested:.2g}"), *(rate for rate in rates if max(rate / suggested, suggested / rate) > SAME)]
    for rate in rates:
        yield own._replace(
            name="learning rate",
            words=f"with the learning rate {figure(rate)} instead of {figure(own.plan.lr)}",
            options=f"--lr {figure(rate)}",
            plan=replace(own.plan, lr=rate),
        )


def _other_networks(own: Change) -> Iterator[Change]:
    """For a plain network: one hidden layer instead of none or several; normalization; more width."""
    layers, known = own.spec.layers, names("activations")
    bends = [layer for layer in layers if layer.name in known]
    if any(layer.name not in ("linear", "dropout", *known) for layer in layers):
        return
    own = own._replace(plan=replace(own.plan, lr_factors={}, no_decay=()))  # these name parameters of this network
    if not bends:
        spec, words = MLP(own.spec.in_features, WIDTH, own.spec.out_features), f"with a hidden layer of {WIDTH} units"
        yield own._replace(name="hidden layer", words=words, options=f"--model mlp --hidden {WIDTH}", spec=spec)
        return
    sizes, bend = own.spec.in_features, str(bends[0])
    linear = [layer for layer in layers[:-1] if layer.name == "linear"]
    widths = [layer.options["out_features"] for layer in linear]
    if len(widths) > 1:
        one = replace(MLP(sizes, max(widths), own.spec.out_features, activation=bend), init=own.spec.init)
        words = f"with one hidden layer instead of {len(widths)}"
        yield own._replace(name="depth", words=words, options=f"--hidden {max(widths)}", spec=one)
        normal = MLP(sizes, *widths, own.spec.out_features, activation=bend, norm="layer_norm", init="kaiming")
        words = "with layer normalization before each activation, and the initialization kaiming"
        yield own._replace(name="normalization", words=words, options="--norm layer_norm --init kaiming", spec=normal)
    if min(widths) < WIDTH:
        wide = [max(width, WIDTH) for width in widths]
        words = f"with {WIDTH} units in a layer instead of {min(widths)}"
        options = "--hidden " + " ".join(map(str, wide))
        spec = replace(MLP(sizes, *wide, own.spec.out_features, activation=bend), init=own.spec.init)
        yield own._replace(name="width", words=words, options=options, spec=spec)
