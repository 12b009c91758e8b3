"""What a sweep trains: from settings to a network and a plan for some rows; refuses what is impossible."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, final

import torch

from ..check import InputError
from ..datasets._base import Dataset
from ..datasets._split import split
from ..engines._make import make_engine
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
"""The share of the training rows held out for ranking, if the data have no validation part."""

LARGEST_FLEET = 64
"""The most networks taken together: enough to compare, few enough to leave some for other processes."""

SECONDS_OF_A_FLEET = 10.0
"""The approximate time of a fleet; large networks come in small fleets."""

Prepare = Callable[[Mapping[str, Any]], tuple[NetSpec, TrainPlan]]
"""From settings to a network, without input and output sizes, and a plan."""


@final
@dataclass(frozen=True)
class Candidates:
    """The rows, a function from settings to a network and a plan, and the information for runs (`Run.info`).

    `settings` are those that `prepare` adds itself: with others it would be another sweep.
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
        """Raises an `InputError` for a value in the space that cannot be trained, or does not fit into memory.

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

    def check_engine(self, settings: Mapping[str, Any], engine: str, dtype: str, device: torch.device) -> None:
        """Raises an `InputError` for an engine or a dtype that there is not, or that cannot train these settings."""
        make_engine(engine, *self.make(settings), dtype=dtype, device=device, num_rows=len(self.data.train))

    def _check(self, settings: Mapping[str, Any]) -> None:
        spec, plan = self.make(settings)
        spec.build(), plan.build_loss(), plan.build_optimizer(), plan.build_schedule(), spec.build_init()
        check_plan(plan, self.data)

    def _bytes_needed(self, settings: Mapping[str, Any], dtype: str, device: torch.device) -> int:
        """The bytes of a network with a batch; raises an `InputError` if they exceed the memory."""
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
        """How many networks to take together: what ten seconds suffice for, estimated by floating-point operations."""
        spec, plan = self.make(widest(space)[0])
        num_rows = len(self.data.train)
        operations = operations_per_step(spec, min(plan.batch_size or num_rows, num_rows))
        seconds = plan.num_steps(num_rows) * (SECONDS_PER_STEP + SECONDS_PER_OPERATION * operations)
        return max(num_threads, min(LARGEST_FLEET, round(num_threads * SECONDS_OF_A_FLEET / seconds)))


def with_validation(data: Dataset, seed: int) -> Dataset:
    """The data with a validation part for ranking: their own, or a fifth of the training rows."""
    return data if data.valid is not None else split(data, VALID, seed=seed)
