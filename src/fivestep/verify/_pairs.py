"""The two engines to compare: a second one by its name, or another form of the first."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple, final

from torch import nn

from ..check import InputError, one_of, refuse
from ..datasets._base import Dataset
from ..engines._engine import Engine
from ..engines._make import make_engine
from ..find import Choice, names
from ._module import ModuleEngine

NUM_PARTS = 4
"""The number of micro-batches per batch, if the plan sets none."""


@final
class Pair(NamedTuple):
    """Two engines and their names."""

    one: Engine
    other: Engine
    names: tuple[str, str]


def pair_of(one: Engine | nn.Module | str, other: Engine | nn.Module | str, data: Dataset) -> Pair:
    """The two engines; raises an `InputError` for an impossible pair."""
    if isinstance(one, str):
        assert isinstance(other, Engine), "checked by verify"
        pair = pair_of(other, one, data)
        return pair if one in FORMS else Pair(pair.other, pair.one, (pair.names[1], pair.names[0]))
    if isinstance(one, nn.Module):
        if not isinstance(other, Engine):
            raise refuse("other", other, "an engine, to compare a module with", "make one with make_engine")
        return Pair(ModuleEngine.like(other, one), other, (type(one).__name__, str(other.choice)))
    if isinstance(other, nn.Module):
        return pair_of(other, one, data)  # reasons are tried with the engine's layers: it is the reference
    if isinstance(other, Engine):
        return Pair(one, other, (str(one.choice), str(other.choice)))
    if isinstance(other, str) and other in FORMS:
        return FORMS[other](one, data)
    one_of("other", Choice.parse(other).name, (*names("engines"), *FORMS, "finite-differences"))
    return Pair(one, _again(one, other), (str(one.choice), str(Choice.parse(other))))


def _compiled(engine: Engine, _data: Dataset) -> Pair:
    """`nn` as one compiled program against `nn`."""
    _only_nn(engine, "compile")
    return Pair(_again(engine, "nn:compile=true"), engine, ("nn:compile=true", str(engine.choice)))


def _in_bfloat16(engine: Engine, _data: Dataset) -> Pair:
    """`nn` under autocast against `nn` in float32."""
    _only_nn(engine, "bfloat16")
    return Pair(_again(engine, "nn:autocast=bfloat16"), engine, ("nn:autocast=bfloat16", str(engine.choice)))


def _in_parts(engine: Engine, data: Dataset) -> Pair:
    """The engine with micro-batches against the engine with whole batches."""
    plan, batch = engine.plan, min(engine.plan.batch_size or len(data.train), len(data.train))
    size = plan.micro_batch_size or -(-batch // NUM_PARTS)
    parts = make_engine(
        engine.choice, engine.spec, replace(plan, micro_batch_size=size), dtype=engine.dtype, device=engine.device
    )
    whole = make_engine(
        engine.choice, engine.spec, replace(plan, micro_batch_size=None), dtype=engine.dtype, device=engine.device
    )
    parts.load_weights(engine.params.named_with_buffers())
    whole.load_weights(engine.params.named_with_buffers())
    return Pair(parts, whole, (f"{engine.choice} in parts of {size}", f"{engine.choice} in whole batches of {batch}"))


FORMS: dict[str, Callable[[Engine, Dataset], Pair]] = {
    "accumulate": _in_parts,
    "bfloat16": _in_bfloat16,
    "compile": _compiled,
}
"""Other forms of one engine, by the word for them."""


def _again(engine: Engine, name: str) -> Engine:
    """An engine of that name for the same network and plan, with the same dtype and device."""
    made = make_engine(name, engine.spec, engine.plan, dtype=engine.dtype, device=engine.device)
    made.load_weights(engine.params.named_with_buffers())
    return made


def _only_nn(engine: Engine, form: str) -> None:
    if engine.name != "nn":
        raise InputError(
            f"{form} must be compared with engine 'nn', which has it as an option, got {engine.name!r}; write "
            f"nn {form}."
        )
