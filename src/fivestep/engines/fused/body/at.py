"""Prediction called with addresses: passing a dozen arrays from Python takes as long as a small network."""

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from .branched import Branched
from .lanes import inline
from .network import Memory, Network
from .steps import predict_rows

TABLE = 18
"""Numbers in a table: the addresses of kinds, inputs, outputs, weights, biases, numbers, places, values and the
parameters; the numbers of operations, parameters and elements of values; the rows of a tile; the addresses of sources,
momenta, running and the buffers; the number of buffers."""

_predict_rows: Any = inline(predict_rows)


@intrinsic
def _array(typing: Any, address: Any, shape: Any, dtype: Any) -> Any:
    """The memory at an address as an array of that shape, a tuple."""
    array = types.Array(dtype.dtype, len(shape), "C")

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        sizes = [builder.extract_value(args[1], k) for k in range(len(shape))]
        step = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(array.dtype)))
        steps = [step]
        for size in sizes[:0:-1]:
            steps.insert(0, builder.mul(steps[0], size))
        made = context.make_array(array)(context, builder)
        data = builder.inttoptr(args[0], made.data.type)
        populate_array(made, data=data, shape=sizes, strides=steps, itemsize=step, meminfo=None)
        return made._getvalue()

    return array(types.intp, types.UniTuple(types.intp, len(shape)), dtype), emit


@inline
def _network_at(t: Any) -> Network:
    """The operations of a network."""
    num_ops = t[9]
    outputs = _array(t[2], (num_ops,), np.int64)
    return Network(
        kinds=_array(t[0], (num_ops,), np.int64),
        inputs=_array(t[1], (num_ops,), np.int64),
        outputs=outputs,
        weights=_array(t[3], (num_ops,), np.int64),
        biases=_array(t[4], (num_ops,), np.int64),
        numbers=_array(t[5], (num_ops,), np.float64),
        places=_array(t[6], (num_ops + 1,), np.int64),
        sources=_array(t[13], (num_ops,), np.int64),
        first=0,
        num_out=outputs[num_ops - 1],
        rows_at_once=1,
        keeps_inputs=False,
    )


@inline
def _branched_at(t: Any) -> Branched:
    """The operations of a network with branches."""
    plain, num_ops = _network_at(t), t[9]
    return Branched(
        plain=plain,
        momenta=_array(t[14], (num_ops,), np.float64),
        running=_array(t[15], (num_ops,), np.int64),
        num_out=plain.num_out,
        rows_at_once=1,
        keeps_inputs=False,
    )


@inline
def _predict_at(network: Any, t: Any, rows: tuple[int, int, int], dtype: Any) -> None:
    """Writes the logits of some rows: `rows` are their address, that of the logits, and the number of rows."""
    (x, out, num_rows), num_in, num_ops = rows, _array(t[1], (1,), np.int64)[0], t[9]
    num_out = _array(t[2], (num_ops,), np.int64)[num_ops - 1]
    flat, values = _array(t[8], (t[10],), dtype), _array(t[7], (t[11],), dtype)
    memory = Memory(flat, flat, flat, values, values, flat, flat, _array(t[16], (t[17],), dtype), t[12])
    _predict_rows(network, memory, _array(x, (num_rows, num_in), dtype), _array(out, (num_rows, num_out), dtype))


def predict_float32(table: int, x: int, out: int, num_rows: int) -> None:
    """In float32."""
    t = _array(table, (TABLE,), np.int64)
    _predict_at(_network_at(t), t, (x, out, num_rows), np.float32)


def predict_float64(table: int, x: int, out: int, num_rows: int) -> None:
    """In float64."""
    t = _array(table, (TABLE,), np.int64)
    _predict_at(_network_at(t), t, (x, out, num_rows), np.float64)


def predict_branched_float32(table: int, x: int, out: int, num_rows: int) -> None:
    """In float32, with branches."""
    t = _array(table, (TABLE,), np.int64)
    _predict_at(_branched_at(t), t, (x, out, num_rows), np.float32)


def predict_branched_float64(table: int, x: int, out: int, num_rows: int) -> None:
    """In float64, with branches."""
    t = _array(table, (TABLE,), np.int64)
    _predict_at(_branched_at(t), t, (x, out, num_rows), np.float64)
