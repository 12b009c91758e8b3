"""CUDA graphs: work on a device that is recorded once and then launched with one call.

Launching a kernel takes the host some five microseconds, longer than many kernels of a small network run. A recorded
graph of hundreds of them costs one launch. It repeats the same kernels over the same memory, so what changes (which
rows, the learning rate, the step's number, random masks) has to be written to that memory before.
"""

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, final

import torch

from ..machine.garbage import uncollected


def on(device: torch.device) -> AbstractContextManager[object]:
    """A context in which this is CUDA's current device, on which Triton launches kernels, wherever tensors are."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


@final
class SideStream:
    """Work that may run concurrently with what follows, up to `join`; on a device without streams it is done at once.

    with side:
        ...  # this
    ...  # and that
    side.join()
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
        """Waits for the work."""
        if self._stream is not None:
            torch.cuda.current_stream(self._stream.device).wait_stream(self._stream)


@final
class Graphs:
    """The recorded graphs of one device, by key. On a device without graphs the work is simply done.

    A `work` function takes no arguments, reads and writes tensors at fixed addresses, and has run once before, so that
    libraries and memory are ready. It never synchronizes with the device. Graphs share their temporary memory: none may
    leave a result in a tensor that it allocated itself.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream: torch.cuda.Stream | None = None
        self._recorded: dict[Hashable, torch.cuda.CUDAGraph] = {}

    def run(self, key: Hashable, work: Callable[[], object]) -> None:
        """Does the work of a key; the first time, also records it."""
        if self._device.type != "cuda":
            work()
            return
        if key not in self._recorded:
            self._recorded[key] = self._record(work)
        self._recorded[key].replay()

    def forget(self, which: Callable[[Any], bool] = lambda _key: True) -> None:
        """Discards graphs, by default all: to be called when a tensor that they use has been replaced."""
        for key in [key for key in self._recorded if which(key)]:
            del self._recorded[key]

    def _record(self, work: Callable[[], object]) -> torch.cuda.CUDAGraph:
        if self._stream is None:  # one stream for all: cuBLAS keeps some 32 MB for each
            self._stream = torch.cuda.Stream(self._device)
        graph, stream = torch.cuda.CUDAGraph(), self._stream
        pool = next((other.pool() for other in self._recorded.values()), None)
        with uncollected():  # discarding another graph during the recording would invalidate it
            stream.wait_stream(torch.cuda.current_stream(self._device))
            with torch.cuda.stream(stream):  # torch.cuda.graph would collect garbage, which takes a tenth of a second
                graph.capture_begin(pool=pool, capture_error_mode="thread_local")
                try:
                    work()
                finally:
                    graph.capture_end()
        torch.cuda.current_stream(self._device).wait_stream(stream)
        return graph
