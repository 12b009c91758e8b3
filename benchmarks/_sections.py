"""What the files in `results/` say, as Markdown: printed after a measurement, and put into the pages.

One function for each section of a page, by its name, which is that of a file or has one in `FILES`. Nothing here
measures.
"""

import json
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from _measure import RESULTS, table

Result = Mapping[str, Any]


def read(name: str, folder: Path = RESULTS) -> dict[str, Any]:
    """The file that a benchmark has kept."""
    found: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return found


def section(name: str) -> str:
    """What a page says of a file: the tables, and below them how they came to be."""
    result = read(FILES.get(name, name))
    return f"{SECTIONS[name](result)}\n\n{circumstances(result)}"


def show(name: str) -> None:
    """Prints it."""
    print(f"\n{section(name)}\n\nKept in {RESULTS / f'{FILES.get(name, name)}.json'}")


def circumstances(result: Result) -> str:
    """Date, machine, threads, versions and number of measurements, in one line."""
    number = next((f"{result[key]} {key}, " for key in ("rounds", "processes", "splits") if key in result), "")
    packages = {name: of for name, of in result["packages"].items() if of != "not installed"}
    versions = ", ".join(f"{name} {version}" for name, version in packages.items())
    threads = "one thread" if result["threads"] == 1 else f"{result['threads']} threads"
    machine = f"{result['processor']}, {result['cores']} cores, {threads}"
    return f"<sub>{result['date']}: {number}{machine}; Python {result['python']}, {versions}.</sub>"


def figure(value: float) -> str:
    """Three digits, without a power of ten."""
    if value >= 1000:
        return f"{round(value, 2 - len(str(int(value))) + 1):,.0f}"
    return f"{value:.3g}" if value >= 100 else f"{value:#.3g}"


def milliseconds(seconds: float) -> str:
    return f"{figure(1e3 * seconds)} ms"


def microseconds(of: Result) -> str:
    return figure(1e6 * of["median"])


def quartiles(of: Result) -> str:
    return f"{figure(of['low'])} to {figure(of['high'])}"


def ratio(of: Result) -> list[str]:
    """Median and quartiles, as two cells."""
    return [figure(of["median"]), quartiles(of)]


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


def over_products(result: Result) -> str:
    """The two races that have their matrix products as a floor."""
    head = ["", "us per step", "over the products", "quartiles", "first call, s", "loss"]
    return table(head, race(result["contestants"]))


def larger(result: Result) -> str:
    rows = [
        [regime, who, *ratio(over), figure(of["least"][who])]
        for regime, of in result["regimes"].items()
        for who, over in of["over_products"].items()
    ]
    return table(["", "", "over the products", "quartiles", "shortest over shortest"], rows)


def zeros(result: Result) -> str:
    """A row for each network, a column for each share of zeros."""
    networks = result["networks"]
    shares = list(next(iter(networks.values())))
    rows = [[name, *(figure(of[share]["median"]) for share in shares)] for name, of in networks.items()]
    return table(["zeros", *(f"{float(share):.0%}" for share in shares)], rows)


def forms(result: Result) -> str:
    """What a step of each network takes with all forms of the compiled engine, and without one of them."""
    rows = [[name, *row[:4]] for name, found in result["networks"].items() for row in race(found)]
    return table(["network", "fused", "us per step", "over all forms", "quartiles"], rows)


def small_networks(result: Result) -> str:
    rows = [[name, *row] for name, found in result["networks"].items() for row in race(found)]
    return table(["network", "", "us per step", "over fused", "quartiles", "first call, s", "loss"], rows)


def options(result: Result) -> str:
    """What each option costs, ours beside a plain loop's."""
    rows = [
        [
            recipe,
            title,
            microseconds(of["ours"]["seconds per step"]) + ("" if of["engine"] == "fused" else f" ({of['engine']})"),
            *ratio(of["ours"]["over plain"]),
            *_loop_with_option(of),
        ]
        for recipe, found in result["recipes"].items()
        for title, of in found.items()
    ]
    head = [
        "recipe",
        "with",
        "ours, us per step",
        "over plain",
        "quartiles",
        "a PyTorch loop's",
        "over its plain",
        "loop / ours",
    ]
    return table(head, rows)


