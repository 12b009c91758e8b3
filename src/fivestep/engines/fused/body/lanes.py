"""Vectors as a type for numba: `Lanes` is 64 bytes of numbers, sixteen of float32 or eight of float64.

A compiled loop is as fast as its vectors, and a compiler that has to find them by itself may silently fail to. Here the
vector is a type, so that every loop says what it does: `load` reads consecutive numbers of an array, `+ - * /`,
comparisons and `where` work lane by lane, and `store` writes them back. LLVM compiles each to one instruction where the
processor has registers of 64 bytes, and to two or four where they are smaller.

The compiler may contract a * b + c to one rounding, and nothing else: infinity and NaN stay what they are, so a run
that diverges is seen to diverge, and sums are added in the order in which they are written.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, final

from llvmlite import ir
from numba import njit, types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, overload, register_model

from .parts import PartCompiler

BYTES = 64
FOUR, EIGHT = 4, 8
CONTRACT = ("contract",)
WHOLE = ir.IntType(32)

_PART = {
    "nogil": True,
    "_nrt": False,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
    "pipeline_class": PartCompiler,
}

inline: Any = njit(forceinline=True, **_PART)
"""Compiles a function of the body into its caller, and without numba's reference counting, whose two locked
instructions for each use of an array took three quarters of a step. As nothing is allocated, it is not needed."""

apart: Any = njit(**_PART)
"""The same, but not inlined: for functions called a few times in a step that need all registers."""


def by_type(of: Mapping[type, Callable[..., Any]]) -> Any:
    """A function of the body with several implementations, chosen by the type of its first argument, a named tuple.

    Only the chosen one is compiled.
    """

    def function(*_arguments: Any) -> Any:
        raise AssertionError("only compiled code calls it")

    options = {"forceinline": True, **_PART}

    @overload(function, jit_options=options, strict=False)
    def choose(body: Any, *_others: Any) -> Any:
        return of[body.instance_class]

    return function


@final
class Lanes(types.Type):
    """A vector of `count` numbers or truth values."""

    def __init__(self, dtype: types.Type, count: int) -> None:
        self.dtype, self.count = dtype, count
        super().__init__(name=f"Lanes({dtype}, {count})")


@final
@register_model(Lanes)
class LanesModel(models.PrimitiveModel):
    """Lanes are an LLVM vector."""

    def __init__(self, manager: Any, lanes: Lanes) -> None:
        truth = lanes.dtype == types.boolean
        element = ir.IntType(1) if truth else manager.lookup(lanes.dtype).get_value_type()
        super().__init__(manager, lanes, ir.VectorType(element, lanes.count))


def lanes_of(dtype: types.Type) -> Lanes:
    """The vector of as many numbers of a type as fit."""
    return Lanes(dtype, 8 * BYTES // dtype.bitwidth)


@intrinsic
def width(typing: Any, array: Any) -> Any:
    """The number of lanes for the numbers of an array, a constant for the compiler."""
    count = lanes_of(array.dtype).count

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.get_constant(types.intp, count)

    return types.intp(array), emit


@intrinsic
def load(typing: Any, array: Any, index: Any) -> Any:
    """The numbers array[index], array[index + 1], ... as lanes."""
    lanes = lanes_of(array.dtype)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = place_of(context, builder, sig, args, context.get_value_type(lanes))
        return builder.load(place, align=array.dtype.bitwidth // 8)

    return lanes(array, types.intp), emit


@intrinsic
def store(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Writes lanes to array[index], array[index + 1], ..."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = place_of(context, builder, sig, args, context.get_value_type(value))
        builder.store(args[2], place, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, value), emit


@intrinsic
def get(typing: Any, array: Any, index: Any) -> Any:
    """The number array[index] of an array taken as flat memory; numba would first check for a negative index."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load(address(context, builder, array, *args))

    return array.dtype(array, types.intp), emit


@intrinsic
def put(typing: Any, array: Any, index: Any, number: Any) -> Any:
    """array[index] = number, likewise."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.store(args[2], address(context, builder, array, *args[:2]))
        return context.get_dummy_value()

    return types.void(array, types.intp, array.dtype), emit


@intrinsic
def prefetch(typing: Any, array: Any, index: Any) -> Any:
    """Asks the processor to load array[index] into the cache, without waiting for it."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = ir.IntType(8).as_pointer()
        place = builder.bitcast(address(context, builder, sig.args[0], *args), pointer)
        kind = ir.FunctionType(ir.VoidType(), [pointer, WHOLE, WHOLE, WHOLE])
        to_read, keep, data = (WHOLE(number) for number in (0, 3, 1))
        builder.call(builder.module.declare_intrinsic("llvm.prefetch.p0", fnty=kind), [place, to_read, keep, data])
        return context.get_dummy_value()

    return types.void(array, types.intp), emit


