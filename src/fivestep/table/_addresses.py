"""The memory addresses of a frame's columns, by Arrow's C data interface.

The interface: arrow.apache.org/docs/format/CDataInterface.html. polars hands all columns over in one call. A look at
each of them through Python takes some microseconds, several times that where another thread has emptied the caches, and
keeps the lock that the training thread waits for (`benchmarks/streaming.py epoch`).
"""

import ctypes
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import final

import numpy as np
import polars as pl

from ._kernel import find_numbers


@final
class _Array(ctypes.Structure):
    """ArrowArray: a column, or of a frame the struct whose children are its columns."""


@final
class _Schema(ctypes.Structure):
    """ArrowSchema: a column's type."""


@final
class _Stream(ctypes.Structure):
    """ArrowArrayStream: the frame in pieces, each of which holds all columns."""


_Array._fields_ = [
    *((name, ctypes.c_int64) for name in ("length", "null_count", "offset", "n_buffers", "n_children")),
    *((name, ctypes.c_void_p) for name in ("buffers", "children", "dictionary")),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Array))),
    ("private_data", ctypes.c_void_p),
]
_Schema._fields_ = [
    *((name, ctypes.c_void_p) for name in ("format", "name", "metadata")),
    *((name, ctypes.c_int64) for name in ("flags", "n_children")),
    *((name, ctypes.c_void_p) for name in ("children", "dictionary")),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Schema))),
    ("private_data", ctypes.c_void_p),
]
_Stream._fields_ = [
    ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Schema))),
    ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Array))),
    *((name, ctypes.c_void_p) for name in ("get_last_error", "release", "private_data")),
]
_address_in = ctypes.pythonapi.PyCapsule_GetPointer
_address_in.restype, _address_in.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]

LETTERS: "Mapping[int, np.ndarray]" = {ord("g"): np.zeros(1), ord("f"): np.zeros(1, np.float32)}
"""The number types that are read in place, each as an array of one, by their letters in the interface."""


@contextmanager
def column_addresses(frame: pl.DataFrame) -> "Iterator[np.ndarray]":
    """A context with the address and the letter of each column, (K, 2); 0 and 0 for all but contiguous plain numbers.

    Plain numbers are float64 or float32, none missing, each right beside the one before. Nothing is copied.
    """
    found = np.zeros((frame.width, 2), dtype=np.int64)
    if not frame.height or frame.n_chunks() > 1:  # chunks would be joined first, in all columns
        yield found
        return
    capsule = frame.__arrow_c_stream__()
    stream, array, schema = _Stream.from_address(_address_in(capsule, b"arrow_array_stream")), _Array(), _Schema()
    try:
        is_there = stream.get_schema(stream, schema) == 0 and stream.get_next(stream, array) == 0
        if is_there and array.length == frame.height and array.offset == 0:
            find_numbers(array.children, schema.children, frame.height, found)
        yield found
    finally:
        for part in (array, schema):
            if part.release:
                part.release(part)
