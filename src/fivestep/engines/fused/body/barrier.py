"""A barrier for threads of compiled code, and stores that bypass the caches for data that another core will read.

Each thread increments a counter of its own, on its own cache line, and reads those of the others. A store to a line
that another core has read takes 8 nanoseconds where the two share no cache, twenty times a plain store, because the
other core's copy has to be invalidated first. A store that bypasses the caches (`stream`) takes a fifth of that.
"""

import sys
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .lanes import WHOLE, address, apart, get, place_of
from .target import target

APART = 16
"""Numbers from one counter to the next: two cache lines, since processors fetch neighboring lines together."""

ON_X86, ON_ARM = (target()[0].startswith(names) for names in (("x86_64", "i686", "i386"), ("aarch64", "arm64")))

SPINS = 4096
"""Reads, of some ten nanoseconds each, after which a waiting thread sleeps: another may need its core."""


@apart
def wait_for_all(places: Any, thread: int, count: int) -> bool:
    """Waits until all threads have called it as often as this one; False if one has given up instead.

    A thread that gives up writes 1 after the counters, to places[count APART].
    """
    number = get(places, thread * APART) + 1
    store_release(places, thread * APART, number)
    for other in range(count):
        spins = 0
        while load_acquire(places, other * APART) < number:
            if load_acquire(places, count * APART) != 0:
                return False
            spins += 1
            pause(spins % SPINS == 0)
    return True


@intrinsic
def store_release(typing: Any, places: Any, index: Any, number: Any) -> Any:
    """places[index] = number, visible to other cores only after every earlier store, `stream` included."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        if ON_X86:
            _call(builder, "llvm.x86.sse.sfence")
        else:
            builder.fence("release")  # orders ARM's non-temporal stores too
        builder.store_atomic(args[2], address(context, builder, places, *args[:2]), ordering="release", align=8)
        return context.get_dummy_value()

    return types.void(places, types.intp, places.dtype), emit


@intrinsic
def load_acquire(typing: Any, places: Any, index: Any) -> Any:
    """The number places[index]; no later read happens before this one."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load_atomic(address(context, builder, places, *args), ordering="acquire", align=8)

    return places.dtype(places, types.intp), emit


@intrinsic
def pause(typing: Any, yields: Any) -> Any:
    """Waits some ten nanoseconds; if it `yields`, sleeps, so that another thread can have the core."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        if ON_X86:
            _call(builder, "llvm.x86.sse2.pause")
        elif ON_ARM:
            _call(builder, "llvm.aarch64.isb", WHOLE(15))  # waits for earlier instructions; `yield` takes no time
        if sys.platform != "win32":
            names, kind = builder.module.globals, ir.FunctionType(WHOLE, [WHOLE])
            sleep = names["usleep"] if "usleep" in names else ir.Function(builder.module, kind, "usleep")
            with builder.if_then(args[0]):
                builder.call(sleep, [WHOLE(1)])
        return context.get_dummy_value()

    return types.void(types.boolean), emit


@intrinsic
def stream(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """`store` that bypasses the caches, to a whole cache line."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = place_of(context, builder, sig, args, context.get_value_type(value))
        stored = builder.store(args[2], place, align=64)
        stored.set_metadata("nontemporal", builder.module.add_metadata([WHOLE(1)]))
        return context.get_dummy_value()

    return types.void(array, types.intp, value), emit


def _call(builder: Any, name: str, *numbers: Any) -> None:
    kind = ir.FunctionType(ir.VoidType(), [number.type for number in numbers])
    builder.call(builder.module.declare_intrinsic(name, fnty=kind), numbers)
