"""The arithmetic of the draw in numpy: functions of binary32 that round alike everywhere, random numbers and times."""
import numpy as np

f32, f64, u32, u64 = np.float32, np.float64, np.uint32, np.uint64
BLOCK = 256
HOTTEST = 2.0**90            # a higher temperature counts as this one
GREEDY_BELOW = f32(1e-5)
SMALLEST = f32(2.0**-126)    # the smallest positive normal number
LARGEST = np.finfo(f32).max
INF = f32(np.inf)
LEAST_MASS = 256             # filters that measure a mass keep all of a smaller one
SMALLEST_SHARE = f32(2.0**-80)   # a smaller one counts as 0


def flushed(values):
    """Subnormal numbers and -0 are +0."""
    return np.where(np.abs(values) < SMALLEST, f32(0), values)


def fused(a, b, c):
    """a * b + c in binary32, rounded once: the sum cut off in binary64 with a sticky last bit, then rounded."""
    a, b, c = (np.asarray(x, f32).astype(f64) for x in (a, b, c))
    with np.errstate(invalid="ignore", over="ignore"):
        product = a * b                     # exact: 48 bits
        total = np.atleast_1d(product + c)
        bits = total.view(np.int64)
        if not ((bits & 0x1FFFFFFF == 0x10000000) | (np.abs(total) < SMALLEST)).any():
            return total.astype(f32)        # nowhere half way between neighbours: to round twice is to round once
        back = total - product
        lost = (product - (total - back)) + (c - back)
        inexact = np.isfinite(total) & (lost != 0)
        bits = bits - (inexact & ((lost < 0) != (total < 0)))
        return np.where(inexact, bits | 1, bits).view(f64).astype(f32)


def horner(f, coefficients):
    value = np.full(np.shape(f), f32(float.fromhex(coefficients[0])))
    for coefficient in coefficients[1:]:
        value = fused(value, f, f32(float.fromhex(coefficient)))
    return value


POWER = ("0x1.470b48p-13", "0x1.5f7276p-10", "0x1.3b270ep-7", "0x1.c6ae72p-5", "0x1.ebfbe2p-3", "0x1.62e432p-1",
         "0x1p+0")    # coefficients of 2^f


def parted(t):
    """t, which is -126 where it is less: the integer that it rounds to, and the rest."""
    t = np.where(t > f32(-126), t, f32(-126))
    whole = np.rint(t)
    return whole.astype(np.int64), t - whole


def power(t):
    """2^t, in binary32."""
    whole, f = parted(t)
    return np.ldexp(horner(f, POWER), whole)


def weight(t):
    """2^27 * 2^t as an integer."""
    return fused(power(t), f32(2**27), f32(0.5)).astype(np.int64)


def logarithm(x):
    """The natural logarithm of positive normal numbers, the logit of a probability."""
    offset = x.view(u32).astype(np.int64) + (0x3F800000 - 0x3F3504F3)
    e = ((offset >> 23) - 127).astype(f32)
    f = ((offset & 0x7FFFFF) + 0x3F3504F3).astype(u32).view(f32) - f32(1)
    q = horner(f, ("-0x1.3892f6p-4", "0x1.0744cep-3", "-0x1.0e7f6p-3", "0x1.229c8p-3", "-0x1.544e7p-3",
                   "0x1.99a212p-3", "-0x1.0002c8p-2", "0x1.555552p-2"))
    whole = e * f32(float.fromhex("0x1.62e3p-1"))
    total = whole + f
    rest = fused(e, f32(float.fromhex("0x1.2fefa2p-17")), f - (total - whole))
    return total + fused(f * f, fused(q, f, f32(-0.5)), rest)


def precise_log(x):
    """ln x for 0 < x <= 1 in binary64, by + - * / alone."""
    exponent = 0
    while x < 0.5:
        x, exponent = x * 2.0, exponent - 1
    if x == 1.0:
        x, exponent = 0.5, 1
    if x < 0.7071067811865476:
        x, exponent = x * 2.0, exponent - 1
    s = (x - 1.0) / (x + 1.0)
    square, series = s * s, 0.0
    for n in (23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3):
        series = (series + 1.0 / n) * square
    return exponent * 0.6931471805599453 + 2.0 * (s + s * series)


CDF, TOKENS, BLOCKS, CHOICES, TAIL = 0, 1, 2, 3, 128  # uses of the random stream; TAIL is added for the lower bits


