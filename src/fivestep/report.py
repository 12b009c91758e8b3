"""`report.html`: a run on one self-contained page: configuration, summary, pictures, its last update.

    run.path / "report.html"

Styles and pictures are embedded; there are no scripts, and nothing is fetched.
"""

import base64
import io
import shlex
import tomllib
from collections import deque
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from . import __version__
from .check import instances, refuse
from .datasets._base import Dataset
from .diagnosis import diagnosis_of
from .diagnosis._finding import figure
from .engines._engine import Engine
from .ensemble import num_members
from .explain import Section, explain, train_to
from .explain._html import NAMES, sections_html
from .find import Choice, build
from .machine.files import check_writable, unwritable, write_text
from .markup import around, element, page, table
from .pictures._base import Numbers, Picture, PictureOfNumbers, Subject, of_target_in_shell, picture_for, suited_kinds
from .pictures._landscape import needs_finite_loss
from .pictures._plot import subject_of
from .run import Run
from .saved.history import columns
from .scores import measured, written
from .table.words import in_line

AT_ONCE = (
    *(
        "curves",
        "boundary",
        "fitted_line",
        "confusion",
        "calibration",
        "predictions",
        "importance",
        "mistakes",
        "weight_images",
    ),
    *("sample_images", "points", "network", "autograd_graph"),
)
"""Pictures of every report, in this order, where they apply."""

OF_ONE_TARGET = ("confusion", "calibration", "predictions")
"""Those that show one of several targets."""

MOST_TARGETS = 4
"""Up to so many targets, each has such a picture of its own."""

BY_REPEATING = ("landscape_2d", "gradient_flow", "update_ratios", "activation_histograms")
"""Pictures for which the training is repeated, where that takes little time."""

QUICK = 2.0
"""Seconds of training up to which a report repeats it, once for each of these pictures."""

PATIENCE = 10.0
"""Seconds of training that are repeated at most to find the last update, if no state shortly before it is known."""

SMALL = 2_000_000
"""Parameters up to which earlier states are kept during training: two copies, with the update rule's memory."""

DPI = 130
"""Pixels per inch; the page shows 100, and a screen may have more."""

COLORS = 200
"""Colors in a picture on the page, for which a third of the bytes is enough."""


class State(NamedTuple):
    """An engine's state as it was after `num_updates` steps."""

    tensors: Mapping[str, Tensor]
    num_updates: int


