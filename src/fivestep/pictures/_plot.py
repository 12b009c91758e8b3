"""A picture of a run, of a task, or of an engine and its data: `fs.plot(run, "boundary")`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path

from matplotlib.figure import Figure

from ..check import InputError, instances, nearest, one_of, refuse
from ..datasets._base import Dataset, Task
from ..datasets._load import load_dataset
from ..engines._engine import Engine
from ..engines._make import make_engine
from ..find import Choice, build, find, shown_names
from ..fleet.member import Member
from ..machine.files import check_writable, replacing, unwritable, write_text
from ..plots._animation import write_gif
from ..recipes._base import Recipe
from ..run import Run
from ._base import MovingPicture, Numbers, Picture, PictureOfNumbers, Subject, picture_for
from .autograd_graph import AutogradGraph

Source = Run | Member | Engine | str | Path
FORMATS = ("png", "svg", "pdf", "gif", "mmd")
DPI = 150


def plot(
    source: Source | Sequence[Source] | Mapping[str, Source],
    kind: str | Choice = "curves",
    *,
    data: Dataset | None = None,
    title: str = "",
    dark: bool = False,
    out: str | Path | None = None,
) -> Figure:
    """The picture of that kind, as a matplotlib `Figure`; with `out`, it is written to that file too.

    `source` is a run or its folder, a network of `fit_many`, the name of a task (drawn with its reference network,
    untrained), or an engine, which needs its `data`; a list of runs or networks for "side_by_side", or a dictionary of
    them by what they are to be called. A kind takes options as everything does, "boundary:features=(0,2),row=5";
    `fivestep plot RUN` lists the kinds. `out` ends in .png, .svg or .pdf, in .gif for a boundary in motion, or in .mmd
    for the text of an autograd graph. Raises an `InputError` where the picture does not apply, which names those that
    do.
    """
    if isinstance(source, Mapping):
        subjects = [replace(subject_of(one, data), label=label) for label, one in source.items()]
    else:
        several = list(source) if isinstance(source, Sequence) and not isinstance(source, str) else [source]
        subjects = [subject_of(one, data) for one in several]
    return draw(subjects, kind, title=title, dark=dark, out=out)


def draw(
    subjects: Sequence[Subject],
    kind: str | Choice,
    *,
    title: str = "",
    dark: bool = False,
    out: str | Path | None = None,
) -> Figure:
    """The same for subjects that are ready."""
    return draw_and_tell(subjects, kind, title=title, dark=dark, out=out)[0]


def draw_and_tell(
    subjects: Sequence[Subject],
    kind: str | Choice,
    *,
    title: str = "",
    dark: bool = False,
    out: str | Path | None = None,
) -> tuple[Figure, Numbers]:
    """The picture and its numbers, where they are few enough to be read; else none."""
    if not subjects:
        raise refuse("source", [], "at least one run or network", "pass those that are to be drawn")
    first, *others = subjects
    choice = known_kind(kind)
    if choice.name == "side_by_side":
        choice = Choice(choice.name, others=tuple(others), **choice.options)
    elif others:
        raise refuse("the picture of several runs", str(choice), "'side-by-side'", "draw any other one run by run")
    path = None if out is None else Path(out)
    if path is not None:
        _check_format(path, build("pictures", choice))
        check_writable("out", path)
    picture = picture_for(first, choice)
    numbers: Numbers = {}
    if isinstance(picture, PictureOfNumbers):
        numbers = picture.numbers(first)
        figure = picture.draw_numbers(first, numbers, title=title, dark=dark)
    else:
        figure = picture.draw(first, title=title, dark=dark)
    if path is not None:
        _write(path, picture, first, figure, {"title": title, "dark": dark})
    return figure, numbers


def known_kind(kind: str | Choice) -> Choice:
    """The kind with its options; raises an `InputError` that suggests the nearest one."""
    choice = Choice.parse(kind)
    one_of("picture", choice.name.replace("_", "-"), [name.replace("_", "-") for name in shown_names("pictures")])
    return choice


def subject_of(source: Source, data: Dataset | None = None, data_dir: Path | None = None) -> Subject:
    """What is drawn: a run with its history, its files from `data_dir` if they are there, or a network as it starts."""
    if data is not None:
        instances(data=(data, Dataset))
    if isinstance(source, Engine):
        if data is None:
            raise refuse("data", None, "the data of the engine", "pass data=..., as to train")
        return Subject(source, data, name=data.name)
    if isinstance(source, Member):
        name = f"seed {source.plan.seed}"
        return Subject(source.engine, source.data if data is None else data, tuple(source.history), name)
    if isinstance(source, Run):
        return _of_run(source, data, data_dir)
    if not isinstance(source, str | PathLike):
        raise InputError(
            f"source must be a run, its folder, a task's name, a network of fit_many or an engine, got "
            f"{type(source).__name__}; of rows of your own, train a run with fivestep.fit, and of an estimator, pass "
            f"model.engine_, and model.dataset(X, y) as its data."
        )
    path = Path(source)
    if (path / "config.toml").is_file():
        return _of_run(Run.load(path, device="cpu"), data)
    name = str(source).replace("_", "-")
    if name in shown_names("datasets"):
        return _of_task(name)
    guess = nearest(path.name, shown_names("datasets"))
    advice = f"did you mean {guess!r}?" if guess else "see ls runs, and fivestep tasks."
    raise InputError(f"the source must be a run's folder or a task's name, got {str(source)!r}; {advice}")


def _of_run(run: Run, data: Dataset | None, data_dir: Path | None = None) -> Subject:
    if data is None:
        if "table" not in run.info and run.info["task"] not in shown_names("datasets"):
            raise refuse("data", None, f"given for a run on {run.info['task']!r}, which is no task", "pass data=...")
        data = run.load_data(data_dir)
        data = data.unique() if "rows_before_merging" in run.info else data
    return Subject(run.engine, data, tuple(run.history), str(run.path))


def _of_task(name: str) -> Subject:
    task: Task = find("datasets", name)()
    recipe: Recipe = find("recipes", "plain")()
    model = next(iter(task.models))
    spec, plan = recipe.prepare(model, task.settings_for(model))
    data = load_dataset(name, seed=plan.seed)
    return Subject(make_engine("scratch", plan.sized(spec, data), plan, device="cpu"), data, name=name)


def _check_format(path: Path, picture: Picture) -> None:
    """Raises an `InputError` if the file's ending is none that this picture can have."""
    suffix = path.suffix.lower().removeprefix(".")
    able = {"gif": isinstance(picture, MovingPicture), "mmd": isinstance(picture, AutogradGraph)}
    if suffix not in FORMATS or not able.get(suffix, True):
        known = ", ".join(f".{name}" for name in FORMATS if able.get(name, True))
        raise InputError(f"out must end in one of {known} for this picture, got {path.name!r}; choose one of them.")


def _write(path: Path, picture: Picture, subject: Subject, figure: Figure, look: dict[str, object]) -> None:
    suffix = path.suffix.lower().removeprefix(".")
    try:
        if isinstance(picture, AutogradGraph) and suffix == "mmd":
            write_text(path, picture.graph(subject).mermaid())
            return
        with replacing(path) as temporary:
            if isinstance(picture, MovingPicture) and suffix == "gif":
                write_gif(picture.frames(subject, **look), temporary)  # type: ignore[arg-type]  # title and dark
            else:
                figure.savefig(temporary, format=suffix, dpi=DPI)
    except OSError as error:
        raise unwritable("out", path, error, "file") from error
