"""What the project wants to reach, beside what the files in `results/` say: the table at the top of RESULTS.md."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from _measure import OURS, RESULTS, table

Found = Mapping[str, Any]


class Goal(NamedTuple):
    """A figure of the file `name`, the bar that it must keep below, and the one aimed at; above them if `is_least`."""

    what: str
    name: str
    figure: Callable[[Found], float]
    must: float
    aim: float | None = None
    is_least: bool = False
    unit: str = ""

    def passes(self, value: float, bar: float) -> bool:
        return value >= bar if self.is_least else value <= bar

    def verdict(self, value: float) -> str:
        if not self.passes(value, self.must):
            return "**no**"
        return "aim" if self.aim is not None and self.passes(value, self.aim) else "yes"

    def row(self, result: Found | None) -> list[str]:
        """What, bars, figure, verdict, from what the file says, if it is there."""
        sign = "at least" if self.is_least else "at most"
        bars = f"{sign} {_number(self.must)}{self.unit}", "" if self.aim is None else f"{_number(self.aim)}{self.unit}"
        try:
            value = self.figure(result or {})
        except (KeyError, IndexError):  # no file, or one from before this contestant took part
            return [self.what, *bars, "", "not measured"]
        looks_reached = _number(value) == _number(self.must) and value != self.must  # by rounding
        shown = f"{value:.4g}" if looks_reached else _number(value)
        return [self.what, *bars, f"{shown}{self.unit}", self.verdict(value)]


def over(one: str, other: str) -> Callable[[Found], float]:
    """The medians of two contestants of a race, one over the other."""

    def ratio(result: Found) -> float:
        seconds = {name: of["seconds per step"]["median"] for name, of in result["contestants"].items()}
        return float(seconds[one] / seconds[other])

    return ratio


def median(*path: str | int) -> Callable[[Found], float]:
    """The median at that place of a file."""

    def found(result: Any) -> float:
        for key in path:
            result = result[key]
        return float(result["median"])

    return found


def _small(size: str, rival: str) -> Callable[[Found], float]:
    return median("networks", size, rival, "over")


def _ranks(case: int, over: str = "one rank") -> Callable[[Found], float]:
    def ratio(result: Found) -> float:
        of = result["cases"][case]["contestants"]
        return float(of["two ranks"]["over one rank"]["median"] / of[over]["over one rank"]["median"])

    return ratio


def _fleet_on_ranks(networks: int, steps: int) -> Callable[[Found], float]:
    def ratio(result: Found) -> float:
        by_size = {(of["networks"], of["steps"]): of for of in result["fleets"]}
        return float(by_size[networks, steps]["over one rank"]["median"])

    return ratio


def _million_rows_read(result: Found) -> float:
    """A second, of the kind of file that takes longest."""
    return float(min(result[kind]["rows_per_second"]["stream"]["median"] for kind in ("snappy", "zstd", "plain"))) / 1e6


def _gpu(regime: str, who: str) -> Callable[[Found], float]:
    return median("regimes", regime, "contestants", who, "over")


def _gpu_fleet(what: str) -> Callable[[Found], float]:
    return lambda result: float(result["2-8-1"]["4096"]["times_faster"][what])


def _gpu_epochs(result: Found) -> float:
    of = result["regimes"]["a"]
    return float(1000 * of["steps"] * of["contestants"]["fused"]["seconds per step"]["median"])


PLAIN, JAX, SKLEARN = "PyTorch loop, resident rows", "JAX jit(scan)", "scikit-learn"
LIGHTNING, DDP = "Lightning, whole batches by index", "DistributedDataParallel"
IMAGES, MILLION, SMALL = "fashion_mnist", "million_rows", "small_networks"
ROW = "one row", "over"
MANY = "4,096 networks of 2-8-1"

GOALS = (
    Goal("Fashion-MNIST: a step over its products", IMAGES, over("fused", OURS), 1.25, 1.1),
    Goal("... over JAX's", IMAGES, over("fused", JAX), 0.9),
    Goal("... over a plain PyTorch loop's", IMAGES, over("fused", PLAIN), 0.65),
    Goal("... over scikit-learn's", IMAGES, over("fused", SKLEARN), 0.4),
    Goal("... over Lightning's", IMAGES, over("fused", LIGHTNING), 0.3),
    Goal("a million rows: a step over its products", MILLION, over("fused", OURS), 1.35, 1.2),
    *(
        goal
        for size in ("2-8-1", "10-32-1")
        for goal in (
            Goal(f"{size}: a plain PyTorch loop's step over ours", SMALL, _small(size, PLAIN), 200, 400, is_least=True),
            Goal("... JAX's over ours", SMALL, _small(size, JAX), 3, 6, is_least=True),
            Goal("... scikit-learn's over ours", SMALL, _small(size, SKLEARN), 100, 200, is_least=True),
        )
    ),
    Goal("1,024 networks: JAX's vmap over ours", "fleets", median("1024", "over", "JAX jit(vmap(scan))"), 5, 8, True),
    Goal("a fleet of one over the single engine", "fleets", median("1", "over", "fit_many"), 1.1),
    Goal("one row: eager PyTorch over ours", "prediction", median(*ROW, "the same in inference_mode"), 5, None, True),
    Goal("... scikit-learn over ours", "prediction", median(*ROW, "scikit-learn predict"), 30, None, True),
    Goal("a sweep of 256 networks", "sweep", median("seconds", "all to the end"), 10, 3, unit=" s"),
    Goal("fivestep train moons", "startup", median("seconds", "fivestep train moons"), 4, 2.5, unit=" s"),
    Goal("two ranks over one, Fashion-MNIST", "ranks", _ranks(0), 1.3, None, True),
    Goal("... over DistributedDataParallel", "ranks", _ranks(0, DDP), 1.2, None, True),
    Goal("two ranks over one, 512-512-512", "ranks", _ranks(1), 1.7, None, True),
    Goal("two ranks over one, 1,024 networks of 1,000 steps", "ranks", _fleet_on_ranks(1024, 1000), 1.9, None, True),
    Goal("... 256 networks of 20,000 steps", "ranks", _fleet_on_ranks(256, 20_000), 1.9, None, True),
    Goal("million rows a second from Parquet", "streaming_reader", _million_rows_read, 3, None, True),
    Goal("an epoch from files over memory", "streaming_epoch", median("over_memory", "files, kept"), 1.05),
    Goal("... the first, which decodes", "streaming_epoch", median("over_memory", "files, decoded"), 1.05),
    Goal("CUDA, 784-256-10: ten epochs", "gpu", _gpu_epochs, 100, unit=" ms"),
    Goal("... a plain PyTorch loop's over ours", "gpu", _gpu("a", PLAIN), 8, is_least=True),
    Goal("CUDA, a million rows: a plain PyTorch loop's over ours", "gpu", _gpu("e", PLAIN), 6, is_least=True),
    Goal(f"CUDA, {MANY} over one after another: steps", "gpu_fleets", _gpu_fleet("steps"), 1000, is_least=True),
    Goal("... all of fit_many", "gpu_fleets", _gpu_fleet("fit_many"), 1000, is_least=True),
    Goal(
        "CUDA, 4096-14336-4096 in bfloat16: share of the rate of a product",
        "gpu",
        median("regimes", "d", "share of the square product's rate"),
        0.83,
        is_least=True,
    ),
)
"""In the order of the page. Bars are for two cores that have nothing else to do; those for CUDA, for one H200."""


def goals(read: Callable[[str, Path], Found]) -> str:
    """The table; `read` gives what a file of a folder says. Each folder in `results/` is another machine."""
    others = sorted(path for path in RESULTS.iterdir() if path.is_dir())

    def rows_of(folder: Path) -> list[list[str]]:
        is_there = {goal.name: (folder / f"{goal.name}.json").exists() for goal in GOALS}
        return [goal.row(read(goal.name, folder) if is_there[goal.name] else None) for goal in GOALS]

    rows = rows_of(RESULTS)
    passed = sum(row[-1] in ("yes", "aim") for row in rows)
    for folder in others:
        rows = [[*row, *_in_short(there)] for row, there in zip(rows, rows_of(folder), strict=True)]
    head = ["", "must be", "aim", "is", "reached", *(f"on {folder.name.replace('-', ' ')}" for folder in others)]
    return f"{passed} of {len(rows)} goals are reached.\n\n{table(head, rows)}"


def _in_short(row: Sequence[str]) -> list[str]:
    """Figure and verdict of a row, or nothing where it was not measured."""
    *_, figure, verdict = row
    return [f"{figure}, {verdict}" if figure else ""]


def _number(value: float) -> str:
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 1000 else f"{value:.3g}"
