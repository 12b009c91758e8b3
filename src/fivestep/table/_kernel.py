"""The encoder's formula for one column of plain numbers, compiled, without the lock of Python's.

One pass over a column instead of NumPy's several, and a thread can encode while another one trains.
"""

import numpy as np
from numba import njit


@njit(nogil=True, error_model="numpy")  # half a second in each process that encodes many rows
def scale_into(values, center, scale, clip, farthest, out):  # type: ignore[no-untyped-def]  # numba finds the types
    """Writes x of some numbers (N,) to `out` (N,); returns how many are infinite.

    `clip` and `farthest` are infinite where nothing is clipped. Operation for operation that of `Encoder`, so the bits
    are the same.
    """
    memory = np.empty(len(values), out.dtype)
    num_infinite = 0
    for i in range(len(values)):
        value = np.float64(values[i])
        z = (value - center) * scale
        num_infinite += 1 if abs(value) == np.inf else 0
        z = 0.0 if value != value else z  # noqa: PLR0124  (only nan, a missing number, is not itself)
        z = max(z, -farthest)
        z = min(z, farthest)
        q = z / clip
        memory[i] = z / np.sqrt(1.0 + q * q)
    for i in range(len(values)):  # apart, so that the first loop works on eight numbers at a time
        out[i] = memory[i]
    return num_infinite
