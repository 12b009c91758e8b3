"""The vector registers of the processor that numba compiles for.

That is this processor, unless NUMBA_CPU_NAME and NUMBA_CPU_FEATURES name another one.
"""

from typing import NamedTuple

from numba.core.registry import cpu_target


class Registers(NamedTuple):
    """The number of vector registers, and the size of one in bytes."""

    number: int
    size: int


def target() -> tuple[str, str, str]:
    """The system, the processor and its features, as numba compares them before it takes code from the disk."""
    system, processor, features = cpu_target.target_context.codegen().magic_tuple()
    return system, processor, features


def registers_of(system: str, features: str) -> Registers:
    """The registers of a processor with these features: AVX-512, AVX2, ARM's NEON, or what every x86 has."""
    has = {feature.removeprefix("+") for feature in features.split(",")}
    if system.startswith(("aarch64", "arm64")):
        return Registers(32, 16)
    if "avx512f" in has:
        return Registers(32, 64)
    return Registers(16, 32 if "avx2" in has else 16)


def registers() -> Registers:
    """The registers of the processor that numba compiles for."""
    system, _, features = target()
    return registers_of(system, features)
