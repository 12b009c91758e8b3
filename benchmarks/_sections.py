"""What the files in `results/` say, as Markdown: printed after a measurement, and put into RESULTS.md.

One function for each file, by its name. Nothing here measures.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from _measure import HERE, table

Result = Mapping[str, Any]


def read(name: str) -> dict[str, Any]:
    """The file that a benchmark has kept."""
    found: dict[str, Any] = json.loads((HERE / "results" / f"{name}.json").read_text(encoding="utf-8"))
    return found


def section(name: str) -> str:
    """What RESULTS.md says of a file: the tables, and below them how they came to be."""
    result = read(name)
    return f"{SECTIONS[name](result)}\n\n{circumstances(result)}"


def show(name: str) -> None:
    """Prints it."""
    print(f"\n{section(name)}\nKept in {HERE / 'results' / f'{name}.json'}")


def circumstances(result: Result) -> str:
    """Date, machine, threads, versions and number of measurements, in one line."""
    number = next((f"{result[key]} {key}, " for key in ("rounds", "processes", "splits") if key in result), "")
    packages = {name: of for name, of in result["packages"].items() if of != "not installed"}
    versions = ", ".join(f"{name} {version}" for name, version in packages.items())
    threads = "one thread" if result["threads"] == 1 else f"{result['threads']} threads"
    return (
        f"<sub>{result['date']}: {number}{result['processor']}, {result['cores']} cores, {threads}; {versions}.</sub>"
    )


def figure(value: float) -> str:
    """Three digits, without a power of ten."""
    if value >= 1000:
        return f"{round(value, 2 - len(str(int(value)))):,.0f}"
    return f"{value:.3g}" if value >= 100 else f"{value:#.3g}"


def microseconds(of: Result) -> str:
    return figure(1e6 * of["median"])


def ratio(of: Result) -> list[str]:
    """Median and quartiles, as two cells."""
    return [figure(of["median"]), f"{figure(of['low'])} to {figure(of['high'])}"]


def race(found: Result) -> list[list[str]]:
    """A row for each contestant: name, microseconds of a step, ratio and quartiles, seconds of the first call, loss."""
    return [
        [
            name,
            microseconds(one["seconds per step"]),
            *ratio(one["over"]),
            f"{one['first call']:.1f}" if "first call" in one else "",
            f"{one['loss']:.4g}" if "loss" in one else "",
        ]
        for name, one in found.items()
    ]


def small_networks(result: Result) -> str:
    rows = [[name, *row] for name, found in result["networks"].items() for row in race(found)]
    head = ["network", "", "us per step", "over fused", "quartiles", "first call, s", "loss"]
    return table(head, rows)


def over_products(result: Result) -> str:
    """For the two races that have their products as a floor."""
    head = ["", "us per step", "over the products", "quartiles", "first call, s", "loss"]
    return table(head, race(result["contestants"]))


SECTIONS: dict[str, Callable[[Result], str]] = {
    "fashion_mnist": over_products,
    "small_networks": small_networks,
    "million_rows": over_products,
}
