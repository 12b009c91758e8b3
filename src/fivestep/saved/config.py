"""The configuration of a run as plain values, and back; nothing that is read is trusted."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self, final

from ..check import InputError, one_of, refuse
from ..engines._engine import Engine
from ..engines._make import make_engine
from ..engines._memory import memory_needed
from ..find import Choice, find
from ..machine.memory import memory_size
from ..net import NetSpec
from ..plan import TrainPlan
from ..ranks import ALONE, Ranks

VERSION = 1
"""Version of a run folder's layout; a run of another version is refused."""

COMMANDS = re.compile("[\x00\x07\x08\x1b\x9b]")
"""Control characters, with which a text could take over the terminal that it is shown on."""


@final
@dataclass(frozen=True)
class Config:
    """Everything needed to make the same run again. `info` is plain text and numbers about it (`Run`)."""

    spec: NetSpec
    plan: TrainPlan
    engine: str
    dtype: str
    device: str
    info: dict[str, Any]

    @classmethod
    def of(cls, engine: Engine, plan: TrainPlan, info: Mapping[str, Any]) -> Self:
        """The configuration of a run with this engine."""
        dtype = engine.dtype_name
        return cls(engine.spec, plan, str(engine.choice), dtype, str(engine.device), dict(info))

    def to_dict(self) -> dict[str, Any]:
        """The configuration as plain values for a file, without None, which TOML cannot express."""
        return _without_none(
            {
                "version": VERSION,
                "run": self.info,
                "engine": {"name": self.engine, "dtype": self.dtype, "device": self.device},
                "net": self.spec.to_dict(),
                "plan": self.plan.to_dict(),
            }
        )

    def network_text(self) -> str:
        """The network and its loss as a text that is stored with the weights."""
        return json.dumps(self._network())

    def _network(self) -> dict[str, str]:
        layers = {f"layer {number}": str(layer) for number, layer in enumerate(self.spec.layers)}
        ends = {"in_features": str(self.spec.in_features), "out_features": str(self.spec.out_features)}
        return {**layers, **ends, "loss": str(self.plan.loss)}

    def check_network(self, trained: str, source: object) -> None:
        """Raises an `InputError` unless the network is the one that such a text describes.

        `source` is the file that the configuration was read from.
        """
        own, theirs = self._network(), json.loads(trained)
        for part in {**own, **theirs}:
            now, then = own.get(part, "nothing"), theirs.get(part, "nothing")
            if now != then:
                raise InputError(
                    f"{source} must describe the network of the weights beside it, with {then} as its {part}, got "
                    f"{now}; train again."
                )

    @classmethod
    def from_dict(cls, values: Any, source: object) -> Self:
        """The configuration that `to_dict` wrote, from the file `source`; raises an `InputError` for anything else."""
        try:
            _check_version(values["version"])
            _check_plain(values)
            _check_info(values["run"])
            _check_settings(values)
            spec, plan = NetSpec.from_dict(values["net"]), TrainPlan.from_dict(values["plan"])
            engine = values["engine"]
            config = cls(spec, plan, str(engine["name"]), str(engine["dtype"]), str(engine["device"]), values["run"])
            _check_memory(config)
        except InputError as error:
            raise InputError(f"in {source}, {error}") from error
        except KeyError as error:
            raise InputError(f"{source} must be as fivestep wrote it, got it without {error}; train again.") from error
        except Exception as error:  # whatever error a value of the wrong type or size causes
            raise InputError(f"{source} must be as fivestep wrote it, got {error!r}; train again.") from error
        return config

    def make_engine(self, device: str | None = None, ranks: Ranks = ALONE) -> Engine:
        """A new engine for it, on the device that it names or on a given one."""
        return make_engine(
            self.engine, self.spec, self.plan, dtype=self.dtype, device=device or self.device, ranks=ranks
        )


def _check_version(version: Any) -> None:
    if version != VERSION:
        raise refuse("the version of the run", version, str(VERSION), "use the fivestep that made it")


def _check_plain(value: Any) -> None:
    """Raises a `TypeError` unless it consists of numbers and printable texts."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _check_plain(key)
            _check_plain(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_plain(inner)
    elif isinstance(value, str):
        if COMMANDS.search(value):
            raise TypeError(f"a text that would give a terminal orders, {value!r:.60}")
    elif not isinstance(value, bool | int | float | None):
        raise TypeError(f"a value of the type {type(value).__name__}")


def _check_info(info: Mapping[str, Any]) -> None:
    """Checks the types of those entries of a run's info that are used."""
    kinds = {"task": str, "model": str, "recipe": str, "class_names": list, "input_scale": float, "valid": int | float}
    for key, kind in kinds.items():
        if key in info and not isinstance(info[key], kind):
            raise TypeError(f"{key} = {info[key]!r:.60}")
    if not all(isinstance(name, str) for name in info.get("class_names", [])):
        raise TypeError(f"class_names = {info['class_names']!r:.60}")


def _check_settings(values: Mapping[str, Any]) -> None:
    """Raises an `InputError` for a setting that no plan has, or an engine that does not exist."""
    for name in values["plan"]:
        one_of("a setting of [plan]", name, [field.name for field in fields(TrainPlan)])
    find("engines", Choice.parse(values["engine"]["name"]).name)


def _check_memory(config: Config) -> None:
    """Raises an `InputError` if network and update rule need more memory than this machine has."""
    needed = memory_needed(config.spec, config.plan, config.dtype)
    if needed > memory_size():
        raise InputError(
            f"the network of the run must fit into this machine's {memory_size() / 2**30:.0f} GiB, got one of "
            f"{config.spec.num_parameters:,} parameters, which needs {needed / 2**30:,.0f}; use a larger machine."
        )


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _without_none(value) if isinstance(value, Mapping) else value
        for key, value in values.items()
        if value is not None
    }
