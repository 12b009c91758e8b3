"""Checks before the first step that data, network and loss fit together."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from .batches import rows_of_batch
from .check import InputError, refuse, warn
from .datasets._base import Dataset, Rows
from .datasets._weights import weigh_classes
from .engines._engine import Engine
from .engines._outputs import outputs_by_layer
from .find import Choice, find, names
from .layer import kind_of
from .layers._composite import with_inner
from .losses._base import ABOVE_ZERO, class_mistake
from .metrics._base import measure
from .plan import TrainPlan

NUMBERS_AT_A_TIME = 2**18
"""Numbers that are checked at a time: torch copies them to do so, and a copy of all data would double the memory."""


def check_plan(plan: TrainPlan, data: Dataset) -> None:
    """Raises an `InputError` if the plan needs something that the data do not have."""
    rows_of_batch(plan.batch_size, data)
    check_whole_batches(plan, data)
    if plan.batch_size is None and data.stream is not None:
        raise refuse("batch_size", "full", "a number of rows for a stream, which is never whole in memory", "write 256")
    if plan.patience is not None and data.valid is None:
        raise refuse("patience", plan.patience, "used with a validation part", "split one off, or leave it out")


def check_merged(engine: Engine) -> None:
    """Raises an `InputError` if merging equal rows into one would change what a layer computes."""
    for layer in with_inner(engine.layers):
        if not layer.is_row_by_row:
            raise InputError(
                f"merge_duplicates must be used with layers that take each row by itself, got "
                f"{kind_of(layer)}, for which copies of a row are not one weighted row; "
                f"leave out one of the two."
            )


def check_whole_batches(plan: TrainPlan, data: Dataset) -> None:
    """Raises an `InputError` if an update rule with repeats would not see the same rows at every step."""
    if not plan.build_optimizer().repeats:
        return
    if data.stream is not None:
        expected = "one that takes batches for a stream, which is never whole in memory"
        raise refuse("optimizer", str(plan.optimizer), expected, "use adam")
    wanted = f"the full batch with optimizer {str(plan.optimizer)!r}, which compares losses at different weights"
    if plan.steps_per_epoch(data.num_rows) > 1:
        raise refuse("batch_size", plan.batch_size, wanted, "pass batch_size=None (--batch-size full), or use adam")
    if data.fresh is not None:
        raise refuse("the task", data.name, wanted, "it draws new rows for every step, so use adam")
    schedule, num_steps = plan.build_schedule(), plan.num_steps(data.num_rows)
    if min(schedule.factor(step, num_steps) for step in range(num_steps)) == 0:
        wanted = f"above 0 at every step with optimizer {str(plan.optimizer)!r}, whose line search starts at the rate"
        raise refuse("schedule", str(plan.schedule), wanted, "use 'constant'")


def check_steps(plan: TrainPlan, data: Dataset) -> None:
    """Calls `check_plan`, and warns if the schedule extends beyond the run, as with a warm-up that is too long."""
    check_whole_batches(plan, data)
    schedule, num_steps = plan.build_schedule(), plan.num_steps(data.num_rows)
    for option in schedule.spans:
        given = getattr(schedule, option)
        beyond = [step for step in (given if isinstance(given, tuple) else (given,)) if step >= num_steps]
        if beyond:
            warn(
                f"{option} of schedule {Choice.parse(plan.schedule).name!r} should be less than the run's {num_steps} "
                f"steps, got {beyond[0]}, which is never reached; lower it, or write a share of the run such as 0.1."
            )


def warn_of_alike_units(engine: Engine) -> None:
    """Warns if all matrices of a network with hidden layers begin at 0: its units would stay alike forever."""
    matrices = [w for w in engine.named_parameters().values() if w.dim() == 2]
    if len(matrices) > 1 and not any(bool(w.any()) for w in matrices):
        warn(
            f"the weights of a network with hidden layers should begin different from each other, got 0 in all its "
            f"{len(matrices)} matrices, whose units then stay alike and mostly learn nothing; choose another init, "
            f"such as 'kaiming'."
        )


def check_data(engine: Engine, data: Dataset) -> None:
    """Raises an `InputError` if a part of the data does not fit the network or the loss, or is not finite."""
    for part, rows in (("train", data.train), ("valid", data.valid), ("test", data.test)):
        if rows is not None:
            check_rows(engine, rows, part)
    if engine.plan.class_weight is not None:
        weigh_classes(data, engine.plan.class_weight, engine.criterion.target, engine.spec.out_features or 0)
    if 1 in set(sizes_of_parts(engine.plan, data.num_rows)):
        outputs_by_layer(engine, data.train.take(slice(1)).to(engine.device, engine.dtype).x)


def sizes_of_parts(plan: TrainPlan, num_rows: int) -> Iterator[int]:
    """The numbers of rows that a training pass may see: a batch, the last batch, their parts."""
    batch = plan.batch_size or num_rows
    for size in (batch, num_rows % batch or batch):
        part = min(plan.micro_batch_size or size, size)
        yield from (part, size % part or part)


def check_rows(engine: Engine, rows: Rows, part: str) -> None:
    """The same for one part of the data. Reads all of it once, so it is for the start, not for the loop."""
    _check_inputs(engine, rows, part)
    _check_finite(f"{part} y", rows.y)
    if rows.weight is not None:
        _check_finite(f"{part} weight", rows.weight)
        if (rows.weight < 0).any() or rows.weight.sum() == 0:
            raise InputError(
                f"{part} weight must hold numbers of at least 0 that are not all 0, got others; fix the weights."
            )
    if engine.criterion.target == "classes":
        _check_classes(engine, rows.y, part)
    else:
        _check_range(engine, rows.y, part)
    _check_targets(engine, rows, part)


def _check_inputs(engine: Engine, rows: Rows, part: str) -> None:
    stored, width = rows.stored, engine.spec.in_features
    if stored.dim() < 2 or width not in (stored.shape[-1], stored[0].numel()):
        raise InputError(
            f"{part} x must have the network's {width} numbers in each row, got the shape {tuple(stored.shape)}; "
            f"make the sizes agree."
        )
    if stored.dtype == torch.uint8 and rows.scale is None:
        raise InputError(
            f"{part} x must come with a scale when it is stored as bytes, got none; pass Rows(x, y, scale=1 / 255)."
        )
    _check_finite(f"{part} x", stored)
    engine.layers[0].check_input(stored)


def _check_finite(name: str, values: Tensor) -> None:
    if not values.is_floating_point():
        return
    first = 0
    for part in values.split(max(1, NUMBERS_AT_A_TIME // max(1, values[0].numel()))):
        if not part.isfinite().all():
            row, *others = (~part.isfinite()).nonzero()[0].tolist()
            where = [first + row, *others]
            raise InputError(
                f"{name} must hold finite numbers, got {values[tuple(where)].item()} at index {where}; fill or drop it."
            )
        first += len(part)


def _check_classes(engine: Engine, y: Tensor, part: str) -> None:
    num_classes = engine.spec.out_features
    if not y.is_floating_point() and y.dtype != torch.bool and (y.min() < 0 or y.max() >= (num_classes or 0)):
        raise class_mistake(f"{part} y", y, num_classes or 0)


def _check_range(engine: Engine, y: Tensor, part: str) -> None:
    least, largest = engine.criterion.target_range
    if (y < least).any() or (y > largest).any():
        raise InputError(
            f"{part} y must lie in {_interval(least, largest)} for {engine.plan.loss}, got {_range(y)}; "
            f"change the targets, or take one of the losses for such numbers: {', '.join(_losses_for(y))}."
        )


def _losses_for(y: Tensor) -> Iterator[str]:
    """The losses with one output per number that accept all of these targets."""
    for name in names("losses"):
        loss = find("losses", name)
        least, largest = loss.target_range
        if loss.target == "numbers" and loss.outputs_per_target == 1 and y.min() >= least and y.max() <= largest:
            yield name


def _interval(least: float, largest: float) -> str:
    return f"{'(0' if least == ABOVE_ZERO else f'[{least:g}'}, {largest:g}{')' if math.isinf(largest) else ']'}"


def _check_targets(engine: Engine, rows: Rows, part: str) -> None:
    """Checks that the loss and the metrics accept such targets, with predictions of 0 for all rows."""
    num_rows, *shape = rows.stored.shape
    row = tuple(shape) if shape[-1] == engine.spec.in_features else (math.prod(shape),)  # an engine flattens images
    logits = torch.zeros((), device=rows.y.device).expand(num_rows, *engine.spec.row_shape(row))
    try:
        y = engine.criterion.match(logits, rows.y)
        measure(engine.plan.build_metrics(), logits, y, rows.weight)
    except InputError as error:
        raise InputError(f"{part} {error}") from None


def _range(y: Tensor) -> str:
    return " to ".join(str(end.cpu().numpy()) for end in (y.min(), y.max()))  # with the digits of its dtype
