"""The options of `fivestep sweep`: what is varied, what is fixed, and how the sweep proceeds."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, final

from cyclopts import Group, Parameter

from ..check import InputError
from ._options import RunOptions, option
from ._values import whole


def _varied(help_text: str) -> Parameter:
    return Parameter(help=help_text, consume_multiple=True, negative="")


@final
@Parameter(name="*", group=Group("Varied: several values, or a range such as 1e-4:1e-1", sort_key=1))
@dataclass(frozen=True, kw_only=True)
class SpaceOptions:
    """What is varied. One value is the same for all; what is left out keeps the task's own setting."""

    hidden: Annotated[tuple[str, ...] | None, _varied("Widths: 64 128,64 are two networks; 8:256, one layer.")] = None
    activation: Annotated[tuple[str, ...] | None, _varied("Activations, as in train.")] = None
    norm: Annotated[tuple[str, ...] | None, _varied("Normalizations, or none.")] = None
    dropout: Annotated[tuple[str, ...] | None, _varied("Probabilities, in [0, 1).")] = None
    init: Annotated[tuple[str, ...] | None, _varied("Initial weights, as in train.")] = None
    init_scale: Annotated[tuple[str, ...] | None, _varied("Factors on the initial weights.")] = None
    optimizer: Annotated[tuple[str, ...] | None, _varied("Update rules, as in train.")] = None
    lr: Annotated[tuple[str, ...] | None, _varied("Learning rates, per step.")] = None
    momentum: Annotated[tuple[str, ...] | None, _varied("Momenta, in [0, 1).")] = None
    nesterov: Annotated[tuple[str, ...] | None, _varied("Nesterov's momentum: true, false.")] = None
    weight_decay: Annotated[tuple[str, ...] | None, _varied("Weight decays, per step.")] = None
    ema: Annotated[tuple[str, ...] | None, _varied("Shares kept by a moving average of the weights, in [0, 1).")] = None
    schedule: Annotated[tuple[str, ...] | None, _varied("Schedules of the rate, as in train.")] = None
    batch_size: Annotated[tuple[str, ...] | None, _varied("Rows per step, or full.")] = None
    seed: Annotated[tuple[str, ...] | None, _varied("Seeds of initial weights, order and masks.")] = None

    def settings(self) -> dict[str, Any]:
        """The given options in the form that a sweep takes."""
        found = {name: list(values) for name, values in asdict(self).items() if values is not None}
        for name, values in found.items():
            if not values:
                raise InputError(f"{option(name)} must have a value behind it, got none; see fivestep sweep --help.")
        return found


@final
@Parameter(name="*", group=Group("The same for all networks", sort_key=2))
@dataclass(frozen=True, kw_only=True)
class SharedOptions:
    """What is the same for all networks, as in train."""

    model: Annotated[str | None, Parameter(help="linear, softmax, mlp, feed-forward, as the task has it.")] = None
    gated: Annotated[bool | None, Parameter(help="The gated form of feed-forward blocks.", negative="")] = None
    residual: Annotated[bool | None, Parameter(help="Add their inputs to hidden layers, as in train.", negative="")] = (
        None
    )
    loss: Annotated[str | None, Parameter(help="The loss.")] = None
    epochs: Annotated[int | None, Parameter(help="Passes over the training rows.", converter=whole)] = None
    clip_norm: Annotated[float | None, Parameter(help="Largest norm of the gradient.")] = None
    clip_value: Annotated[float | None, Parameter(help="Largest element of the gradient.")] = None
    no_decay: Annotated[
        tuple[str, ...] | None,
        Parameter(help="Parameters without weight decay, as in train.", consume_multiple=True, negative=""),
    ] = None
    class_weight: Annotated[
        tuple[Literal["balanced"] | float, ...] | None,
        Parameter(help="balanced, or the weight of each class in training.", consume_multiple=True, negative=""),
    ] = None
    patience: Annotated[int | None, Parameter(help="Stop early, as in train.", converter=whole)] = None
    restore_best: Annotated[bool | None, Parameter(help="Rank by the best epoch, and keep it.", negative="")] = None
    temperature_scaling: Annotated[bool | None, Parameter(help="As in train.")] = None
    metrics: Annotated[
        tuple[str, ...] | None,
        Parameter(name="--metric", help="Measured too, as in train.", consume_multiple=True, negative=""),
    ] = None
    monitor: Annotated[str | None, Parameter(help="What they are ranked by: loss, or a metric.")] = None


@final
@Parameter(name="*", group=Group("Sweep", sort_key=0))
@dataclass(frozen=True, kw_only=True)
class SweepOptions:
    """How the sweep goes about it, and where."""

    models: Annotated[
        int | None, Parameter(help="Networks; by default all combinations of lists, or 64.", converter=whole)
    ] = None
    halving: Annotated[
        int | Literal["off"],
        Parameter(help="One in so many goes on from a ninth and from a third of the epochs; off.", converter=whole),
    ] = 3
    sampler: Annotated[str, Parameter(help="tpe learns from what came out; random, grid, auto.")] = "auto"
    sampler_seed: Annotated[int, Parameter(help="Of what is drawn from ranges and lists.", converter=whole)] = 0
    fleet: Annotated[int | None, Parameter(help="Networks taken and compared together.", converter=whole)] = None
    threads: Annotated[int | None, Parameter(help="Networks trained at a time.", converter=whole)] = None
    storage: Annotated[
        str | None,
        Parameter(help="Journal file or database URL that other machines use too; by default in the folder."),
    ] = None
    name: Annotated[str, Parameter(help="Of the sweep in its storage; by default the task's.")] = ""
    ray: Annotated[
        str | None, Parameter(help="Train on a Ray cluster: its address, or local. Needs fivestep\\[ray].")
    ] = None
    out: Annotated[Path | None, Parameter(help="Folder; one that holds this sweep goes on, or is shared.")] = None
    resume: Annotated[Path | None, Parameter(help="Folder of a sweep to go on with, by its own options.")] = None
    engine: Annotated[str, Parameter(help="As in train.")] = RunOptions.engine
    device: Annotated[str, Parameter(help="As in train.")] = RunOptions.device
    dtype: Annotated[str, Parameter(help="float32 or float64.")] = "float32"
    recipe: Annotated[str | None, Parameter(help="As in train.")] = None
    valid: Annotated[float | Path | None, Parameter(help="Rows to rank by, held out of training, as in train.")] = None
    every: Annotated[int | None, Parameter(help="Measure every n-th epoch, as in train.", converter=whole)] = None
    data_dir: Annotated[Path | None, Parameter(help="Folder with the task's files.")] = None
    json: Annotated[bool, Parameter(help="Print one JSON object.", negative="")] = False
