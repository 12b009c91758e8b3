"""The files that users and `predict` read: configuration, history and model, written and read back."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, final

import tomli_w

from ..check import InputError, nearest
from ..engines._engine import Engine
from ..epoch import Epoch
from ..machine.files import (
    has_checksum,
    is_intact,
    metadata_in,
    read_bytes,
    read_text,
    tensors_in,
    write_sealed,
    write_text,
)
from ..machine.memory import memory_size
from ..table import in_file
from ..typing import Tensors
from .checkpoint import checkpoints_in
from .config import VERSION, Config
from .history import history_text, read_history

if TYPE_CHECKING:
    from ..table.encoder import Encoder

NETWORK_KEY = "network"
"""The metadata key under which a model describes its network, which must agree with the configuration."""

AGAIN = "; train again."
"""The advice for a file that is not as it was written."""

LARGEST_CONFIG = 2**22
"""The most bytes that are read of a configuration: one usually has a thousand."""


@final
@dataclass(frozen=True)
class SavedRun:
    """The content of a run's files; the engine has the trained weights."""

    config: Config
    engine: Engine
    history: list[Epoch]
    encoder: "Encoder | None"


def write_run(
    path: Path, config: Config, engine: Engine, history: Sequence[Epoch], encoder: "Encoder | None" = None
) -> None:
    """Writes `config.toml`, `history.csv` and `model.safetensors` into the folder, each atomically.

    Raises an `OSError` if that is not possible.
    """
    tensors = engine.params.named_with_buffers()
    metadata = {"fivestep": str(VERSION), NETWORK_KEY: config.network_text()}
    if encoder is not None:
        tensors, metadata = {**tensors, **encoder.tensors()}, {**metadata, **encoder.metadata()}
    write_text(path / "config.toml", tomli_w.dumps(config.to_dict()))
    write_text(path / "history.csv", history_text(history))
    write_sealed(path / "model.safetensors", tensors, metadata)


def read_run(path: Path, device: str = "auto") -> SavedRun:
    """What `write_run` wrote, with an engine on `device`; raises an `InputError` if it cannot be read."""
    with _fixed_by_resume(path):
        return _read(path, device)


def encoder_in(tensors: Tensors, metadata: Mapping[str, str]) -> "Encoder | None":
    """The encoder among the tensors and texts of a file, if there is one."""
    if in_file.KEY not in metadata:
        return None
    from ..table.encoder import Encoder  # imported here because it needs polars

    return Encoder.from_file(tensors, metadata)


@contextmanager
def _fixed_by_resume(path: Path) -> Iterator[None]:
    """Adds to an error about a damaged file that the run's checkpoint can restore it."""
    try:
        yield
    except InputError as error:
        if not checkpoints_in(path) or not str(error).endswith(AGAIN):
            raise
        sentence = str(error).removesuffix(AGAIN)
        raise InputError(f"{sentence}; fivestep train --resume {path} writes it anew.") from error


def _read(path: Path, device: str) -> SavedRun:
    if not (path / "model.safetensors").exists() and checkpoints_in(path):
        raise InputError(
            f"RUN must hold a model.safetensors, got {str(path)!r} without one, for it was killed, or the file was "
            f"removed; go on with it by: fivestep train --resume {path}"
        )
    if not (path / "config.toml").exists():
        raise InputError(
            f"RUN must be the folder of a run, with a config.toml in it, got {str(path)!r}; {_instead_of(path)}"
        )
    config = Config.from_dict(_toml(path / "config.toml"), path / "config.toml")
    model = _read_model(path / "model.safetensors")
    if model.network is not None:
        config.check_network(model.network, path / "config.toml")
    engine = config.make_engine(device)
    try:
        engine.load_weights(model.weights)
    except InputError as error:
        raise InputError(
            f"{path / 'model.safetensors'} must hold weights for the network in config.toml, got others "
            f"({str(error).partition(';')[0]}); put config.toml back as it was, or train a new run."
        ) from error
    return SavedRun(config, engine, read_history(path / "history.csv", config.plan.metrics), model.encoder)


def _instead_of(path: Path) -> str:
    """The advice for a folder that is not a run: resume it, or take the nearest run beside it or in `runs`."""
    if checkpoints_in(path):
        return f"fivestep train --resume {path} writes it anew."
    runs = {
        file.parent.name: file.parent for near in (path.parent, Path("runs")) for file in near.glob("*/config.toml")
    }
    guess = nearest(path.name, runs)
    return f"did you mean {str(runs[guess])!r}?" if guess else "see ls runs."


def _toml(path: Path) -> Any:
    """The values in a configuration file."""
    text = read_text(path, LARGEST_CONFIG)
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also raised for a number of a million digits
        raise InputError(f"{path} must be as fivestep wrote it, got {error}; train again.") from error


class _Model(NamedTuple):
    """The weights by name, the encoder if there is one, and the description of the network if the file has it."""

    weights: Tensors
    encoder: "Encoder | None"
    network: str | None


def _read_model(path: Path) -> _Model:
    """The content of a model's file."""
    content = read_bytes(path, memory_size())
    tensors, metadata = tensors_in(content, path), metadata_in(content, path)
    if has_checksum(content) and not is_intact(content):
        raise InputError(f"{path} must be as fivestep wrote it, got other bytes; train again.")
    weights = {name: tensor for name, tensor in tensors.items() if not name.startswith(in_file.PREFIX)}
    return _Model(weights, encoder_in(tensors, metadata), metadata.get(NETWORK_KEY) if has_checksum(content) else None)
