"""The options of `fivestep train`, in the groups in which the help shows them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from shlex import quote
from typing import Annotated, Any, Literal, final, get_type_hints

from cyclopts import Group, Parameter

from ..check import at_least, refuse
from ..find import Choice, names
from ..net import norm_names
from ._values import whole

NETWORK = Group("Network", sort_key=1)
PLAN = Group("Training", sort_key=2)
RUN = Group("Run", sort_key=3)


def _listed(family: str) -> str:
    return ", ".join(names(family))


def _several(help_text: str, converter: Any = None) -> Parameter:
    return Parameter(help=help_text, consume_multiple=True, negative="", converter=converter)


@final
@Parameter(name="*", group=NETWORK)
@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """What is trained. Each option left out keeps the task's own setting."""

    model: Annotated[
        str | None, Parameter(help="linear, softmax or mlp, as the task has it, or feed-forward (a transformer's).")
    ] = None
    hidden: Annotated[tuple[int, ...] | None, _several("Widths of the hidden layers.", whole)] = None
    activation: Annotated[
        tuple[str, ...] | None, _several(f"One, or one for each hidden layer, of: {_listed('activations')}.")
    ] = None
    norm: Annotated[
        tuple[str, ...] | None, _several(f"One, or one for each hidden layer, of: none, {', '.join(norm_names())}.")
    ] = None
    dropout: Annotated[
        tuple[float, ...] | None,
        _several("Probability of dropping a hidden unit, in [0, 1); one, or one for each."),
    ] = None
    gated: Annotated[bool | None, Parameter(help="The gated form of feed-forward blocks.", negative="")] = None
    residual: Annotated[
        bool | None, Parameter(help="Add its input to each hidden layer as wide as the one before.", negative="")
    ] = None
    init: Annotated[str | None, Parameter(help=f"Initial weights, one of: {_listed('inits')}.")] = None
    augment: Annotated[
        str | None, Parameter(help="With --recipe image: change the images in training, as in shift_and_flip:shift=2.")
    ] = None


@final
@Parameter(name="*", group=PLAN)
@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """How it is trained. Each option left out keeps the task's own setting."""

    loss: Annotated[str | None, Parameter(help=f"One of: {_listed('losses')}; options as in huber:delta=2.")] = None
    optimizer: Annotated[str | None, Parameter(help=f"One of: {_listed('optim')}; options as in adam:eps=1e-6.")] = None
    lr: Annotated[float | None, Parameter(help="Learning rate, per step.")] = None
    momentum: Annotated[float | None, Parameter(help="Momentum, in [0, 1).")] = None
    nesterov: Annotated[bool | None, Parameter(help="Nesterov's momentum.", negative="")] = None
    weight_decay: Annotated[float | None, Parameter(help="Weight decay, per step.")] = None
    lr_factors: Annotated[
        tuple[str, ...] | None,
        Parameter(
            name="--lr-factor",
            help="NAME=FACTOR: another learning rate for a parameter (0.bias), a name (bias) or a layer (layer_norm).",
            consume_multiple=True,
            negative="",
        ),
    ] = None
    no_decay: Annotated[tuple[str, ...] | None, _several("Parameters, named as above, without weight decay.")] = None
    ema: Annotated[
        float | None, Parameter(help="Predict with a moving average of the weights that keeps this share, in [0, 1).")
    ] = None
    schedule: Annotated[str | None, Parameter(help=f"Of the learning rate, one of: {_listed('schedules')}.")] = None
    batch_size: Annotated[int | Literal["full"] | None, Parameter(help="Rows per step, or full.", converter=whole)] = (
        None
    )
    micro_batch_size: Annotated[
        int | None, Parameter(help="Rows per part of a step; gradients add up.", converter=whole)
    ] = None
    epochs: Annotated[int | None, Parameter(help="Passes over the training rows.", converter=whole)] = None
    seed: Annotated[int | None, Parameter(help="Of every random draw.", converter=whole)] = None
    clip_norm: Annotated[float | None, Parameter(help="Largest norm of the gradient.")] = None
    clip_value: Annotated[float | None, Parameter(help="Largest element of the gradient.")] = None
    class_weight: Annotated[
        tuple[Literal["balanced"] | float, ...] | None,
        Parameter(help="balanced, or the weight of each class in training.", consume_multiple=True, negative=""),
    ] = None
    patience: Annotated[
        int | None, Parameter(help="Stop after that many shown epochs without a better one.", converter=whole)
    ] = None
    restore_best: Annotated[bool | None, Parameter(help="End with the weights of the best epoch.", negative="")] = None
    temperature_scaling: Annotated[
        bool | None,
        Parameter(help="Make probabilities as sure as the validation part says; recipes that smooth labels do."),
    ] = None
    metrics: Annotated[
        tuple[str, ...] | None,
        Parameter(name="--metric", help=f"Some of: {_listed('metrics')}.", consume_multiple=True, negative=""),
    ] = None
    monitor: Annotated[
        str | None, Parameter(help="What patience and restore-best go by: loss, or one of the metrics.")
    ] = None


