"""Random networks, losses, update rules and schedules: each a function of (seed, number), and every engine on each."""

import random
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, final

import torch

from ..check import InputError, at_least
from ..datasets._base import Dataset, Rows
from ..draws import generator
from ..engines._engine import Engine
from ..engines._make import make_engine
from ..find import Choice, find, names
from ..net import MLP, FeedForward, NetSpec, norm_names
from ..plan import TrainPlan
from ..preflight import check_data, check_plan
from ._comparison import Comparison, compared
from ._lockstep import Lockstep
from ._result import WIDTH, Verification, paragraph, short, table, together

NUM_STEPS = 7
"""Enough for every part of a rule's memory, and for a second epoch."""

ORACLE = "nn"


@final
class Case(NamedTuple):
    """A network, a plan and rows, drawn at random."""

    number: int
    spec: NetSpec
    plan: TrainPlan
    data: Dataset

    def __str__(self) -> str:
        layers = ", ".join(map(str, self.spec.layers))
        usual = TrainPlan().to_dict()
        settings = {key: value for key, value in self.plan.to_dict().items() if value != usual[key] and key != "seed"}
        return f"{layers}; {', '.join(f'{key} {value}' for key, value in settings.items())}"

    def engine(self, name: str) -> Engine:
        """An engine for it, in float64 on the CPU."""
        return make_engine(name, self.spec, self.plan, dtype="float64", device="cpu")


@final
@dataclass(frozen=True)
class Sample(Verification):
    """Every engine against `nn` on random cases: `reports` has one for each engine and case that it can do."""

    seed: int
    cases: tuple[Case, ...]
    reports: dict[str, dict[int, Comparison]] = field(default_factory=dict)

    @property
    def agrees(self) -> bool:
        return not self._differing()

    def lines(self, width: int = WIDTH) -> list[str]:
        differing = self._differing()
        if differing:
            name, number, report = differing[0]
            many = f"{len(differing)} of {self._num_comparisons()} comparisons differ"
            head = f"{many}, seed {self.seed}. The first is {name} on case {number}:"
            again = f"The same case again: fivestep verify all --seed {self.seed} --case {number}"
            case = next(case for case in self.cases if case.number == number)
            return together(
                paragraph(head, width), report.lines(width), paragraph(f"Case {number}: {case}.", width), [again]
            )
        count = f"{len(self.cases)} random cases" if len(self.cases) > 1 else f"case {self.cases[0].number}"
        head = f"All engines agree with {ORACLE}: {count}, seed {self.seed}, {NUM_STEPS} steps each, float64."
        single = [f"Case {case.number}: {case}." for case in self.cases] if len(self.cases) == 1 else [self._varied()]
        return together(paragraph(head, width), self._table(), paragraph(single[0], width))

    def to_dict(self) -> dict[str, Any]:
        return {
            "agrees": self.agrees,
            "seed": self.seed,
            "cases": {case.number: str(case) for case in self.cases},
            "engines": {
                name: {number: report.to_dict() for number, report in reports.items()}
                for name, reports in self.reports.items()
            },
        }

    def _differing(self) -> list[tuple[str, int, Comparison]]:
        return [
            (name, number, report)
            for name, reports in self.reports.items()
            for number, report in reports.items()
            if not report.agrees
        ]

    def _num_comparisons(self) -> int:
        return sum(map(len, self.reports.values()))

    def _table(self) -> list[str]:
        rows = [("", "cases", "beyond it by rounding", "largest relative difference")]
        for name, reports in self.reports.items():
            worst = max(
                ((pair[1], number) for number, report in reports.items() for pair in report.largest.values()),
                key=lambda found: found[0].relative,
                default=None,
            )
            where = (
                "it can do none of these"
                if worst is None
                else f"{short(worst[0].relative)}, {worst[0].key} of case {worst[1]}"
            )
            rows.append(
                (name, str(len(reports)), str(sum(bool(report.roundings) for report in reports.values())), where)
            )
        return table(rows, left=(0, 3))

    def _varied(self) -> str:
        """A sentence about what the cases cover."""
        layers = {choice.name for case in self.cases for choice in case.spec.layers}
        counts = {
            "kinds of layers and activations": layers,
            "losses": {str(case.plan.loss) for case in self.cases},
            "update rules": {str(case.plan.optimizer) for case in self.cases},
            "schedules": {str(case.plan.schedule) for case in self.cases},
            "initializations": {str(case.spec.init) for case in self.cases},
        }
        return f"They vary {', '.join(f'{len(values)} {name}' for name, values in counts.items())}."