@final
class Recent:
    """The states of an engine at its last two shown epochs, of which the earlier is close to the last update."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._states: deque[State] = deque(maxlen=2)
        self.note()

    def note(self) -> None:
        """Remembers the current state, unless the network is too large."""
        if self._engine.params.flat.numel() <= SMALL:
            self._states.append(State(self._engine.state(), self._engine.num_updates))

    def before(self, num_updates: int) -> State | None:
        """The latest state before that update, if there is one."""
        return next((state for state in reversed(self._states) if state.num_updates < num_updates), None)


def write_report(
    run: Run, data: Dataset | None = None, recent: Recent | None = None, out: str | Path | None = None
) -> Path:
    """Writes `report.html` into the run's folder, or to `out`, whole or not at all, and returns its path.

    `data` is what the run was trained on, if that is not a named task. With `recent`, the last update is found without
    training from the start. Raises an `InputError` if the data are not available, or the file cannot be written.
    """
    instances(run=(run, Run))
    path = Path(run.path / "report.html" if out is None else out)
    if path.suffix.lower() not in (".html", ".htm"):
        raise refuse("out", str(path), "a file that ends in .html for a report", "choose one")
    check_writable("out", path)
    page = report_html(run, subject_of(run, data), recent)
    try:
        write_text(path, page)
    except OSError as error:
        raise unwritable("out", path, error, "file") from error
    return path


def report_html(run: Run, subject: Subject, recent: Recent | None = None) -> str:
    """The page, as text."""
    update, learning = last_update(subject, recent), list(_diagnosis(run, subject))
    link = '<a href="#learning">Does it learn?</a> ' if learning else ""
    parts = [
        element("h1", subject.title),
        element("p", _summary(run, subject), css="soft"),
        f'<nav><a href="#results">Results</a> {link}<a href="#pictures">Pictures</a> '
        '<a href="#update">The last update</a> <a href="#configuration">Configuration</a></nav>',
        element("h2", "Results", id="results"),
        *_results(run, subject),
        *learning,
        element("h2", "Pictures", id="pictures"),
        *_pictures(subject),
        element("h2", "The five steps of the last update", id="update"),
        *_update(update, run),
        element("h2", "Configuration", id="configuration"),
        *_configuration(run),
        element("p", f"Written by fivestep {__version__}.", css="soft"),
    ]
    return page(subject.title, "\n".join(parts))


def last_update(subject: Subject, recent: Recent | None = None) -> tuple[int, list[Section]] | None:
    """The number of the run's last update and its five sections, with all rows of its batch.

    The steps before it are repeated, from the latest state in `recent`, else from the start. None if there was no
    update, if that would take too long, or if several networks were trained.
    """
    number, engine = subject.num_updates, subject.starting_engine()
    if number == 0 or num_members(engine.spec) > 1:
        return None
    state = recent.before(number) if recent is not None else None
    if state is not None and state.tensors.keys() == engine.state().keys():  # another engine may remember otherwise
        engine.load_state(state.tensors, state.num_updates)
    elif sum(epoch.seconds for epoch in subject.history) > PATIENCE:
        return None
    upcoming = train_to(engine, subject.data, engine.plan, number, subject.history)
    return number, explain(engine, upcoming.batch.copied())


def _summary(run: Run, subject: Subject) -> str:
    """The run in one sentence."""
    last, seconds = subject.history[-1] if subject.history else None, sum(one.seconds for one in subject.history)
    done = (
        f"{last.index:,} epochs, {last.step:,} updates in {seconds:.2f} s of training" if last else "no epoch evaluated"
    )
    engine = f"{run.engine.choice}, {run.engine.dtype_name} on {run.engine.device}"
    return f"{run.spec.num_parameters:,} parameters; {done}; engine {engine}; {run.path}"


def _results(run: Run, subject: Subject) -> Iterator[str]:
    """The figures of each part; then, for several targets, those of each on the last part."""
    parts = {"train": subject.data.train, "valid": subject.data.valid, "test": subject.data.test}
    scores = {part: (len(rows), measured(run, rows)) for part, rows in parts.items() if rows is not None}
    figures = {part: score.whole.figures() for part, (_, score) in scores.items()}
    names = list(dict.fromkeys(name for of in figures.values() for name, value in of.items() if value is not None))
    unit = f" ({subject.loss_unit})" if subject.loss_unit else ""
    head = ["", "rows", *(name + unit if name == "loss" else name for name in names)]
    rows = [
        [part, f"{count:,}", *(written(name, figures[part].get(name)) for name in names)]
        for part, (count, _) in scores.items()
    ]
    yield table(head, rows, numbers=range(1, len(head)))
    part, (_, score) = list(scores.items())[-1]
    if score.of_targets:
        names, rows = score.by_target()
        yield element("p", score.of_means(), css="soft")
        yield table([f"{part}, by target", *names], rows, numbers=range(1, len(names) + 1))


def _diagnosis(run: Run, subject: Subject) -> Iterator[str]:
    """The diagnosis, if it is quick; else how to ask for one."""
    if num_members(run.spec) > 1 or (not subject.is_trained and needs_finite_loss(subject) is None):
        return
    yield element("h2", "Does it learn?", id="learning")
    if not subject.is_trained:
        words = (
            "It ended before its first evaluation, with weights whose loss is not finite. To see what keeps it finite: "
        )
        yield around("p", words + element("code", _command("diagnose", run.path)))
        return
    if sum(epoch.seconds for epoch in subject.history) > QUICK:
        yield around("p", "To look for what keeps it from learning: " + element("code", _command("diagnose", run.path)))
        return
    found = diagnosis_of(subject)
    guess = f"The best answer that is the same for every row has the training loss {figure(found.constant_loss)}."
    yield element("p", guess if found.findings else f"{guess} Nothing was found that keeps it from learning.")
    items = [around("li", f"{element('b', one.sign)}: {escape(f'{one.seen} {one.advice}')}") for one in found.findings]
    yield from [around("ol", "\n".join(items))] if items else []


def _command(name: str, run: str | Path) -> str:
    """The command with that name for a run, as it is typed."""
    return shlex.join(["fivestep", name, str(run)])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _pictures(subject: Subject) -> Iterator[str]:
    """The pictures that apply, each with a caption."""
    suited = set(suited_kinds(subject))
    quick = sum(epoch.seconds for epoch in subject.history) <= QUICK
    for name in (*AT_ONCE, *(BY_REPEATING if quick else ())):
        if name.replace("_", "-") in suited and not (name == "points" and "boundary" in suited):  # it has the points
            yield _figure(subject, picture_for(subject, name))
        elif name in OF_ONE_TARGET and subject.is_trained:
            yield from _by_target(subject, name)


def _by_target(subject: Subject, name: str) -> Iterator[str]:
    """A picture for each of several targets, or for the first of many; none if it does not apply to them."""
    encoder = subject.data.encoder
    targets = encoder.targets.names if encoder is not None and encoder.targets.are_several else ()
    pictures = {target: build("pictures", Choice(name, target=target)) for target in targets}
    suited = [target for target, picture in pictures.items() if picture.lacks(subject) is None]
    for target in suited[:MOST_TARGETS]:
        yield _figure(subject, pictures[target], of=in_line(target))
    if others := suited[MOST_TARGETS:]:
        command = element("code", f"{_command('plot', subject.name)} {of_target_in_shell(name, others[0])}")
        yield around("p", f"Of the other {len(others):,}: {command}")


def _figure(subject: Subject, picture: Picture, of: str = "") -> str:
    """One picture with its caption, of one target or of all, and its numbers if they are few."""
    numbers = picture.numbers(subject) if isinstance(picture, PictureOfNumbers) else {}
    if isinstance(picture, PictureOfNumbers):
        png = _png(picture.draw_numbers(subject, numbers, title="", dark=False))
    else:
        png = _png(picture.draw(subject, title="", dark=False))
    what = f"{picture.description[0].upper()}{picture.description[1:].partition(' (also')[0]}"
    words = f"{of}: {what[0].lower()}{what[1:]}." if of else f"{what}."
    image = f'<img src="{png.address}" alt="{escape(words)}" width="{png.width}" height="{png.height}">'
    return around("figure", f"{image}\n{element('figcaption', words)}{_numbers(numbers)}")


def _numbers(numbers: Numbers) -> str:
    """The numbers of a picture as a collapsed table; empty if there are none."""
    if not numbers:
        return ""
    figures = list(next(iter(numbers.values())))
    rows = [[in_line(name), *(_number(of[figure]) for figure in figures)] for name, of in numbers.items()]
    in_words = table(["", *figures], rows, numbers=range(1, len(figures) + 1))
    return around("details", f"{element('summary', 'The numbers')}\n{in_words}")


class _Png(NamedTuple):
    address: str
    width: int
    height: int


def _png(figure: Figure) -> _Png:
    """The picture as a data URL, and its size on the page in pixels."""
    figure.set_dpi(DPI)
    canvas, small = FigureCanvasAgg(figure), io.BytesIO()
    canvas.draw()  # draws once; `savefig` would draw twice, once for the layout
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    image.quantize(COLORS, Image.Quantize.MAXCOVERAGE).save(small, format="PNG")
    text = base64.b64encode(small.getvalue()).decode()
    return _Png(f"data:image/png;base64,{text}", *(round(size * 100 / DPI) for size in image.size))


def _update(update: tuple[int, list[Section]] | None, run: Run) -> list[str]:
    if update is None and not run.history:
        return [element("p", "It is shown of runs with an epoch that was evaluated.")]
    if update is None and num_members(run.spec) > 1:
        return [element("p", "Each of the networks had its own.")]
    if update is None:
        words = "To see it, the whole training has to be done again, which takes a while: "
        return [around("p", words + element("code", _command("explain", run.path)))]
    number, sections = update
    words = f"Update {number:,}, with every tensor; of wide ones the range, the mean and the corners."
    return [element("p", f"{words} {NAMES}", css="soft"), sections_html(sections)]


def _configuration(run: Run) -> Iterator[str]:
    """The run's settings, and the history of its epochs."""
    for name, values in tomllib.loads((run.path / "config.toml").read_text(encoding="utf-8")).items():
        if isinstance(values, Mapping):
            rows = [[key, _text(value)] for key, value in values.items() if value not in (None, (), [], {})]
            yield element("h4", name)
            yield table(("", ""), rows)
    shown = {name: list(values) for name, values in columns(run.history).items() if any(v is not None for v in values)}
    rows = [[_cell(value) for value in row] for row in zip(*shown.values(), strict=True)]
    yield around("details", f"<summary>History</summary>\n{table(list(shown), rows, range(len(shown)))}")


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
