"""Exponential, logarithm, tanh and their relatives on lanes: no branches and no calls, so that loops stay vectorized.

Each reduces its argument to a short interval and evaluates a polynomial there, a Chebyshev fit computed with 40 digits
(mpmath). The error is at most 2 units in the last place of float32 and of float64 (3 for `tanh`, `sigmoid` and `log1p`)
over the whole range, measured against mpmath by `tests/engines/fused/test_elementwise.py`. NaN stays NaN.
"""

from typing import Any

from .lanes import absolute, constant, exponent, inline, polynomial, power_in, where

_EXPM1 = polynomial(
    (1.989108046e-4, 0.001393373072, 0.008333310845, 0.0416664642, 0.1666666668, 0.5000000014),
    (
        2.09147553258932022e-9,
        2.51053127296221018e-8,
        2.75572734787185805e-7,
        2.75572551700008874e-6,
        2.48015873256774619e-5,
        1.98412698750022788e-4,
        0.00138888888888837112,
        0.00833333333332608312,
        0.0416666666666666698,
        0.16666666666666671,
        0.5,
    ),
)
"""The polynomial P in expm1(r) = r + r^2 P(r)."""

_TANH = polynomial(
    (-0.05299268170, 0.1333223467, -0.3333333149),
    (
        -0.00139515877022175444,
        0.00358963398254515096,
        -0.00886318447006401245,
        0.0218694879985778526,
        -0.0539682539655562073,
        0.133333333333328253,
        -0.333333333333333332,
    ),
)
"""The polynomial T in tanh(q) = q + q^3 T(q^2), up to log(2) / 4."""

_ATANH_NEAR = polynomial(
    (0.2958215895, 0.3998873183, 0.6666668516),
    (
        0.146193434535126152,
        0.153314872358657332,
        0.181828961834830866,
        0.222222110378165877,
        0.285714286265702036,
        0.399999999998981919,
        0.666666666666666973,
    ),
)
_ATANH_FAR = polynomial(
    (0.2322438255, 0.2170656547, 0.2859235861, 0.3999970632, 0.6666666732),
    (
        0.156306639197578496,
        0.0749209840892353298,
        0.108451885310462565,
        0.117342778121399423,
        0.133351787241354354,
        0.153845439606219826,
        0.181818198980801506,
        0.22222222198234912,
        0.285714285716001141,
        0.399999999999995225,
        0.666666666666666669,
    ),
)
_ERF = polynomial(
    (7.875875063e-5, -8.016864287e-4, 0.005189087423, -0.02685421201, 0.1128359472, -0.3761262667, 1.128379166),
    (
        -7.79589882700214224e-10,
        1.37200645467776856e-8,
        -1.62084838018717059e-7,
        1.64474247033173624e-6,
        -1.49247369074196603e-5,
        1.20552949048397079e-4,
        -8.54832597538969208e-4,
        0.00522397760711642273,
        -0.0268661706432377704,
        0.112837916709450063,
        -0.376126389031835404,
        1.12837916709551257,
    ),
)
_ERFC = polynomial(
    (
        -8.468608866e-4,
        -8.467640506e-4,
        0.006973542284,
        0.00373360678,
        -0.0789771508,
        0.2416581671,
        -0.4271858701,
        0.2553956764,
    ),
    (
        -2.22812957637235017e-7,
        4.14630218326848772e-6,
        1.85942738742940198e-6,
        -1.41663390691171082e-5,
        -2.76407278219128536e-5,
        2.75603527566783132e-5,
        1.74364772572567369e-4,
        4.35526535981788277e-5,
        -9.81977111474071531e-4,
        -8.47143122941533342e-4,
        0.00699746173920057474,
        0.00373289240165644815,
        -0.0789785810157126937,
        0.241658194242487627,
        -0.427185847413958492,
        0.255395676310505716,
    ),
)
_LARGEST = constant(89.0, 710.0)  # exp of more is infinite
_SMALLEST = constant(-104.0, -746.0)  # exp of less is 0
_LEAST = constant(-87.0, -708.0)  # exp of less is, or soon would be, a subnormal number
_SATURATED = constant(9.02, 19.1)  # tanh of more is 1
_LOG2_HIGH = constant(0.693359375, 0.693147180369123816)  # few bits, so that a whole number times this is exact
_LOG2_LOW = constant(-2.12194440054690583e-4, 1.90821492927058770e-10)
_LOG2_HALF = 0.34657359027997265
_LOG2_E = 1.44269504088896341
_WHOLE = constant(12582912.0 + 127.0, 6755399441055744.0 + 1023.0)
"""1.5 2^23 (1.5 2^52 in float64), which rounds what is added to it to an integer, plus the bias of the exponent."""


