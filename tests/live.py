"""How many bytes of tensors a piece of code holds at most: counted as they come and go, so the same in every run."""

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, final

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

LEAST = 500_000
"""Bytes of a tensor below which it does not count: what a small batch becomes, orders of rows, numbers of a step."""


@final
class Live(TorchDispatchMode):
    """Inside, the memory of every new tensor counts until it is given back; `peak` is the most there was at a time.

    What compiled code and libraries take for themselves is not seen; the tests that ask the system see that too.
    """

    def __init__(self) -> None:
        super().__init__()
        self.peak = self._now = 0
        self._held: set[int] = set()

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else [result]:
            if isinstance(tensor, Tensor):
                self._count(tensor.untyped_storage())
        return result

    def _count(self, storage: torch.UntypedStorage) -> None:
        place, size = storage.data_ptr(), storage.nbytes()
        if size < LEAST or place in self._held:
            return
        self._held.add(place)
        self._now += size
        self.peak = max(self.peak, self._now)
        weakref.finalize(storage, self._gone, place, size)

    def _gone(self, place: int, size: int) -> None:
        self._held.discard(place)
        self._now -= size