def verify_all(
    num_cases: int = 50,
    seed: int = 0,
    only: int | None = None,
    watched: Callable[[Sequence[Case]], Iterable[Case]] = iter,
) -> Sample:
    """Every engine against `nn` on `num_cases` random cases (or on case `only`, from 1), seven steps in float64.

    A case is a random network, loss, update rule and schedule, with or without clipping, micro-batches, row weights,
    parameter groups and averaged weights; it is a function of (seed, its number). An engine that does not support a
    case is skipped. The cases are iterated through `watched`, such as tqdm. Raises an `InputError` for numbers that are
    too small.
    """
    at_least("cases", num_cases, 1)
    at_least("seed", seed, 0)
    if only is not None:
        at_least("case", only, 1)
    numbers = range(1, num_cases + 1) if only is None else [only]
    cases = tuple(random_case(seed, number) for number in numbers)
    sample = Sample(seed, cases, {name: {} for name in names("engines") if name != ORACLE})
    for case in watched(cases):
        for name, reports in sample.reports.items():
            report = _compare(case, name)
            if report is not None:
                reports[case.number] = report
    return sample


def _compare(case: Case, name: str) -> Comparison | None:
    """The report for one engine; None if it refuses the case, or delegates it to another engine."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "engine .* falls back")
            lock = Lockstep(case.engine(name), case.engine(ORACLE), case.data, NUM_STEPS)
    except InputError:
        return None
    if lock.one.name != name:
        return None
    for _ in lock:
        pass
    return compared(lock, (name, ORACLE), f"case {case.number}, {case.spec.sizes_text()}")


def random_case(seed: int, number: int) -> Case:
    """The first candidate of this number that can be trained."""
    chance = random.Random(f"{seed}:{number}")
    while True:
        try:
            case = _candidate(chance, number)
            check_plan(case.plan, case.data)
            check_data(case.engine(ORACLE), case.data)
        except InputError:  # incompatible draws: draw again
            continue
        return case


def _candidate(chance: random.Random, number: int) -> Case:
    plan = _plan(chance)
    num_inputs, num_outputs, num_rows = chance.randint(2, 6), chance.randint(2, 4), chance.randint(12, 30)
    data = _rows(chance, plan, (num_rows, num_inputs), num_outputs)
    plan = replace(plan, epochs=-(-NUM_STEPS // plan.steps_per_epoch(num_rows)))
    return Case(number, plan.sized(_network(chance), data), plan, data)


def _network(chance: random.Random) -> NetSpec:
    """A perceptron of up to three hidden layers, or a network of transformer blocks, without input and output sizes."""
    init, known = chance.choice(names("inits")), names("activations")
    if chance.random() < 0.2:
        width = chance.randint(3, 6)
        block = FeedForward(width, 2 * width, activation=chance.choice(known), gated=chance.random() < 0.5)
        residual = Choice("residual", layers=("layer_norm", *map(str, block.layers)))
        return NetSpec(
            (Choice("linear", out_features=width), residual, Choice("linear")), init=init, title="random network"
        )
    depth = chance.randint(0, 3)
    known_norms = [None] if chance.random() < 0.5 else [None, *norm_names()]
    norms = [chance.choice(known_norms) for _ in range(depth)]
    widths, activations = [chance.randint(3, 8) for _ in norms], [chance.choice(known) for _ in norms]
    dropout = [chance.choice([0.0, 0.0, 0.3]) for _ in norms]
    return MLP(None, *widths, None, activation=activations, norm=norms, dropout=dropout, init=init)


def _plan(chance: random.Random) -> TrainPlan:
    """A loss, an update rule and a schedule, each with some of the settings that go with them."""
    rule = chance.choice(names("optim"))
    settings: dict[str, Any] = {
        "loss": chance.choice(names("losses")),
        "optimizer": rule,
        "schedule": chance.choice(names("schedules")),
        "lr": chance.choice([0.003, 0.01, 0.03]),
        "batch_size": None if find("optim", rule).repeats else chance.choice([None, 6, 8]),
        "seed": chance.randint(0, 1000),
    }
    more: dict[str, Any] = {
        "momentum": 0.9 if rule == "sgd" else None,
        "weight_decay": 0.01,
        "l2": 0.1,
        "clip_norm": 0.5,
        "clip_value": 0.1,
        "micro_batch_size": chance.choice([2, 3]),
        "no_decay": ("bias",),
        "lr_factors": {"bias": 2.0},
        "ema": 0.9,
    }
    return TrainPlan(**settings, **{key: value for key, value in more.items() if chance.random() < 0.2})


def _rows(chance: random.Random, plan: TrainPlan, shape: tuple[int, int], num_outputs: int) -> Dataset:
    """Standard normal rows, and targets that fit the loss."""
    loss, stream = plan.build_loss(), generator(chance.randint(0, 10**6))
    x = torch.randn(shape, generator=stream, dtype=torch.float64)
    if loss.target == "classes":
        y = torch.randint(0, num_outputs, shape[:1], generator=stream)
    elif loss.target == "yes_no":
        y = torch.randint(0, 2, (shape[0], num_outputs), generator=stream).double()
    else:
        y = torch.randn((shape[0], num_outputs), generator=stream, dtype=torch.float64)
        y = y if loss.target_range[0] < 0 else y.square().round() + (loss.target_range[0] > 0)  # counts
    weight = torch.rand(shape[0], generator=stream, dtype=torch.float64) + 0.1
    return Dataset(Rows(x, y, weight if chance.random() < 0.3 else None), num_outputs=num_outputs, name="random rows")
