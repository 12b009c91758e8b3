"""Ours: each engine through `fivestep.steps`, or through `fivestep.train` where the job is measured."""

from collections.abc import Iterator
from typing import Any, ClassVar

import torch

import fivestep as fs

from ._base import Array, Job, Rival


class _Ours(Rival):
    """An engine as everyone gets it: step 3, the draws, the schedule and all checks included."""

    runs_long = True
    engine: ClassVar[str]

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.data, spec, self.plan = _in_our_words(job)
        self.made = fs.make_engine(self.engine, spec, self.plan, device="cpu", num_rows=job.num_rows)
        self.made.load_weights({name: torch.from_numpy(value) for name, value in job.weights.items()})
        self.goal = 0
        self._streams: dict[int, Iterator[Any]] = {}

    def train(self, steps: int) -> None:
        every = max(1, steps // self.job.steps_per_epoch)
        if every not in self._streams:
            walk: Any = fs.train if self.job.is_measured else fs.steps
            start = () if self.job.is_measured else (self.made.num_updates,)
            self._streams = {every: walk(self.made, self.data, self.plan, *start, every=every)}
        self.goal += steps
        while self.made.num_updates < self.goal:  # a block of steps that goes beyond it counts for the next call
            next(self._streams[every])

    def num_done(self) -> int:
        return self.made.num_updates

    def weights(self) -> dict[str, Array]:
        return {name: value.numpy().copy() for name, value in self.made.named_parameters().items()}


def _in_our_words(job: Job) -> tuple[fs.Dataset, fs.NetSpec, fs.TrainPlan]:
    rows = fs.Dataset(fs.Rows(torch.from_numpy(job.x), torch.from_numpy(job.y))) if job.data is None else job.data
    size = None if job.is_full_batch else job.batch
    plan = fs.TrainPlan(job.loss, job.rule, lr=job.lr, batch_size=size, epochs=10**7)
    return rows, fs.MLP(*job.sizes, activation=job.activation), plan


class Fused(_Ours):
    """The compiled body, where `auto` chooses it."""

    title = engine = "fused"

    @classmethod
    def refusal(cls, job: Job) -> str | None:
        _, spec, plan = _in_our_words(job)
        chosen = fs.make_engine("auto", spec, plan, device="cpu", num_rows=job.num_rows)
        return None if chosen.name == "fused" else f"auto takes {chosen.name}: {chosen.reason}"


class Scratch(_Ours):
    """Gradients by hand."""

    title = engine = "scratch"
    runs_long = False


class Autograd(_Ours):
    """Gradients by torch."""

    title = engine = "autograd"
    runs_long = False


class Nn(_Ours):
    """torch.nn and torch.optim."""

    title = engine = "nn"
    runs_long = False
