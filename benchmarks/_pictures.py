"""The pictures of RESULTS.md, from the files in `results/`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from _sections import figure, read
from matplotlib.axes import Axes
from matplotlib.figure import Figure

IMAGES = Path(__file__).parent.parent / "docs" / "images"
OURS, THEIRS, FLOOR = "tab:blue", "tab:gray", "black"
ENGINES = ("fused", "scratch", "autograd", "nn")


def draw_all() -> None:
    """Writes both; the white card behind them is readable in dark pages too."""
    sizes_figure().savefig(IMAGES / "cost-against-size.png", dpi=110)
    race_figure().savefig(IMAGES / "benchmarks.png", dpi=110)


def race_figure() -> Figure:
    """A step of each contestant in each race, the fastest at the top."""
    small = read("small_networks")["networks"]
    races = {
        "784-256-10, batches of 256": read("fashion_mnist")["contestants"],
        "50-512-512-512-1, batches of 1024": read("million_rows")["contestants"],
        "2-8-1, all 200 rows": small["2-8-1"],
        "10-32-1, batches of 100": small["10-32-1"],
    }
    drawn = Figure(figsize=(12, 8.4), layout="constrained")
    for axes, (title, found) in zip(drawn.subplots(2, 2).flat, races.items(), strict=True):
        _bars(axes, title, found)
    return drawn


def _bars(axes: Axes, title: str, found: Mapping[str, Any]) -> None:
    """Bars from zero, or points on a logarithmic axis where the slowest takes more than ten times the fastest."""
    names = sorted(found, key=lambda name: -found[name]["seconds per step"]["median"])
    medians = [1e6 * found[name]["seconds per step"]["median"] for name in names]
    is_wide = max(medians) > 10 * min(medians)
    for place, (name, median) in enumerate(zip(names, medians, strict=True)):
        low, high = (1e6 * found[name]["seconds per step"][key] for key in ("low", "high"))
        color = OURS if name in ENGINES else THEIRS if "loss" in found[name] else FLOOR
        if is_wide:
            axes.plot(median, place, "o", color=color)
        else:
            axes.barh(place, median, color=color, height=0.7)
        axes.plot([low, high], [place, place], color="tab:red", linewidth=1.5)
        axes.annotate(f"  {figure(median)}", (max(median, high), place), va="center", fontsize=8)
    if is_wide:
        axes.set_xscale("log")
        axes.grid(axis="x", alpha=0.3)
        axes.margins(x=0.2)
    else:
        axes.set_xlim(0, 1.15 * max(medians))
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("microseconds of a step; red: quartiles", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def sizes_figure() -> Figure:
    """What a step costs against rows, width, networks, and different rows."""
    points, members = read("sizes")["points"], read("fleets")
    drawn = Figure(figsize=(11, 7.6), layout="constrained")
    rows, width, fleets, different = drawn.subplots(2, 2).flat
    _curves(rows, points["rows"], "rows", "rows (width 32)")
    _curves(width, points["width"], "width", "width (200 rows)")
    counts = sorted(int(key) for key in members if key.isdigit() and key != "1")
    per_fleet = [
        {
            "networks": count,
            "seconds": {who: of["median"] for who, of in members[str(count)]["seconds_per_network_and_step"].items()},
        }
        for count in counts
    ]
    _curves(fleets, per_fleet, "networks", "networks in the fleet (2-8-1)")
    fleets.set_ylabel("microseconds per network and step")
    if "different rows" in points:
        of_all = points["different rows"][0]["rows"]
        _curves(different, points["different rows"], "different", f"different rows among {of_all:,} (width 32)")
    else:
        different.set_axis_off()
    return drawn


def _curves(axes: Axes, points: list[dict[str, Any]], along: str, label: str) -> None:
    for name in dict.fromkeys(name for point in points for name in point["seconds"]):
        there = [point for point in points if name in point["seconds"]]
        axes.loglog(
            [p[along] for p in there], [1e6 * p["seconds"][name] for p in there], "o-", label=name, markersize=4
        )
    axes.set(xlabel=label, ylabel="microseconds per step")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=8)