def philox(use, calls, seed, offset, stream):
    """The four words of each call in one use: Philox4x32-10 with the seed as key, and as counter the offset, the
    stream, and use and call."""
    low = u64(0xFFFFFFFF)
    calls = np.asarray(calls, u64)
    counter = [np.broadcast_to(u64(x), calls.shape) for x in (offset & 0xFFFFFFFF, offset >> 32, stream)]
    counter.append(calls | u64(use << 24))
    key = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        left, right = counter[0] * u64(0xD2511F53), counter[2] * u64(0xCD9E8D57)
        counter = [right >> u64(32) ^ counter[1] ^ u64(key[0]), right & low,
                   left >> u64(32) ^ counter[3] ^ u64(key[1]), left & low]
        key = key[0] + 0x9E3779B9 & 0xFFFFFFFF, key[1] + 0xBB67AE85 & 0xFFFFFFFF
    return np.stack(counter)


def random_64(seed, offset, stream):
    """The 64 bits of a draw by inverse CDF."""
    words = philox(CDF, 0, seed, offset, stream)
    return int(words[0]) | int(words[1]) << 32


assert random_64(0, 0, 0) == 0xE169C58D6627E8D5    # what Random123 has (kat_philox.txt)


def random_31(use, indices, seed, offset, stream):
    """31 bits for each index in one use: 64 indices share 16 calls, the first 16 their first words."""
    calls, inverse = np.unique(indices // 64 * 16 + indices % 16, return_inverse=True)
    return (philox(use, calls, seed, offset, stream)[indices // 16 % 4, inverse] >> u64(1)).astype(np.int64)


def exponential(high, low):
    """-ln(1 - v) for the random number v of the bits high, and low below them where high is small."""
    plain = fused(high.astype(f32), f32(2.0**-31), f32(2.0**-32))
    tailed = fused((low | 1).astype(f32), f32(2.0**-62), high.astype(f32) * f32(2.0**-31))
    rest = fused((2**31 - 1 - high).astype(f32), f32(2.0**-31), f32(2.0**-32))
    mantissa, exponent = np.frexp(rest)             # mantissa in [1/2, 1)
    lower = high < 2**30
    g = np.where(lower, np.where(high < 2**20, tailed, plain), f32(1) - mantissa)
    halvings = np.where(lower, 0, -exponent).astype(f32)
    series = horner(g, ("0x1.6a0b54p+0", "-0x1.a391a6p+0", "0x1.354a32p+0", "-0x1.72165ep-3", "0x1.0df4eap-2",
                        "0x1.f3144ap-3", "0x1.55a382p-2", "0x1.fffecp-2"))
    return fused(halvings, f32(float.fromhex("0x1.62e43p-1")), fused(g * g, series, g))


def reciprocal(x):
    """1 / x for 1 to 2^36."""
    r = (0x7EF311C3 - x.view(u32).astype(np.int64)).astype(u32).view(f32)
    for _ in range(3):
        r = fused(r, fused(-x, r, f32(1)), r)
    return r


def time_bits(high, low, weights):
    """The time of runners with these random bits and weights, none 0: the bits of a positive binary32."""
    F = fused((weights >> 18).astype(f32), f32(2.0**18), (weights & 0x3FFFF).astype(f32))
    return (exponential(high, low) * reciprocal(F)).view(u32).astype(np.int64)


def times(use, runners, weights, seed, offset, stream):
    """When the runners of these weights arrive."""
    high = random_31(use, runners, seed, offset, stream)
    return time_bits(high, random_31(use + TAIL, runners, seed, offset, stream), weights)


def nearest(mass):
    return fused(f32(mass >> 28), f32(2.0**28), f32(mass & 0xFFFFFFF))


def reached(share):
    """A share, a little less, so that what has it on paper has it in spite of rounding."""
    return f32(float(share) * (1 - 2.0**-17))


def in_units(share):
    """A share, in units of 2^-32."""
    return int(float(f32(share)) * 2.0**32 + 0.5)


def scale_order(r):
    """The integer that a block's scale counts for: itself up to 2^39, beyond in steps of 128 from number to number."""
    size = np.abs(r)
    beyond = 2**39 + 128 * (size.view(u32).astype(np.int64) - 0x53000000)
    return np.where(size <= f32(2.0**39), np.where(size <= f32(2.0**39), r, 0).astype(np.int64),
                    np.where(r < 0, -beyond, beyond))