def _loop_with_option(of: Result) -> list[str]:
    """What a plain loop takes with an option, over its plain step and over ours; nothing where torch has it not."""
    if "loop" not in of:
        return ["", "", ""]
    loop = of["loop"]
    medians = loop["over plain"]["median"], of["loop over ours"]["median"]
    return [microseconds(loop["seconds per step"]), *map(figure, medians)]


def fleets(result: Result) -> str:
    rows = [
        [f"{int(count):,}", who, microseconds(found["seconds_per_network_and_step"][who]), *ratio(over)]
        for count, found in result.items()
        if count.isdigit() and count != "1"
        for who, over in found["over"].items()
    ]
    head = ["networks", "", "us per network and step", "over fit_many", "quartiles"]
    alone = result["1"]["over"]["fit_many"]
    of_one = f"A fleet of one takes {figure(alone['median'])} of the single engine ({quartiles(alone)})."
    return f"{table(head, rows)}\n\n{of_one}"


def prediction(result: Result) -> str:
    names = {"one row": "one row, 2-8-1, one thread", "batch": "60,000 rows, 784-256-10"}
    rows = [
        [what, who, microseconds(result[key]["seconds"][who]), *ratio(over)]
        for key, what in names.items()
        for who, over in result[key]["over"].items()
    ]
    return table(["", "", "us", "over engine.predict", "quartiles"], rows)


def sizes(result: Result) -> str:
    """Curves as tables: sizes of network and table, then different rows among a fixed number."""
    points = [(along, p) for along, some in result["points"].items() for p in some if "width" in p]
    names = list(points[0][1]["seconds"])
    says = "auto" in points[0][1]
    rows = [
        [along, f"{p['rows']:,}", f"{p['width']:,}", figure(p["operations"] / 1e6)]
        + [figure(1e6 * p["seconds"][name]) for name in names]
        + ([p["auto"]] if says else [])
        for along, p in points
    ]
    head = ["along", "rows", "width", "million operations", *(f"{name}, us" for name in names)]
    lines = [table([*head, "`auto` takes"] if says else head, rows), ""]
    lines += [_meetings("scratch", result["crossings"])]
    if "of bodies" in result:
        lines += [_meetings("fused, larger", result["of bodies"])]
    if "different rows" in result["points"]:
        lines += ["", _merged(result["points"]["different rows"])]
    return "\n".join(lines)


def _meetings(other: str, crossings: dict[str, float | None]) -> str:
    def place(meeting: float | None) -> str:
        if not meeting:
            return "at none of these sizes"
        digits = 0 if meeting > 1e7 else 1
        return f"{meeting / 1e6:.{digits}f} million operations of a step"

    places = "; ".join(f"{along}: {place(meeting)}" for along, meeting in crossings.items())
    return f"Where `fused` and `{other}` take the same time: {places}."


def _merged(points: list[dict[str, Any]]) -> str:
    names = list(points[0]["seconds"])
    rows = [
        [f"{p['different']:,}", f"{p['rows']:,}", figure(1e3 * p["merging"])]
        + [figure(1e6 * p["seconds"][name]) for name in names]
        for p in points
    ]
    return table(["different rows", "of", "merging once, ms", *(f"{name}, us" for name in names)], rows)


def products(result: Result) -> str:
    rows = [[size, *ratio(of)] for size, of in result["fivestep / torch.mm"].items()]
    chosen = "oneDNN" if result["onednn_is_faster"] else "torch.mm's own"
    return f"{table(['rows x inputs -> outputs', 'over torch.mm', 'quartiles'], rows)}\n\nLibrary chosen: {chosen}."


def checkpoints(result: Result) -> str:
    rows = [
        [
            name,
            f"{of['share']['median']:.2f} %",
            f"{of['share']['low']:.2f} to {of['share']['high']:.2f} %",
            str(of["written"]),
        ]
        for name, of in result["cost"].items()
    ]
    return table(["", "share of the training time", "quartiles", "written"], rows)


def ranks(result: Result) -> str:
    rows = [
        [case["case"], who, f"{of['rows per second']:,.0f}", *ratio(of["over one rank"])]
        for case in result["cases"]
        for who, of in case["contestants"].items()
    ]
    rows += [
        [f"{of['networks']} networks 2-8-1, {of['steps']:,} steps", who, "", *ratio(of[key])]
        for of in result.get("fleets", [])
        for who, key in (("two ranks", "over one rank"), ("two processes that do not meet", "apart"))
        if key in of
    ]
    return table(["work", "", "rows per second", "over one rank", "quartiles"], rows)


