"""What a run was begun with besides its configuration, and whether it is resumed with the same."""

import platform
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, final

import torch
from torch import Tensor

from ..check import InputError, at_least, refuse, warn
from ..datasets._base import Dataset
from ..machine.files import own_bytes
from ..machine.threads import num_processors
from .config import Config


@final
@dataclass(frozen=True)
class Origin:
    """What a run was begun with besides its configuration, and needs again to be the same run to the bit."""

    every: int
    """How many epochs lie between two that are evaluated and shown."""

    data: Mapping[str, str]
    """A checksum of the rows of each part that the run uses."""

    machine: Mapping[str, str]
    """Versions, threads and vector instructions, on which the last bit of a sum can depend."""

    @classmethod
    def here(cls, every: int, data: Dataset, num_ranks: int = 1, *, divides: bool = False) -> Self:
        """The origin of a run that begins now; `divides` tells whether its engine divides layers among threads."""
        parts = {"train": data.train, "valid": data.valid}
        sums = {part: _checksum(rows.stored, rows.y, rows.weight) for part, rows in parts.items() if rows is not None}
        if data.stream is not None:
            sums["stream"] = data.stream.checksum()
        threads = torch.get_num_threads()
        machine = {
            "torch": torch.__version__,
            "threads": str(threads),
            "processor": platform.machine(),
            "registers": torch.backends.cpu.get_cpu_capability(),
        }
        if divides:
            machine["divided among"] = str(min(threads, num_processors()))
        if num_ranks > 1:
            machine["ranks"] = str(num_ranks)
        return cls(every, sums, machine)

    def to_dict(self) -> dict[str, Any]:
        """The origin as plain values, for a checkpoint."""
        return {"every": self.every, "data": dict(self.data), "machine": dict(self.machine)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The origin that `to_dict` wrote."""
        at_least("every", values["every"], 1)
        return cls(values["every"], dict(values["data"]), dict(values["machine"]))

    def check(self, now: "Origin") -> None:
        """Raises an `InputError` for other rows or another `every`, and warns of another machine.

        Entries that only one of the two has were not recorded when the run began, or do not matter to its engine.
        """
        if now.every != self.every:
            raise refuse("every", now.every, f"the run's own {self.every}", "leave it out")
        self.check_rows(now)
        then, here = ({**machine, "ranks": machine.get("ranks", "1")} for machine in (self.machine, now.machine))
        changed = [f"{key} {here[key]} (then {then[key]})" for key in then if here.get(key, then[key]) != then[key]]
        if changed:
            warn(
                f"a run must go on where it began to be the same to the bit, got {', '.join(changed)}; "
                f"last digits may differ."
            )

    def check_rows(self, now: "Origin") -> None:
        """Raises an `InputError` for other rows."""
        for part in {**self.data, **now.data}:
            if now.data.get(part) != self.data.get(part):
                raise InputError(
                    f"the {part} rows must be those that the run was begun with, {self.data.get(part, 'none')}, "
                    f"got {now.data.get(part, 'none')}; pass the same data."
                )


def _checksum(*tensors: Tensor | None) -> str:
    """The shapes of the tensors, and a checksum (CRC-32) of their bytes."""
    value = 0
    present = [tensor for tensor in tensors if tensor is not None]
    for tensor in present:
        value = zlib.crc32(own_bytes(tensor), value)
    return f"{' '.join(f'{tensor.dtype}{list(tensor.shape)}'.removeprefix('torch.') for tensor in present)} {value:08x}"


def check_same(given: Config, own: Config) -> None:
    """Raises an `InputError` that names a setting that would make it another run; only `epochs` may differ."""
    pairs = {
        **{name: (value, given.plan.to_dict()[name]) for name, value in own.plan.to_dict().items() if name != "epochs"},
        **{name: (value, given.spec.to_dict()[name]) for name, value in own.spec.to_dict().items() if name != "title"},
        **{name: (getattr(own, name), getattr(given, name)) for name in ("engine", "dtype", "device")},
    }
    changed = [f"{name} {other} (in the run {mine})" for name, (mine, other) in pairs.items() if mine != other]
    if changed:
        raise InputError(f"settings must be the run's own, got {', '.join(changed)}; keep them, or begin a new run.")
