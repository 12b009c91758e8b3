"""Random bits of many streams at once, to the bit as `draws.Draws` draws them: NumPy's SFC64, seeded by SeedSequence.

Each thread generates one stream, from its seed to its last word. All arithmetic is on unsigned integers with
wraparound. Sources: O'Neill 2015, "Developing a seed_seq alternative"; Doty-Humphrey, PractRand (sfc64).
"""

import triton
import triton.language as tl


@triton.jit
def hashed(value, factor, MULTIPLIER: tl.constexpr):
    """A 32-bit number mixed with a factor, and the next factor."""
    value = value ^ factor
    factor = factor * MULTIPLIER
    value = value * factor
    return value ^ (value >> 16), factor


@triton.jit
def mixed(x, y):
    """One number of two."""
    z = x * 0xCA01F9DD - y * 0x4973F715
    return z ^ (z >> 16)


@triton.jit
def pool_of(seed):
    """The four pool words that a SeedSequence makes from a seed below 2^64."""
    nothing = seed.to(tl.uint32) * 0
    factor = nothing + 0x43B0D7E5
    p0, factor = hashed(seed.to(tl.uint32), factor, 0x931E8875)
    p1, factor = hashed((seed >> 32).to(tl.uint32), factor, 0x931E8875)
    p2, factor = hashed(nothing, factor, 0x931E8875)
    p3, factor = hashed(nothing, factor, 0x931E8875)
    pool = (p0, p1, p2, p3)
    for source in tl.static_range(4):
        more = ()
        for k in tl.static_range(4):
            if k == source:
                more = more + (pool[k],)
            else:
                h, factor = hashed(pool[source], factor, 0x931E8875)
                more = more + (mixed(pool[k], h),)
        pool = more
    return pool


@triton.jit
def seeded(seed):
    """The initial state of SFC64, before the outputs that it discards."""
    pool = pool_of(seed)
    factor = pool[0] * 0 + 0x8B51F9DD
    words = ()
    for k in tl.static_range(3):
        low, factor = hashed(pool[2 * k % 4], factor, 0x58F38DED)
        high, factor = hashed(pool[(2 * k + 1) % 4], factor, 0x58F38DED)
        words = words + (low.to(tl.uint64) | (high.to(tl.uint64) << 32),)
    return words


@triton.jit
def draw(seeds, out, num_streams, num_words, THREADS: tl.constexpr):
    """Fills `out` (streams, words) of 64 bits, each with four 15-bit numbers."""
    k = tl.program_id(0).to(tl.int64) * THREADS + tl.arange(0, THREADS)
    here = k < num_streams
    start = seeded(tl.load(seeds + k, mask=here, other=0).to(tl.uint64))
    a, b, c, count = start[0], start[1], start[2], start[0] * 0 + 1
    for w in range(-12, num_words):
        word = a + b + count
        count += 1
        a = b ^ (b >> 11)
        b = c + (c << 3)
        c = ((c << 24) | (c >> 40)) + word
        tl.store(out + k * num_words + w, (word & 0x7FFF7FFF7FFF7FFF).to(tl.int64), mask=here & (w >= 0))