def ranks_model(result: Result) -> str:
    """What the model of the cost says of two ranks beside what they took, and the numbers that were fitted to others.

    Two ranks pay from the batch of B rows on for which a + b B = (a + b B / 2) (1 + w) + c + d (bytes).
    """
    held, fitted = [], []
    for case in result["cases"]:
        a, b = case["work"]["a"], case["work"]["b"]
        for way, title, who in WAYS:
            w, c, d = (case["sums"][way][name] for name in "wcd")
            model, step = case["predicted"][way], case["contestants"][who]["seconds per step"]["median"]
            held.append(
                [case["case"], title, milliseconds(model), milliseconds(step), f"{100 * model / step - 100:+.0f} %"]
            )
            pays_from = (a * w + c + d * 4 * case["parameters"]) / (b * (1 - w) / 2)
            of_rows, of_sums = (milliseconds(a), f"{1e6 * b:.2g} us"), (f"{100 * w:.1f} %", milliseconds(c))
            sums = [
                *of_sums,
                f"{1e9 * d:.2g} ms",
                f"{pays_from:.2g} rows" if pays_from < 100 else f"{round(pays_from, -1):,.0f} rows",
            ]
            fitted.append([case["case"].partition(",")[0], title, *of_rows, *sums])
    one = table(["work", "sum through", "the model says", "measured", "off by"], held)
    return f"{one}\n\n" + table(["fitted", "sum through", "a", "b, a row", "w", "c", "d, a MB", "two pay from"], fitted)


def processes(result: Result) -> str:
    """Seconds of whole processes, by what they did."""
    rows = [[name, figure(of["median"]), quartiles(of)] for name, of in result["seconds"].items()]
    return table(["from start to end of a process", "seconds", "quartiles"], rows)


def doctor(result: Result) -> str:
    """Microseconds of a step, alone and watched."""
    rows = [
        [name, str(of["rows"]), *(f"{figure(of[way]['median'])} ({quartiles(of[way])})" for way in WATCHED)]
        for name, of in result["microseconds"].items()
    ]
    return table(["network", "rows", *(f"{WATCHED[way]}, us a step" for way in WATCHED)], rows)


WATCHED = {"alone": "alone", "looked at": "a step that is looked at", "a thousand": "a run of 1,000 steps under watch"}
"""How a loop was watched, in the file and in the table."""


def image(result: Result) -> str:
    rows = []
    for variant in dict.fromkeys(run["variant"] for run in result["runs"]):
        runs = [run for run in result["runs"] if run["variant"] == variant]
        scores = [run["test_accuracy"] for run in runs]
        between = f"{min(scores):.4f} to {max(scores):.4f}"
        seconds = f"{statistics.mean(run['seconds'] for run in runs):,.0f}"
        devices = ", ".join(dict.fromkeys(run["device"] for run in runs))
        rows.append([variant, str(len(runs)), f"{statistics.mean(scores):.4f}", between, seconds, devices])
    tested = table(["Fashion-MNIST, test part", "seeds", "accuracy", "least and most", "seconds", "on"], rows)
    chosen = [
        [", ".join(f"{name} {value}" for name, value in run["settings"].items()), f"{run['accuracy']:.4f}"]
        for run in sorted(result["validation"], key=lambda run: -run["accuracy"])
    ]
    return tested + "\n\n" + table(["settings, by 10,000 rows held out of training", "accuracy"], chosen)


def estimators(result: Result) -> str:
    tables = result["tables"]
    rows = []
    for learner in next(iter(tables.values())):
        means = [max(statistics.mean(of[learner]["error"]), 1e-3) for of in tables.values()]
        seconds = sum(statistics.median(of[learner]["seconds"]) for of in tables.values())
        errors = [f"{mean:.4f}" for mean in means]
        rows.append([learner, *errors, f"{statistics.geometric_mean(means):.4f}", f"{seconds:.1f}"])
    return table(["mean error", *tables, "geometric mean", "seconds"], rows)


def reader(result: Result) -> str:
    rows = [
        [name, who, f"{speed['median'] / 1e6:.2f}", *ratio(of["time_over_pyarrow"][who])]
        for name, of in result.items()
        if isinstance(of, dict) and "rows_per_second" in of
        for who, speed in of["rows_per_second"].items()
    ]
    return table(["Parquet", "", "million rows a second", "time over pyarrow's", "quartiles"], rows)


