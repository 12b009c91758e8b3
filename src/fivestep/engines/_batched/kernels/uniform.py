"""Uniform numbers of many seeds at once, to the bit as torch's generator for the CPU draws them: mt19937.

Each thread takes a seed. The states are interleaved, so that neighboring threads read neighboring words.
"""

import triton
import triton.language as tl


@triton.jit
def draw(seeds, states, out, K, P, THREADS: tl.constexpr):
    """Fills `out` (K, P) with 24-bit numbers in [0, 1), which float32 represents exactly; states (624, K).

    Matsumoto and Nishimura 1998: a state of 624 numbers, each of which is made of three others before it is used.
    """
    k = tl.program_id(0).to(tl.int64) * THREADS + tl.arange(0, THREADS)
    here = k < K
    x = tl.load(seeds + k, mask=here, other=0).to(tl.uint32)
    tl.store(states + k, x, mask=here)
    for i in range(1, 624):
        x = (x ^ (x >> 30)) * 1812433253 + i
        tl.store(states + i * K + k, x, mask=here)
    tl.debug_barrier()
    for p in range(P):
        i = p % 624
        one = tl.load(states + i * K + k, mask=here, other=0)
        following = tl.load(states + (i + 1) % 624 * K + k, mask=here, other=0)
        both = (one & 0x80000000) | (following & 0x7FFFFFFF)
        y = tl.load(states + (i + 397) % 624 * K + k, mask=here, other=0) ^ (both >> 1)
        y = y ^ ((both & 1) * 0x9908B0DF)
        tl.store(states + i * K + k, y, mask=here)
        y = y ^ (y >> 11)
        y = y ^ ((y << 7) & 0x9D2C5680)
        y = y ^ ((y << 15) & 0xEFC60000)
        y = y ^ (y >> 18)
        tl.store(out + k * P + p, (y & 0xFFFFFF).to(tl.float32) * (1.0 / 16777216.0), mask=here)
        tl.debug_barrier()  # another number is made of this one, 227 later
