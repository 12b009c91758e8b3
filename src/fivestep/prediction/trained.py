"""What a prediction needs to know, and where its rows come from."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..engines._engine import Engine

if TYPE_CHECKING:
    import polars as pl

    from ..table.encoder import Encoder


class Trained(NamedTuple):
    """A trained network, the encoder of its columns if they have names, and the `info` of its run."""

    engine: Engine
    encoder: "Encoder | None"
    info: Mapping[str, Any]


class Source(NamedTuple):
    """The rows of one file, or of a table in memory, in parts, and its name for messages."""

    name: str
    frames: "Iterator[pl.DataFrame]"
