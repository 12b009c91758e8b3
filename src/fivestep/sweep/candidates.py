"""What a sweep trains: from settings to a network and a plan for some rows, refused where they cannot be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, final

import torch

from ..check import InputError
from ..datasets._base import Dataset
from ..datasets._split import split
from ..engines._memory import training_needs
from ..engines.fused._size import operations_per_step
from ..find import Choice
from ..machine.memory import memory_size
from ..net import NetSpec
from ..plan import TrainPlan
from ..preflight import check_plan
from ..steps import SECONDS_PER_OPERATION, SECONDS_PER_STEP
from .space import Space, each_value, widest

VALID = 0.2
"""The share of the training rows that is held out to rank by, where the data have no validation part."""

LARGEST_FLEET = 64
"""Networks that are taken together, at most: enough to compare, few enough for other processes to have theirs."""

SECONDS_OF_A_FLEET = 10.0
"""What a fleet takes, about; large networks come in small fleets."""

Prepare = Callable[[Mapping[str, Any]], tuple[NetSpec, TrainPlan]]
"""From settings to a network, its ends still open, and the plan."""


@final
@dataclass(frozen=True)
class Candidates:
    """The rows, what turns settings into a network and a plan for them, and what a run says of itself (`Run.info`).

    `settings` are those that `prepare` adds by itself: with others it would be another sweep.
    """

    data: Dataset
    prepare: Prepare
    info: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def make(self, settings: Mapping[str, Any]) -> tuple[NetSpec, TrainPlan]:
        """The network with its sizes, and the plan; "init_scale" multiplies the initial values of "init"."""
        settings = dict(settings)
        factor = settings.pop("init_scale", None)
        if factor is not None:
            settings["init"] = Choice("scaled", of=str(settings.get("init", "torch")), factor=factor)
        spec, plan = self.prepare(settings)
        return plan.sized(spec, self.data), plan

    def check(self, space: Space, dtype: str, device: torch.device) -> int:
        """Raises an `InputError` for a value of the space that nothing can be trained with, or that memory cannot hold.

        Returns the bytes that the largest network needs.
        """
        for what, settings in each_value(space):
            try:
                self._check(settings)
            except InputError as error:
                if not what:
                    raise
                raise InputError(f"{what} must be of use for every network of the sweep: {error}") from error
        return max(self._bytes_needed(settings, dtype, device) for settings in widest(space))

    def _check(self, settings: Mapping[str, Any]) -> None:
        spec, plan = self.make(settings)
        spec.build(), plan.build_loss(), plan.build_optimizer(), plan.build_schedule(), spec.build_init()
        check_plan(plan, self.data)

    def _bytes_needed(self, settings: Mapping[str, Any], dtype: str, device: torch.device) -> int:
        """What a network takes with a batch inside; raises an `InputError` if that is more than there is."""
        spec, plan = self.make(settings)
        num_rows = plan.micro_batch_size or plan.batch_size or len(self.data.train)
        needed = training_needs(spec, plan, dtype, device, num_rows)
        if needed > memory_size():
            raise InputError(
                f"every network of the sweep must fit into this machine's {memory_size() / 2**30:.0f} GiB, got "
                f"{spec.sizes_text()} of {spec.num_parameters:,} parameters, which needs about "
                f"{needed / 2**30:,.0f} GiB with a batch of {num_rows:,} rows; make it smaller."
            )
        return needed

    def fleet_size(self, space: Space, num_threads: int) -> int:
        """How many networks to take together: as many as ten seconds may do, by their floating-point operations."""
        spec, plan = self.make(widest(space)[0])
        num_rows = len(self.data.train)
        operations = operations_per_step(spec, min(plan.batch_size or num_rows, num_rows))
        seconds = plan.num_steps(num_rows) * (SECONDS_PER_STEP + SECONDS_PER_OPERATION * operations)
        return max(num_threads, min(LARGEST_FLEET, round(num_threads * SECONDS_OF_A_FLEET / seconds)))


def with_validation(data: Dataset, seed: int) -> Dataset:
    """The data with a validation part to rank by: their own, or a fifth of the training rows."""
    return data if data.valid is not None else split(data, VALID, seed=seed)
