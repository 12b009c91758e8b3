"""From several trained networks to one whose answer is their mean."""

from collections.abc import Iterable
from dataclasses import replace

from .check import InputError, instance, refuse
from .engines._engine import Engine
from .engines._make import make_engine
from .find import Choice
from .net import NetSpec

LAYER = "ensemble"


def ensemble_of(engines: Iterable[Engine]) -> Engine:
    """An engine whose network holds all of theirs in one layer: its logits are those of their mean answer.

    The mean is taken of what logits stand for (probabilities, rates, numbers), by the link of the loss. It is saved,
    loaded, exported and measured like any network. Raises an `InputError` if the networks are not of one kind.
    """
    given, engines = engines, tuple(engines) if isinstance(engines, Iterable) else ()
    if not engines:
        raise refuse("engines", given, "at least one engine", "pass those of fit_many, as member.engine")
    for one in engines:
        instance("engines", one, Engine, "pass member.engine of each that fit_many trained, or run.engine of each run")
    first = engines[0]
    if any((one.spec, one.criterion.inverse_link) != (first.spec, first.criterion.inverse_link) for one in engines):
        raise InputError("the members of an ensemble must be the same network and loss, got others; train them alike.")
    layers, link = tuple(map(str, first.spec.layers)), first.criterion.inverse_link
    body = Choice(LAYER, layers=layers, members=len(engines), link=link)
    spec = replace(first.spec, layers=(body,), title=f"{len(engines)} x {first.spec.title}")
    engine = make_engine("scratch", spec, first.plan, dtype=first.dtype, device=first.device)
    engine.load_weights(
        {
            f"0.members.{k}.{name}": value
            for k, one in enumerate(engines)
            for name, value in one.params.named_with_buffers().items()
        }
    )
    return engine


def num_members(spec: NetSpec) -> int:
    """How many networks answer together; 1 for an ordinary network."""
    return int(spec.layers[0].options["members"]) if spec.layers and spec.layers[0].name == LAYER else 1
