"""Numbers of any type, such as bytes of images or bits of masks, loaded as lanes of another type."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .lanes import address, lanes_of


@intrinsic
def numbers_at(typing: Any, stored: Any, index: Any, like: Any) -> Any:
    """The numbers stored[index], ... as lanes in the type of another array, `like`."""
    lanes = lanes_of(like.dtype)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector = ir.VectorType(context.get_value_type(stored.dtype), lanes.count)
        place = builder.bitcast(address(context, builder, stored, *args[:2]), vector.as_pointer())
        loaded, wanted = builder.load(place, align=stored.dtype.bitwidth // 8), context.get_value_type(lanes)
        if isinstance(stored.dtype, types.Integer):
            return (builder.sitofp if stored.dtype.signed else builder.uitofp)(loaded, wanted)
        if stored.dtype.bitwidth == like.dtype.bitwidth:
            return loaded
        return (builder.fpext if stored.dtype.bitwidth < like.dtype.bitwidth else builder.fptrunc)(loaded, wanted)

    return lanes(stored, types.intp, like), emit
