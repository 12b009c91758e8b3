"""The subject of `fivestep explain` and `fivestep plot`: a run, or a task with a network that is not yet trained."""

from pathlib import Path

from ..check import InputError, refuse
from ..engines._make import make_engine
from ..find import shown_names
from ..pictures._base import Subject
from ..pictures._plot import subject_of
from ..run import Run
from ._options import NetworkOptions, PlanOptions
from ._task import FOR_FILES, prepare


def subject(
    source: str, network: NetworkOptions, plan: PlanOptions, data_dir: Path | None, dtype: str | None = None
) -> Subject:
    """A run, or a task with the network and the plan that the options ask for."""
    if Path(source, "config.toml").is_file():
        if network != NetworkOptions() or plan != PlanOptions() or dtype is not None:
            raise InputError(
                f"options of network and training must be left out for a run, which has its own, got some for "
                f"{source!r}; give a task's name to look at another network."
            )
        run = Run.load(source, "cpu")
        return subject_of(run, data_dir=data_dir)
    name = source.replace("_", "-")
    if name not in shown_names("datasets"):
        if _is_table(Path(source)):
            raise refuse("the source", source, "a run's folder or a task's name", FOR_FILES)
        return subject_of(source)  # raises the error
    prepared = prepare(name, network, plan, data_dir=data_dir)
    engine = make_engine("scratch", prepared.spec, prepared.plan, dtype=dtype or "float32", device="cpu")
    return Subject(engine, prepared.data, name=name)


def _is_table(path: Path) -> bool:
    """Whether it is a file, or has the name of a table file."""
    from ..table.read import FORMATS  # imported here because it needs polars

    return path.is_file() or path.suffix.lower() in FORMATS
