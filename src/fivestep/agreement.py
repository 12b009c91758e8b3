"""Checks before the first step that all ranks are about to do the same.

Ranks with different rows or code would train on together, and nobody would notice that the sum of their gradients is
meaningless.
"""

import functools
import hashlib
import platform
import zlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import torch

from .check import InputError, refuse
from .datasets._base import Dataset
from .engines._engine import Engine
from .layers._composite import with_inner
from .net import NetSpec
from .plan import TrainPlan
from .preflight import sizes_of_parts
from .ranks import Ranks, raise_first
from .saved.config import Config
from .saved.origin import Origin

Value = TypeVar("Value")

LONGEST = 60
"""Characters of a value that are shown."""


def check_agreement(engine: Engine, data: Dataset, plan: TrainPlan) -> None:
    """Raises an `InputError`, the same on all ranks, if they differ in anything that the training depends on."""
    if engine.ranks.are_alone:
        return
    _compare(engine.ranks.gathered((platform.node(), _fingerprint(engine, data, plan))))
    _check_shares(engine, plan, data.num_rows)


def begun_alike(ranks: Ranks, begin: Callable[[dict[str, str]], Value]) -> Value:
    """What `begin(found)` returns here, once all ranks have begun alike; in a single process, at once.

    `begin` fills `found` with what must be the same on all ranks. Raises an `InputError`, the same on all of them, for
    the first thing that differs, or that one rank refuses. The ranks communicate once.
    """
    found: dict[str, str] = {}
    value, refusal = None, None
    try:
        value = begin(found)
    except InputError as error:
        if ranks.are_alone:
            raise
        refusal = str(error)
    if not ranks.are_alone:
        everyone = ranks.gathered((platform.node(), found, refusal))
        if all(of_rank for _, of_rank, _ in everyone):  # else a rank refused before there was anything to compare
            _compare([(host, of_rank) for host, of_rank, _ in everyone])
        raise_first([of_rank for _, _, of_rank in everyone])
    return value  # type: ignore[return-value]  # there is one where nothing was refused


def of_fleet(
    kinds: Sequence[tuple[NetSpec, int, Hashable]],
    which: Sequence[int],
    data: Sequence[Dataset],
    plans: Sequence[TrainPlan],
    engine: str,
) -> dict[str, str]:
    """What must be the same on all ranks that divide a fleet, by name.

    `kinds` are the different kinds of networks, by `likenesses`; of each network only its kind and its own settings are
    compared, as comparing all plans in full takes as long as some thousand steps.
    """
    checksums = {key: repr(Origin.here(1, one).data) for key, one in {id(one): one for one in data}.items()}
    own = [plan.seed for plan in plans], _each_text([plan.lr for plan in plans])
    several = which if len(kinds) > 1 else ()
    texts = {
        "networks": [[spec for spec, *_ in kinds], several],
        "plans": [[rest for _, _, rest in kinds], several, own],
        "rows of the networks": _each_text([checksums[id(one)] for one in data]),
    }
    sums = {name: f"{zlib.crc32(repr(text).encode()):08x}" for name, text in texts.items()}
    return {**_versions(), "number of networks": str(len(plans)), "engine": engine, **sums}


def _each_text(values: Sequence[object]) -> list[str]:
    """The texts of values: a single one where all are equal, else one for each.

    Most networks of a fleet, and most fields of their plans, share one object, which is written once.
    """
    texts = {key: repr(one) for key, one in {id(one): one for one in values}.items()}
    return [*texts.values()][:1] if len(set(texts.values())) == 1 else [texts[id(one)] for one in values]


def _compare(everyone: Sequence[tuple[str, Mapping[str, str]]]) -> None:
    """Raises an `InputError` that names the first thing in which a rank differs from rank 0."""
    host, expected = everyone[0]
    for rank, (other_host, found) in enumerate(everyone):
        for name in {**expected, **found}:
            own, other = expected.get(name, "none"), found.get(name, "none")
            if own != other:
                raise InputError(
                    f"the {name} must be the same on all ranks, got {own:.{LONGEST}} on rank 0 ({host}) and "
                    f"{other:.{LONGEST}} on rank {rank} ({other_host}); start all ranks with the same program and data."
                )


def _check_shares(engine: Engine, plan: TrainPlan, num_rows: int) -> None:
    """Raises an `InputError` if a rank would have no rows in any batch, or none in one that needs it."""
    size, num_ranks = min(plan.batch_size or num_rows, num_rows), engine.ranks.size
    if size < num_ranks:
        raise refuse(
            "batch_size", size, f"at least {num_ranks}, one row for each rank", "start fewer, or make it larger"
        )
    least = min(sizes_of_parts(plan, num_rows))
    if least < num_ranks and any(layer.looks_at_batch for layer in with_inner(engine.layers)):
        raise InputError(
            f"every batch, and every part of one, must have a row for each of {num_ranks} ranks where a layer looks at "
            f"the whole batch, got one of {least}; choose another batch_size or micro_batch_size."
        )


def _fingerprint(engine: Engine, data: Dataset, plan: TrainPlan) -> dict[str, str]:
    """What must be the same, by name, in a form that can be shown."""
    config = Config.of(engine, plan, {})
    weights = 0
    for value in engine.state(copied=False).values():
        weights = zlib.crc32(value.contiguous().view(-1).numpy(force=True).data, weights)
    return {
        **_versions(),
        **{f"{part} rows": checksum for part, checksum in Origin.here(1, data).data.items()},
        **{f"network's {name}": str(value) for name, value in config.spec.to_dict().items()},
        **{f"plan's {name}": str(value) for name, value in config.plan.to_dict().items()},
        "engine": f"{config.engine} in {config.dtype}",
        "step to go on from": str(engine.num_updates),
        "state of the engine": f"{weights:08x}",
    }


def _versions() -> dict[str, str]:
    return {"code of fivestep": _code(), "version of torch": torch.__version__}


@functools.cache
def _code() -> str:
    """A checksum of the package's sources, taken once: 8 ms are a tenth of a small fleet's training."""
    folder = Path(__file__).parent
    content = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        content.update(file.relative_to(folder).as_posix().encode() + file.read_bytes())
    return content.hexdigest()[:12]
