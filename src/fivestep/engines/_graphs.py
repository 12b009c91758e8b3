"""Work on a CUDA device that is recorded once and from then on begun with one call.

What a host takes to begin one kernel, some five microseconds, is more than many kernels of a small network take. A
recorded graph of hundreds of them costs one call. It repeats the same kernels over the same memory, so what changes
from time to time (which rows, the learning rate, a step's number, random masks) has to lie in memory that is written
before.
"""

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, final

import torch

from ..machine.garbage import uncollected


def on(device: torch.device) -> AbstractContextManager[object]:
    """Inside, this device is CUDA's current one, on whose stream Triton starts kernels, wherever their tensors lie."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


@final
class Beside:
    """Work that may be done beside what follows, up to `join`; on a device without streams it is done at once.

    with beside:
        ...  # this
    ...  # and that
    beside.join()
    """

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        self._inside: torch.cuda.StreamContext | None = None

    def __enter__(self) -> None:
        if self._stream is not None:
            self._stream.wait_stream(torch.cuda.current_stream(self._stream.device))
            self._inside = torch.cuda.stream(self._stream)
            self._inside.__enter__()

    def __exit__(self, *error: object) -> None:
        if self._inside is not None:
            self._inside.__exit__(*error)

    def join(self) -> None:
        """From here on, it is done."""
        if self._stream is not None:
            torch.cuda.current_stream(self._stream.device).wait_stream(self._stream)


@final
class Graphs:
    """Recorded work of one device, by key. On a device without graphs the work is simply done.

    A `work` takes nothing, reads and writes tensors that stay where they are, and has been done once before as it is,
    so that libraries and memory are ready. It never waits for the device, nor reads from it. Recordings share their
    temporary memory: none of them may leave a result in a tensor that it made itself.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream: torch.cuda.Stream | None = None
        self._recorded: dict[Hashable, torch.cuda.CUDAGraph] = {}

    def run(self, key: Hashable, work: Callable[[], object]) -> None:
        """Does the work that the key stands for: the first time it is recorded too."""
        if self._device.type != "cuda":
            work()
            return
        if key not in self._recorded:
            self._recorded[key] = self._record(work)
        self._recorded[key].replay()

    def forget(self, which: Callable[[Any], bool] = lambda _key: True) -> None:
        """Gives up recordings, by default all: to be called when a tensor that they use has been replaced."""
        for key in [key for key in self._recorded if which(key)]:
            del self._recorded[key]

    def _record(self, work: Callable[[], object]) -> torch.cuda.CUDAGraph:
        if self._stream is None:  # one for all: for each stream cuBLAS takes some 32 MB and keeps them
            self._stream = torch.cuda.Stream(self._device)
        graph, stream = torch.cuda.CUDAGraph(), self._stream
        pool = next((other.pool() for other in self._recorded.values()), None)
        with uncollected():  # another graph that is given up while this one is recorded would spoil it
            stream.wait_stream(torch.cuda.current_stream(self._device))
            with torch.cuda.stream(stream):  # torch.cuda.graph would collect garbage, which takes a tenth of a second
                graph.capture_begin(pool=pool, capture_error_mode="thread_local")
                try:
                    work()
                finally:
                    graph.capture_end()
        torch.cuda.current_stream(self._device).wait_stream(stream)
        return graph