@intrinsic
def every(typing: Any, array: Any, number: Any) -> Any:
    """A number in every lane, in the type of an array."""
    lanes = lanes_of(array.dtype)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return widened(context, builder, args[1], sig.args[1], lanes)

    return lanes(array, number), emit


@intrinsic
def where(typing: Any, mask: Any, a: Any, b: Any) -> Any:
    """`a` in the lanes where the mask is true, `b` elsewhere; one of the two may be a number."""
    lanes = a if isinstance(a, Lanes) else b

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        values = [widened(context, builder, v, kind, lanes) for v, kind in zip(args[1:], sig.args[1:], strict=True)]
        return builder.select(args[0], *values)

    return lanes(mask, a, b), emit


@intrinsic
def total(typing: Any, value: Any) -> Any:
    """The sum over the lanes, half of them added to the other half until one is left."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector, count = args[0], value.count
        while count > 1:
            count //= 2
            low, high = range(count), range(count, 2 * count)
            vector = builder.fadd(chosen(builder, vector, low), chosen(builder, vector, high), flags=CONTRACT)
        return builder.extract_element(vector, WHOLE(0))

    return value.dtype(value), emit


@intrinsic
def power_in(typing: Any, t: Any) -> Any:
    """2^n for t = n + 1.5 2^23 + 127 (float32) or n + 1.5 2^52 + 1023: the last bits of t are the exponent's."""
    mantissa = {32: 23, 64: 52}[t.dtype.bitwidth]

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        bits = ir.VectorType(ir.IntType(t.dtype.bitwidth), t.count)
        return builder.bitcast(builder.shl(builder.bitcast(args[0], bits), _constant(bits, mantissa)), args[0].type)

    return t(t), emit


@intrinsic
def exponent(typing: Any, value: Any) -> Any:
    """The integer k for which value 2^-k is in [0.707, 1.414), for normal numbers above 0."""
    mantissa, root_half = {32: (23, 0x3F3504F3), 64: (52, 0x3FE6A09E667F3BCD)}[value.dtype.bitwidth]

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        bits = ir.VectorType(ir.IntType(value.dtype.bitwidth), value.count)
        above = builder.sub(builder.bitcast(args[0], bits), _constant(bits, root_half))
        whole = builder.ashr(above, _constant(bits, mantissa))
        whole = builder.trunc(whole, ir.VectorType(WHOLE, value.count)) if value.dtype.bitwidth == 64 else whole
        return builder.sitofp(whole, args[0].type)

    return value(value), emit


def constant(single: float, double: float) -> Any:
    """A function of lanes that gives one number for float32 and another for float64."""
    return polynomial((single,), (double,))


def polynomial(single: tuple[float, ...], double: tuple[float, ...]) -> Any:
    """The polynomial with these coefficients, the highest power first, for lanes of float32 and of float64."""

    @intrinsic
    def value(typing: Any, z: Any) -> Any:
        coefficients = {32: single, 64: double}[z.dtype.bitwidth]

        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            result, *rest = (_constant(args[0].type, c) for c in coefficients)
            for c in rest:
                result = builder.fadd(builder.fmul(result, args[0], flags=CONTRACT), c, flags=CONTRACT)
            return result

        return z(z), emit

    return value


def _of_llvm(name: str) -> Any:
    @intrinsic
    def function(typing: Any, value: Any) -> Any:
        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            vector = args[0].type
            full_name = f"llvm.{name}.v{value.count}f{value.dtype.bitwidth}"
            return builder.call(
                builder.module.declare_intrinsic(full_name, fnty=ir.FunctionType(vector, [vector])), args
            )

        return value(value), emit

    return function


sqrt, absolute, nearest = _of_llvm("sqrt"), _of_llvm("fabs"), _of_llvm("rint")