@final
@Parameter(name="*", group=RUN)
@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Where it runs and what it leaves behind."""

    engine: Annotated[str, Parameter(help=f"auto, {_listed('engines')}; options as in nn:compile=true.")] = "auto"
    device: Annotated[str, Parameter(help="auto (the first there is of cuda, mps, cpu), cpu, cuda or mps.")] = "auto"
    dtype: Annotated[str | None, Parameter(help="float32, the default, or float64.")] = None
    precision: Annotated[
        str | None,
        Parameter(help="Digits of products, tf32 (CUDA) or bfloat16; weights stay float32. Default: those of --dtype."),
    ] = None
    recipe: Annotated[
        str | None, Parameter(help=f"One of: {_listed('recipes')}; plain for a task, tabular for a file.")
    ] = None
    valid: Annotated[
        float | Path | None,
        Parameter(help="Training rows to hold out for validation, a share or a number; for a file also another file."),
    ] = None
    members: Annotated[
        int | None,
        Parameter(help="Networks with seeds of their own, whose mean answer is the run's.", converter=whole),
    ] = None
    bagging: Annotated[
        int | None,
        Parameter(
            help="Folds of the rows: a network for each, which validates on that one; with --group of whole groups, "
            "with --time of one period after another.",
            converter=whole,
        ),
    ] = None
    merge_duplicates: Annotated[
        bool, Parameter(help="Make equal training rows one row that is weighted by their number.", negative="")
    ] = False
    every: Annotated[
        int | None, Parameter(help="Show every n-th epoch; by default about twenty of them.", converter=whole)
    ] = None
    out: Annotated[Path | None, Parameter(help="Folder of the run; by default the next free runs/TASK-NUMBER.")] = None
    resume: Annotated[
        Path | None,
        Parameter(help="Folder of a run that was stopped or killed, to go on with; --epochs can be raised."),
    ] = None
    data_dir: Annotated[Path | None, Parameter(help="Folder with the task's files.")] = None
    rank_timeout: Annotated[
        float, Parameter(help="Under torchrun: seconds that ranks wait for one that sends no heartbeat.")
    ] = 600.0
    report: Annotated[
        bool, Parameter(help="Write report.html too, in a few seconds; fivestep plot RUN report does it later.")
    ] = False
    track: Annotated[
        tuple[str, ...] | None,
        _several(f"Send the figures along, to some of: {_listed('trackers')}; as in mlflow:experiment=moons."),
    ] = None
    json: Annotated[
        bool, Parameter(help="Print one JSON object; everything else goes to standard error.", negative="")
    ] = False


def given(options: Any) -> dict[str, Any]:
    """The given options of network and plan by the names that a recipe takes, without the model's name."""
    values = {key: value for key, value in asdict(options).items() if value is not None and key != "model"}
    for width in values.get("hidden", ()):
        at_least("--hidden", width, 1, "for no hidden layer, take --model linear or softmax")
    for key in {"activation", "norm", "dropout"} & values.keys():
        several = tuple(None if value == "none" else value for value in values[key])
        values[key] = several[0] if len(several) == 1 else several
    if "lr_factors" in values:
        values["lr_factors"] = dict(_factor(text) for text in values["lr_factors"])
    written_otherwise = {"batch_size": ("full", None), "class_weight": (("balanced",), "balanced")}
    return values | {key: value for key, (text, value) in written_otherwise.items() if values.get(key) == text}


def engine_choice(options: RunOptions) -> Choice:
    """The requested engine with the requested precision; a process like this trains a single network."""
    choice = Choice.parse(options.engine)
    if options.precision is None:
        is_alone = options.members is None and options.bagging is None
        return Choice("auto", alone=True) if is_alone and choice == Choice("auto") else choice
    if choice.name not in ("auto", "fused"):
        raise refuse("--precision", options.precision, f"left out with --engine {choice.name}", "use --engine fused")
    return Choice(choice.name, **{**choice.options, "precision": options.precision})


def written(*several: Any, without: Sequence[str]) -> str:
    """The options that differ from their defaults, as on the command line, each with a space before it."""
    words: list[str] = []
    for options in several:
        typed = get_type_hints(type(options), include_extras=True)
        for field in fields(options):
            value = getattr(options, field.name)
            if value == field.default or field.name in without:
                continue
            if isinstance(value, bool):
                words.append(option(field.name if value else f"no_{field.name}"))
                continue
            values = [str(one) for one in (value if isinstance(value, tuple) else (value,))]
            parameters = [one for one in getattr(typed[field.name], "__metadata__", ()) if isinstance(one, Parameter)]
            takes_several = any(one.consume_multiple for one in parameters)
            words += _written(option(field.name), values, takes_several=takes_several)
    return "".join(f" {word}" for word in words)


def _written(name: str, values: Sequence[str], *, takes_several: bool) -> list[str]:
    """An option with its values: behind one another if it takes several, else each with the option."""
    plain = [quote(one) for one in values if not one.startswith("-")]
    like_options = [f"{name}={quote(one)}" for one in values if one.startswith("-")]
    if takes_several:
        return [*([name, *plain] if plain else ()), *like_options]
    return [word for one in plain for word in (name, one)] + like_options


def option(field_name: str) -> str:
    """The command-line option of a field."""
    typed = {"lr_factors": "lr_factor", "metrics": "metric"}.get(field_name, field_name)
    return f"--{typed.replace('_', '-')}"


def _factor(text: str) -> tuple[str, float]:
    """A learning-rate factor written as NAME=FACTOR."""
    name, _, factor = text.partition("=")
    try:
        return name, float(factor)
    except ValueError:
        raise refuse("--lr-factor", text, "NAME=FACTOR", "write for example bias=2") from None
