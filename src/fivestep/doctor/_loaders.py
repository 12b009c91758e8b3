"""Loaders that are started again and again."""

from typing import Any, final

from torch.utils.data import DataLoader, SequentialSampler

from ._record import Loader, Record
from ._registry import Registry


@final
class Loaders:
    """Follows how often each `DataLoader` is started, and how many updates there were since its last start."""

    def __init__(self, record: Record, registry: Registry) -> None:
        self._record = record
        self._registry = registry
        self._begun_at: dict[int, int] = {}
        self.last: int | None = None
        """The loader that was started last."""

    def began(self, loader: DataLoader[Any]) -> None:
        """Notes that a loader is started."""
        key, number = self._registry.key(loader), self._record.num_updates
        if key not in self._record.loaders:
            is_in_order = type(loader.sampler) is SequentialSampler
            self._record.loaders[key] = Loader(len(loader) if is_in_order else 0, is_in_order)
        self._record.loaders[key].num_begun += 1
        self._record.loaders[key].num_short += self._begun_at.get(key) == number - 1
        self._begun_at[key], self.last = number, key