@inline
def _reduced(z: Any, zero: Any) -> Any:
    """The number t = n + zero, and expm1(r), for the integer n with z = n log 2 + r and |r| <= log(2) / 2."""
    t = z * _LOG2_E + zero
    n = t - zero
    r = (z - n * _LOG2_HIGH(z)) - n * _LOG2_LOW(z)
    return t, r + r * r * _EXPM1(r)


@inline
def exp(z: Any) -> Any:
    """e^z, infinite or 0 beyond the range of the type."""
    z = where(z > _LARGEST(z), _LARGEST(z), z)
    z = where(z < _SMALLEST(z), _SMALLEST(z), z)
    zero = _WHOLE(z)
    t, p = _reduced(z, zero)
    n = t - zero
    half = n * 0.5 + zero  # in two factors: 2^n itself may be subnormal or infinite
    return (p + 1.0) * power_in(half) * power_in(n - (half - zero) + zero)


@inline
def exp_below(z: Any) -> Any:
    """e^z for z <= 0; 0 where it would be subnormal, as arithmetic on subnormal numbers takes ten times as long."""
    t, p = _reduced(where(z < _LEAST(z), _LEAST(z), z), _WHOLE(z))
    return where(z < _LEAST(z), 0.0, (p + 1.0) * power_in(t))


@inline
def exp_of_size(z: Any) -> Any:
    """The exponential u = e^-|z|, which never overflows: the longest part of softplus and sigmoid."""
    return exp_below(0.0 - absolute(z))


@inline
def sigmoid(z: Any) -> Any:
    """1 / (1 + e^-z), as 1 / (1 + u) or u / (1 + u) with u = e^-|z|."""
    u = exp_of_size(z)
    return where(z < 0.0, u, 1.0) / (1.0 + u)


@inline
def expm1(z: Any) -> Any:
    """e^z - 1 for z <= 0."""
    z = where(z > 0.0, 0.0, z)
    z = where(z < -50.0, -50.0, z)  # there e^z is negligible beside 1
    t, p = _reduced(z, _WHOLE(z))
    scale = power_in(t)
    return scale * p + (scale - 1.0)


@inline
def tanh(z: Any) -> Any:
    """The quotient of s - 1 + (s + 1) h and s + 1 + (s - 1) h: s = 2^n, h the tanh of q, 2 z = n log 2 + 2 q.

    One float for log 2 is exact enough, as n is small wherever tanh is not yet 1.
    """
    z = where(z > _SATURATED(z), _SATURATED(z), z)
    z = where(z < 0.0 - _SATURATED(z), 0.0 - _SATURATED(z), z)
    t = z * (2.0 * _LOG2_E) + _WHOLE(z)
    q = z - (t - _WHOLE(z)) * _LOG2_HALF
    h, s = q + q * (q * q) * _TANH(q * q), power_in(t)
    return ((s + 1.0) * h + (s - 1.0)) / ((s - 1.0) * h + (s + 1.0))


@inline
def log1p(u: Any) -> Any:
    """log(1 + u) for u in [0, 1], as 2 artanh(u / (2 + u))."""
    t = u / (u + 2.0)
    return 2.0 * t + t * t * t * _ATANH_FAR(t * t)


@inline
def log(s: Any) -> Any:
    """The logarithm of a normal number s > 0: k log 2 + 2 artanh((m - 1) / (m + 1)) with s = m 2^k."""
    k = exponent(s)
    m = s * power_in(_WHOLE(s) - k)
    t = (m - 1.0) / (m + 1.0)
    return k * _LOG2_HIGH(s) + (2.0 * t + (t * t * t * _ATANH_NEAR(t * t) + k * _LOG2_LOW(s)))


@inline
def softplus_and_sigmoid(z: Any, u: Any) -> Any:
    """log(1 + e^z) and its derivative 1 / (1 + e^-z), from z and its `exp_of_size`."""
    return where(z < 0.0, 0.0, z) + log1p(u), where(z < 0.0, u, 1.0) / (1.0 + u)


@inline
def softplus(z: Any) -> Any:
    """log(1 + e^z), without overflow."""
    return softplus_and_sigmoid(z, exp_of_size(z))[0]


@inline
def erf(z: Any) -> Any:
    """The error function: a power series up to 1, and 1 - e^-x^2 erfcx(x) beyond."""
    x = absolute(z)
    near = x * _ERF(where(x < 1.0, x * x, 1.0))
    x = where(x > 6.0, 6.0, where(x < 1.0, 1.0, x))
    far = 1.0 - exp(0.0 - x * x) * _ERFC((x - 2.0) / (x + 2.0))
    t = where(absolute(z) < 1.0, near, far)
    return where(z < 0.0, 0.0 - t, t)
