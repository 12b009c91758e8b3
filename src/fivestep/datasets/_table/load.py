"""A data set from a file, in memory or as a stream."""

from pathlib import Path

from ...check import InputError, refuse
from ...table.encoder import Encoder
from ...table.words import listed
from .in_memory import load_in_memory
from .source import LoadedTable, TableSource
from .streamed import load_stream


def load_table(
    source: TableSource,
    *,
    seed: int,
    encoder: Encoder | None = None,
    scales_target: bool = True,
    pixels: bool = False,
) -> LoadedTable:
    """Reads the file, infers its columns' kinds, splits the rows and encodes them.

    Rows without a target are left out. The encoder is fitted on the training part, unless there is one already; with
    `scales_target` a number to predict is on the scale of that part, with `pixels` all columns are those of images, on
    one scale. The split is drawn from the seed, with classes in equal shares. Raises an `InputError`, one sentence,
    where the file, a column or the target cannot be used.
    """
    if encoder is not None:
        _check_remembered(source, encoder)
    load = load_stream if source.stream else load_in_memory
    return load(source, seed=seed, encoder=encoder, scales_target=scales_target, pixels=pixels)


def _check_remembered(source: TableSource, encoder: Encoder) -> None:
    """Raises an `InputError` unless a run's description of its file fits its encoder, and the file exists."""
    if source.targets != encoder.targets.names:
        expected = f"{listed(encoder.targets.names)}, which the network predicts"
        raise refuse("target in [run.table]", source.target, expected, "put it back as it was")
    if not source.stream and not Path(source.file).exists():
        raise InputError(
            f"the file that the run was trained on must be where it was, got none at {source.file!r}; put it back "
            f"there, name the folder where it is now with --data-dir, or measure on another one: fivestep evaluate RUN "
            f"FILE"
        )
