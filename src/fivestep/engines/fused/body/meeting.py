"""Where threads of compiled code wait for one another, and stores that another core is going to read.

Each thread counts up a number of its own, on a line of the cache of its own, and looks at those of the others. What a
core writes to a line that another has read costs it 8 nanoseconds where the two share no cache, twenty times a plain
store: the other's copy has to go first. A store past the caches (`stream`) costs a fifth of that.
"""

import sys
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .lanes import WHOLE, address, apart, get, place_of
from .target import target

APART = 16
"""Numbers between two counters: two lines of the cache, since processors fetch neighbors together."""

ON_X86, ON_ARM = (target()[0].startswith(names) for names in (("x86_64", "i686", "i386"), ("aarch64", "arm64")))

PATIENCE = 4096
"""Looks, of some ten nanoseconds each, after which a thread that waits sleeps a while: another may need its core."""


@apart
def meet(places: Any, thread: int, count: int) -> bool:
    """Waits until all threads have come here as often as this one; False if one has left the work instead.

    Who leaves writes 1 behind the counters, places[count APART].
    """
    number = get(places, thread * APART) + 1
    arrive(places, thread * APART, number)
    for other in range(count):
        looks = 0
        while look(places, other * APART) < number:
            if look(places, count * APART) != 0:
                return False
            looks += 1
            rest(looks % PATIENCE == 0)
    return True


@intrinsic
def arrive(typing: Any, places: Any, index: Any, number: Any) -> Any:
    """places[index] = number, to be seen after all that was stored before it, past the caches too."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        if ON_X86:
            _call(builder, "llvm.x86.sse.sfence")
        else:
            builder.fence("release")  # which ARM's stores past the caches wait for, as others do
        builder.store_atomic(args[2], address(context, builder, places, *args[:2]), ordering="release", align=8)
        return context.get_dummy_value()

    return types.void(places, types.intp, places.dtype), emit


@intrinsic
def look(typing: Any, places: Any, index: Any) -> Any:
    """The number places[index], read before all that is read after it."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load_atomic(address(context, builder, places, *args), ordering="acquire", align=8)

    return places.dtype(places, types.intp), emit


@intrinsic
def rest(typing: Any, gives_up: Any) -> Any:
    """Some ten nanoseconds, in which the processor does little; or a turn for whoever else needs the core."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        if ON_X86:
            _call(builder, "llvm.x86.sse2.pause")
        elif ON_ARM:
            _call(builder, "llvm.aarch64.isb", WHOLE(15))  # it waits for all that came before; a hint takes no time
        if sys.platform != "win32":
            names, kind = builder.module.globals, ir.FunctionType(WHOLE, [WHOLE])
            sleep = names["usleep"] if "usleep" in names else ir.Function(builder.module, kind, "usleep")
            with builder.if_then(args[0]):
                builder.call(sleep, [WHOLE(1)])
        return context.get_dummy_value()

    return types.void(types.boolean), emit


@intrinsic
def stream(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """`store` past the caches, to a whole line of the cache."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = place_of(context, builder, sig, args, context.get_value_type(value))
        stored = builder.store(args[2], place, align=64)
        stored.set_metadata("nontemporal", builder.module.add_metadata([WHOLE(1)]))
        return context.get_dummy_value()

    return types.void(array, types.intp, value), emit


def _call(builder: Any, name: str, *numbers: Any) -> None:
    kind = ir.FunctionType(ir.VoidType(), [number.type for number in numbers])
    builder.call(builder.module.declare_intrinsic(name, fnty=kind), numbers)