@intrinsic
def with_sign_of(typing: Any, sign: Any, value: Any) -> Any:
    """|value| with the sign of another, lane by lane."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector = args[1].type
        full_name = f"llvm.copysign.v{value.count}f{value.dtype.bitwidth}"
        made = builder.module.declare_intrinsic(full_name, fnty=ir.FunctionType(vector, [vector, vector]))
        return builder.call(made, [args[1], args[0]])

    return value(sign, value), emit


def _operation(symbol: Any, emit: Callable[[Any, Any, Any], Any], *, truth: bool = False) -> None:
    """Teaches numba an operator between lanes, or between lanes and a number."""

    class Typed(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            lanes = next((arg for arg in args if isinstance(arg, Lanes)), None)
            if lanes is None or len(args) != 2 or not all(isinstance(arg, Lanes | types.Number) for arg in args):
                return None
            return signature(Lanes(types.boolean if truth else lanes.dtype, lanes.count), *args)

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        lanes = next(kind for kind in sig.args if isinstance(kind, Lanes))
        return emit(
            builder, *(widened(context, builder, v, kind, lanes) for v, kind in zip(args, sig.args, strict=True))
        )

    infer_global(symbol)(Typed)
    for kinds in ((Lanes, Lanes), (Lanes, types.Number), (types.Number, Lanes)):
        lower_builtin(symbol, *kinds)(lower)


_operation(operator.add, lambda builder, a, b: builder.fadd(a, b, flags=CONTRACT))
_operation(operator.sub, lambda builder, a, b: builder.fsub(a, b, flags=CONTRACT))
_operation(operator.mul, lambda builder, a, b: builder.fmul(a, b, flags=CONTRACT))
_operation(operator.truediv, lambda builder, a, b: builder.fdiv(a, b, flags=CONTRACT))
_operation(operator.lt, lambda builder, a, b: builder.fcmp_ordered("<", a, b), truth=True)
_operation(operator.le, lambda builder, a, b: builder.fcmp_ordered("<=", a, b), truth=True)
_operation(operator.gt, lambda builder, a, b: builder.fcmp_ordered(">", a, b), truth=True)
_operation(operator.ge, lambda builder, a, b: builder.fcmp_ordered(">=", a, b), truth=True)
_operation(operator.eq, lambda builder, a, b: builder.fcmp_ordered("==", a, b), truth=True)


def address(context: Any, builder: Any, array: types.Array, value: Any, index: Any) -> Any:
    """The address of array[index]; the index is not checked."""
    return builder.gep(context.make_array(array)(context, builder, value).data, [index])


def place_of(context: Any, builder: Any, sig: Any, args: Any, vector: Any) -> Any:
    """The same as a pointer to a vector."""
    return builder.bitcast(address(context, builder, sig.args[0], *args[:2]), vector.as_pointer())


def widened(context: Any, builder: Any, value: Any, kind: types.Type, lanes: Lanes) -> Any:
    """A number in every lane; lanes as they are."""
    if isinstance(kind, Lanes):
        return value
    return in_every(builder, context.cast(builder, value, kind, lanes.dtype), context.get_value_type(lanes))


def in_every(builder: Any, number: Any, vector: Any) -> Any:
    """A number in every element of a vector."""
    return chosen(builder, builder.insert_element(_undefined(vector), number, WHOLE(0)), [0] * vector.count)


def chosen(builder: Any, vector: Any, which: Sequence[int], more: Any = None) -> Any:
    """The elements `which` of a vector, or of a vector followed by one `more`."""
    mask = ir.Constant(ir.VectorType(WHOLE, len(which)), list(which))
    return builder.shuffle_vector(vector, _undefined(vector.type) if more is None else more, mask)


def put_some(builder: Any, pointer: Any, vector: Any, count: Any, later: Any) -> None:
    """Stores the first `count` numbers of a vector, added to what is there if `later`."""
    flags = ir.VectorType(ir.IntType(1), vector.type.count)
    first, each = (
        ir.Constant(ir.VectorType(count.type, vector.type.count), [*range(vector.type.count)]),
        [0] * vector.type.count,
    )
    counts = builder.insert_element(_undefined(first.type), count, WHOLE(0))
    wanted = builder.icmp_signed("<", first, chosen(builder, counts, each))
    is_later = builder.trunc(later, ir.IntType(1)) if later.type.width > 1 else later
    kept = builder.and_(wanted, chosen(builder, builder.insert_element(_undefined(flags), is_later, WHOLE(0)), each))
    kind, align = f"v{vector.type.count}{vector.type.element.intrinsic_name}.p0", WHOLE(4)
    load_type = ir.FunctionType(vector.type, [vector.type.as_pointer(), WHOLE, flags, vector.type])
    store_type = ir.FunctionType(ir.VoidType(), [vector.type, vector.type.as_pointer(), WHOLE, flags])
    pointer = builder.bitcast(pointer, vector.type.as_pointer())
    load_some = builder.module.declare_intrinsic(f"llvm.masked.load.{kind}", fnty=load_type)
    store_some = builder.module.declare_intrinsic(f"llvm.masked.store.{kind}", fnty=store_type)
    before = builder.call(load_some, [pointer, align, kept, _constant(vector.type, 0.0)])
    builder.call(store_some, [builder.fadd(before, vector, flags=CONTRACT), pointer, align, wanted])


def _constant(vector: Any, number: float) -> Any:
    return ir.Constant(vector, [number] * vector.count)


def _undefined(vector: Any) -> Any:
    return ir.Constant(vector, ir.Undefined)