def epoch(result: Result) -> str:
    races = {"50-512-512-512-1": result, "50-16-1": result.get("small", {})}
    rows = [
        [network, name, figure(1e3 * of["seconds"][name]["median"]), *ratio(over)]
        for network, of in races.items()
        for name, over in of.get("over_memory", {}).items()
    ]
    return table(["", "an epoch from", "ms", "over memory", "quartiles"], rows)


def shuffle(result: Result) -> str:
    rows = [
        [name, f"{of['deviation_of_shares']:.4f}", f"{of['mean_displacement']:.3f}", f"{of['loss']:.4f}"]
        for name, of in result.items()
        if isinstance(of, dict) and "mean_displacement" in of
    ]
    return table(["", "deviation of a class's share", "mean displacement", "loss"], rows)


def activations(result: Result) -> str:
    rows = [[name, *ratio(of)] for name, of in result["by hand / torch"].items()]
    return table(["activation", "by hand over torch", "quartiles"], rows)


def gpu(result: Result) -> str:
    """A table of each regime, and what the block reaches of the device's own rate."""
    titles = {
        "a": "784-256-10",
        "e": "a million rows, 512-512-512",
        "d": "4096-14336-4096, 8,192 tokens",
    }
    rows = [[titles[regime], *row] for regime, of in result["regimes"].items() for row in race(of["contestants"])]
    lines = [table(["on one device", "", "us per step", "over ours", "quartiles", "first call, s", "loss"], rows)]
    block = result["regimes"].get("d", {})
    if "share of the square product's rate" in block:
        share, rate = block["share of the square product's rate"], block["square product, operations per second"]
        lines += [
            "",
            f"The block's products, update and all: {figure(share['median'])} of the rate of a square product of 8,192 "
            f"({quartiles(share)}), which is {figure(rate / 1e12)} million million operations a second.",
        ]
    return "\n".join([*lines, "", f"Device: {result['card']}, CUDA {result['cuda']}."])


def gpu_fleets(result: Result) -> str:
    """A row for each network and size of a fleet."""
    sizes = [(name, size) for name in ("2-8-1", "10-32-1") if name in result for size in result[name] if size.isdigit()]
    with_jax = ["JAX jit(vmap(scan)), us a step"] * any("jax" in result[name][size] for name, size in sizes)
    rows = []
    for name, size in sizes:
        of, alone = result[name][size], result[name]["alone"]
        times = [figure(of["times_faster"][key]) for key in ("steps", "fit_many")]
        jax = [figure(1e6 * of["jax"]) if "jax" in of else "" for _ in with_jax]
        rows.append(
            [name, f"{int(size):,}", *(figure(1e6 * one) for one in (alone, of["steps"], of["fit_many"])), *times, *jax]
        )
    head = [
        "",
        "networks",
        "one alone, us a step",
        "all, us a step",
        "all of fit_many, us a step",
        "times faster",
        "fit_many",
        *with_jax,
    ]
    return f"{table(head, rows)}\n\nDevice: {result['device']}; {result['steps']:,} steps each."


WAYS = (("memory", "shared memory", "two ranks"), ("gloo", "gloo, loopback", "two ranks through gloo"))
"""How ranks add up: its name in the file, in the table, and that of the contestants."""

FILES = {"ranks_model": "ranks"}
"""The files of sections that have another name."""

SECTIONS: dict[str, Callable[[Result], str]] = {
    "fashion_mnist": over_products,
    "products": products,
    "small_networks": small_networks,
    "options": options,
    "cold": processes,
    "fleets": fleets,
    "million_rows": over_products,
    "larger": larger,
    "zeros": zeros,
    "forms": forms,
    "prediction": prediction,
    "startup": processes,
    "doctor": doctor,
    "sweep": processes,
    "sizes": sizes,
    "checkpoints": checkpoints,
    "ranks": ranks,
    "ranks_model": ranks_model,
    "streaming_reader": reader,
    "streaming_epoch": epoch,
    "streaming_shuffle": shuffle,
    "image": image,
    "estimators": estimators,
    "activations": activations,
    "gpu": gpu,
    "gpu_fleets": gpu_fleets,
}
