#!/usr/bin/env python3
"""The draw, stated in numpy apart from the C: which token a row of logits yields.

    python3 reference.py known_answers.txt    writes the answers that the C is tested with
    python3 reference.py --check known_answers.txt    compares a file with what it would write
    python3 reference.py --self-test          prints the answers that src/self_test_answers.h has, and the sum of times
                                              that test_race.c has

A row is cut into blocks of 256 ids. A token's weight is an integer, 2^27 * 2^t, where t is
its scaled logit less its block's rounded maximum; block sums are exact. Shifting a sum by
the distance of its block's maximum from the row's brings all to one scale. Ranked by logit
(larger first, then lower id) the kept tokens are neighbours, and each filter keeps some of
them. Then blocks race, and the kept tokens of the block that wins: each arrives after an
exponential random number of its own divided by its weight, and the first is drawn. Or, by
inverse CDF, one random number of 64 bits picks a block, and a token in it.
"""
import sys
from collections import namedtuple
from functools import lru_cache
from math import isqrt

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

# ---------------------------------------------------------------------- rows
# As rows.c has them: integers, scaled by powers of two.

KINDS = ("peaked flat gaussian equal one_hot mostly_masked lowest ties zeros subnormal huge stairs negative"
         " nan infinite empty").split()
SUM_LOW, SUM_HIGH, VALUE, MASK, ALLOWED, BIASED, BIAS, PLACE = 1, 2, 3, 4, 5, 6, 7, 16


def hashed(seed, use, ids):
    h = (np.asarray(ids, u64) + u64((seed * 0x9E3779B1 + use * 0x85EBCA77) % 2**32)) & u64(0xFFFFFFFF)
    h = ((h ^ h >> u64(16)) * u64(0x7FEB352D)) & u64(0xFFFFFFFF)
    h = ((h ^ h >> u64(15)) * u64(0x846CA68B)) & u64(0xFFFFFFFF)
    return (h ^ h >> u64(16)).astype(np.int64)


def scaled(n, exponent):
    """n * 2^exponent, exactly."""
    return np.ldexp(np.asarray(n, f64), exponent).astype(f32)


def place(seed, n, V):
    return int(hashed(seed, PLACE + n, 0)) % V


def bell(seed, ids):
    """A sum of four uniform numbers of 16 bits, less its mean."""
    a, b = hashed(seed, SUM_LOW, ids), hashed(seed, SUM_HIGH, ids)
    return (a & 0xFFFF) + (a >> 16) + (b & 0xFFFF) + (b >> 16) - 131070


def with_bad(seed, row, bad):
    V = len(row)
    where = (0, V // 2, V - 1, slice(None))[seed % 4]
    row = row.copy()
    row[where] = bad
    return row


def subnormals(seed, h):
    tiny, half_tiny = (h >> 10).astype(u32).view(f32), scaled((h >> 22) + 1, -24)
    bare = seed % 2 == 1
    least = np.full(h.shape, SMALLEST)
    zero = np.zeros(h.shape, f32)
    return np.choose(h % 8, [zero, -zero, tiny, -tiny, -least if bare else least, -least,
                             tiny if bare else half_tiny, -tiny if bare else -half_tiny])


def logit_row(kind, seed, V):
    ids = np.arange(V)
    h = hashed(seed, VALUE, ids)
    gaussian = scaled(bell(seed, ids), -14)
    first = ids == place(seed, 0, V)
    if kind == "peaked":
        row = scaled(-(h >> 12), -17)
        for n in (2, 1, 0):
            row[place(seed, n, V)] = scaled(32 - 3 * n, -1)
        return row
    if kind == "flat":
        return scaled((h >> 16) - 32768, -24)
    if kind == "equal":
        return np.full(V, scaled(seed % 64 - 32, -1))
    if kind == "one_hot":
        return np.where(first, f32(1 if seed % 3 == 0 else 20), -INF if seed % 3 == 2 else f32(0))
    if kind == "mostly_masked":
        return np.where((h % 64 == 0) | first, gaussian, -INF)
    if kind == "lowest":
        return np.where((h % 2 == 0) | first, gaussian, f32(-2.0**100) if seed % 2 else -LARGEST)
    if kind == "ties":
        return scaled(h % (2 if seed % 2 else 5), -1)
    if kind == "zeros":
        row = np.where(h % 2 == 1, f32(-0.0), f32(0))
        return np.where(h % 8 == 7, f32(-0.5), row) if seed % 2 else row
    if kind == "subnormal":
        return subnormals(seed, h)
    if kind == "huge":
        n = 2**23 + (h & (63, 1023, 0x7FFFFF)[seed // 8 % 3])
        return scaled(np.where(h >> 31 == 1, -n, n), (14, 15, 22, 23, 24, 92, 126, 127)[seed % 8] - 23)
    if kind == "stairs":
        step = ids // BLOCK * (1 + seed // 2 % 8) * 4096
        return scaled((step if seed % 2 else -step) + (h >> 20), -11)
    if kind == "negative":
        return scaled(bell(seed, ids) - 655360, -14)
    if kind == "nan":
        return with_bad(seed, gaussian, f32(np.nan))
    if kind == "infinite":
        return with_bad(seed, gaussian, INF)
    if kind == "empty":
        return np.full(V, -INF)
    return gaussian


def probability_row(kind, seed, V):
    ids = np.arange(V)
    h = hashed(seed, VALUE, ids)
    spread = scaled(1024 + hashed(seed, MASK, ids) % 1024, (bell(seed, ids) + 131072) // 16384 - 22)
    first = ids == place(seed, 0, V)
    if kind == "peaked":
        row = scaled(1 + h % 1024, -20)
        for n in (2, 1, 0):
            row[place(seed, n, V)] = scaled(1, -1 - n)
        return row
    if kind == "flat":
        return scaled(65536 + h % 256, -26)
    if kind == "equal":
        return np.full(V, scaled(1 + seed % 7, -10))
    if kind == "one_hot":
        return np.where(first, f32(1), f32(0 if seed % 2 else 2.0**-10))
    if kind == "mostly_masked":
        return np.where((h % 64 == 0) | first, spread, f32(0))
    if kind == "lowest":
        return np.where((h % 2 == 0) | first, spread, SMALLEST)
    if kind == "ties":
        return scaled(h % (2 if seed % 2 else 5), -3)
    if kind == "zeros":
        row = np.where(h % 2 == 1, f32(-0.0), f32(0))
        return row if seed % 2 else np.where(h % 4 == 0, f32(0.25), row)
    if kind == "subnormal":
        row = subnormals(seed, h)
        return np.where(row <= -SMALLEST, -row, row)
    if kind == "huge":
        return scaled(2**23 + (h & 0x7FFFFF), (14, 15, 24, 60, 127, -20, -100, -103)[seed % 8] - 23)
    if kind == "stairs":
        step = ids // BLOCK % 8 * (1 + seed // 2 % 8)
        return scaled(4096 + (h >> 20), step - 80 if seed % 2 else -step - 12)
    if kind == "negative":
        return np.where(first, f32(-0.5), spread)
    if kind == "nan":
        return with_bad(seed, spread, f32(np.nan))
    if kind == "infinite":
        return with_bad(seed, spread, INF)
    if kind == "empty":
        return np.zeros(V, f32)
    return spread


def through_type(row, name):
    """What is left of a row in its type. Finite numbers beyond the type's range become its largest."""
    if name == "f16":
        with np.errstate(over="ignore"):
            narrow = row.astype(np.float16).astype(f32)
        largest = f32(65504)
    elif name == "bf16":
        bits = row.view(u32).astype(u64)
        bits = (bits + u64(0x7FFF) + (bits >> u64(16) & u64(1))) >> u64(16) << u64(16)
        narrow = np.where(np.isnan(row), row, bits.astype(u32).view(f32))
        largest = f32(float.fromhex("0x1.fep127"))
    else:
        return row
    return np.where(np.isinf(narrow) & np.isfinite(row), np.copysign(largest, row), narrow)


def mask_of(number, V):
    """The tokens that mask `number` allows; None for 0. Some allow whole blocks or none of them, some nothing."""
    if number == 0:
        return None
    ids = np.arange(V)
    if number % 8 == 7:
        ids = ids // BLOCK
    allowed = hashed(number, ALLOWED, ids) % (1 << (number % 5)) == 0
    return allowed & (number % 16 != 15)


def biases_of(number, V):
    """Pairs of token and bias, no token twice, in no order; none for 0. Every fifth number has huge ones."""
    pairs = {}
    for n in range(1 + number % 40 if number else 0):
        token, h = int(hashed(number, BIASED, n)) % V, int(hashed(number, BIAS, n))
        value = f32(-np.inf) if h >> 28 == 0 else scaled(h % 129 - 64, 100 if number % 5 == 4 else -3)
        pairs.setdefault(token, value)
    return list(pairs.items())


# ---------------------------------------------------------------- arithmetic


def fused(a, b, c):
    """a * b + c in binary32, rounded once: the sum cut off in binary64 with a sticky last bit, then rounded."""
    a, b, c = (np.asarray(x, f32).astype(f64) for x in np.broadcast_arrays(a, b, c))
    with np.errstate(invalid="ignore", over="ignore"):
        product = a * b                     # exact: 48 bits
        total = np.atleast_1d(product + c)
        back = total - product
        lost = (product - (total - back)) + (c - back)
        inexact = np.isfinite(total) & (lost != 0)
        bits = total.view(np.int64) - (inexact & ((lost < 0) != (total < 0)))
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


# ------------------------------------------------------------------ the draw

TEMPERATURE_FIRST = "temperature", "top_n_sigma", "top_k", "top_p", "min_p", "xtc"
TEMPERATURE_LAST = "top_n_sigma", "top_k", "top_p", "min_p", "xtc", "temperature"

# The filters by name, other modules' among them: whether it weighs tokens; whether it is on, by settings, which are the
# parameters by their names in draw(); and what it keeps of the ids kept so far, at the temperature in force.
FILTERS = {}
HEATS = [lambda row, ids, T, settings: (ids, T)]    # the last gives what stays, and the temperature from there on
SHAPES = [lambda row, ids, T, settings: (row, ids, T)]    # the last gives the row, ids and temperature to draw from


class Filter:
    def __init__(self, weighs, is_on, keep):
        self.weighs, self.is_on, self.keep = weighs, is_on, keep


def flushed(values):
    """Subnormal numbers and -0 are +0."""
    return np.where(np.abs(values) < SMALLEST, f32(0), values)


def scale_of(T):
    """c. A temperature that is not given may bring its own (reference_entropy.py)."""
    return getattr(T, "scale", None) or f32(1.4426950408889634 / min(float(T), HOTTEST))


def exponents(z, top, scale, r):
    """t of logits, against one of them, `top`, and r, which is that one's scaled logit, rounded."""
    with np.errstate(over="ignore", invalid="ignore"):
        t = np.where(np.abs(r) < f32(2**23), fused(z, scale, -r), (z - top) * scale)
    return np.where(np.isfinite(t), t, -INF)


def floor_of(weight, z, T):
    """The logit that has this weight against a token of logit z."""
    with np.errstate(over="ignore"):
        return fused(logarithm(weight), f32(min(float(T), HOTTEST)), z)[0]


# A row at a temperature: whether it can be drawn from; weights; by block its scale, and the shift that brings a sum to
# the row's; and t, by token.
Weighing = namedtuple("Weighing", "status w r shift t")


class Row:
    """A row, checked and ranked once; draws from it at any parameters."""

    def __init__(self, values, probabilities=False, mask=None, biases=()):
        """mask: flags of the tokens that may be drawn; biases: pairs of id and what is added to its logit."""
        self.V = len(values)
        self.has_probabilities = probabilities
        values = flushed(values)
        if mask is not None:
            values = np.where(mask, values, f32(0) if probabilities else -INF)
        for token, bias in biases:
            if mask is None or mask[token]:
                values[token] = -INF if bias == -INF else flushed(values[token] + f32(bias))
        bad = np.isnan(values) | (values == INF)
        if probabilities:
            bad |= values < 0
            self.z = np.full(self.V, -INF)
            usable = (values > 0) & ~bad
            self.z[usable] = logarithm(values[usable])
        else:
            self.z = values
        self.living = int((self.z > -INF).sum())
        self.status = "invalid" if bad.any() else "ok" if self.living else "empty"
        if self.status == "ok":
            self.order = np.argsort(-values.astype(f64), kind="stable")    # stable: lower ids first among equals
        self.weighings = {}

    def weigh(self, T):
        if T in self.weighings:
            return self.weighings[T]
        scale = scale_of(T)
        blocks = -(-self.V // BLOCK)
        z = np.full((blocks, BLOCK), -INF)
        z.reshape(-1)[:self.V] = self.z
        top = z.max(axis=1)
        with np.errstate(over="ignore", invalid="ignore"):
            r = np.rint(top * scale)
            t = exponents(z, top[:, None], scale, r[:, None])
            w = np.where(r[:, None] > -INF, weight(t), 0)
            distance = r.max() - r
        shift = np.where(distance < 63, distance, 63)
        status = "invalid" if r.max() == INF else "empty" if r.max() == -INF else "ok"
        shift = np.where(np.isnan(shift), 63, shift).astype(np.int64)
        self.weighings[T] = Weighing(status, w.reshape(-1)[:self.V], r, shift, t.reshape(-1)[:self.V])
        return self.weighings[T]

    def sums(self, w, ids):
        """The weights of these tokens, by block."""
        return np.bincount(ids // BLOCK, weights=w[ids], minlength=-(-self.V // BLOCK)).astype(np.int64)

    def block_masses(self, ids, T):
        """The mass of these tokens, by block."""
        at = self.weigh(T)
        return self.sums(at.w, ids) << 12 >> at.shift

    def mass(self, ids, T):
        return int(self.block_masses(ids, T).sum())

    def masses(self, ids, T):
        """Of each of these tokens by itself."""
        at = self.weigh(T)
        return at.w[ids] << 12 >> at.shift[ids // BLOCK]

    def first_reciprocal(self, T):
        """1 / the weight of the row's first token."""
        return reciprocal(self.weigh(T).w[self.order[:1]].astype(f32))

    def in_firsts(self, mass, T):
        """A mass as a number of tokens like the row's first one."""
        return nearest(mass >> 8) * f32(2.0**-4) * self.first_reciprocal(T)

    def top_p(self, ids, p, T):
        """Filters take the ids that are kept so far, in rank order, and give those that they keep."""
        total, masses = self.mass(ids, T), self.masses(ids, T)
        target = max((total * in_units(p) >> 32) - (total >> 20), 0)
        return ids[:max(1, int(np.searchsorted(np.cumsum(masses) - masses, target, side="left")))]

    def min_p(self, ids, m, T):
        with np.errstate(over="ignore"):
            log = precise_log(float(m))
            reach = f32(log) * f32(float(T)) if hasattr(T, "scale") else f32(min(float(T), HOTTEST) * log)
            floor = self.z[ids[0]] + reach
        return ids[:max(1, int((self.z[ids] >= floor).sum()))]

    def top_n_sigma(self, ids, n):
        with np.errstate(over="ignore", invalid="ignore"):
            below = self.z[ids[0]] - self.z[ids]
            q = np.trunc(below[below <= f32(1024)] * f32(65536)).astype(np.int64)
            high, low = q >> 16, q & 0xFFFF
            squares = (int((high * high).sum()) << 32) + (int((high * low).sum()) << 17) + int((low * low).sum())
            spread = len(q) * squares - int(q.sum()) ** 2
            deviation = f32(0)
            if spread > 0:
                half = (spread.bit_length() + 1) // 2 - 24
                root = f32(isqrt(spread >> 2 * half if half >= 0 else spread << -2 * half))
                deviation = (root * reciprocal(np.array([len(q)], f32)) * f32(2.0 ** (half - 16)))[0]
            floor = self.z[ids[0]] - deviation * max(f32(n), f32(2.0**-60))
        return ids[self.z[ids] >= floor]

    def xtc(self, ids, threshold, T):
        mass = self.mass(ids, T)
        if mass < LEAST_MASS:
            return ids
        share = f32(0) if threshold < 2.0**-100 else reached(threshold)
        y = self.in_firsts(mass, T) * share
        if y[0] > 1:
            return ids
        floor = floor_of(y, self.z[self.order[0]], T) if share > 0 else -INF
        return ids[max(0, int((self.z[ids] >= floor).sum()) - 1):]

    def keep(self, T, order, settings):
        """The ids that the filters leave, in this order; None where one meets weights without bound."""
        ids, now = self.order[:self.living], T if "temperature" not in order else f32(1)
        for step in order:
            if step == "temperature":
                ids, now = HEATS[-1](self, ids, T, settings)
                if ids is None:
                    return None
            elif step in FILTERS and FILTERS[step].is_on(settings):
                if FILTERS[step].weighs and self.weigh(now).status == "invalid":
                    return None
                left = FILTERS[step].keep(self, ids, settings, now)
                if len(left) < settings.get("min_keep", 0) and len(left) < len(ids):
                    left = ids if step == "xtc" else ids[:settings["min_keep"]]
                ids = left
        self.heat = now
        return ids

    def block_race(self, kept, T, stream):
        """-> the blocks that have weight, and when they arrive."""
        at = self.weigh(T)
        sums = self.sums(at.w, kept)
        blocks = np.flatnonzero(sums)
        return blocks, times(BLOCKS, blocks, sums[blocks], *stream) - scale_order(at.r[blocks]) * 2**23

    def token_race(self, kept, block, T, stream):
        """-> the tokens of a block that have weight, in the order of ids, and when they arrive."""
        w, ids = self.weigh(T).w, np.sort(kept)
        ids = ids[(ids // BLOCK == block) & (w[ids] > 0)]
        return ids, times(TOKENS, ids, w[ids], *stream)

    def race(self, kept, T, stream):
        blocks, arrivals = self.block_race(kept, T, stream)
        if len(blocks) == 0:
            return int(kept[0])
        ids, arrivals = self.token_race(kept, blocks[np.argmin(arrivals)], T, stream)     # argmin: the first of equals
        return int(ids[np.argmin(arrivals)])

    def invert(self, kept, T, stream):
        at = self.weigh(T)
        masses = self.block_masses(kept, T)
        if masses.sum() == 0:
            return int(kept[0])
        R = random_64(*stream) * int(masses.sum()) >> 64
        ends = np.cumsum(masses)
        b = int(np.searchsorted(ends, R, side="right"))
        R -= int(ends[b] - masses[b])
        shift = int(at.shift[b])
        q = R >> 12 - shift if shift <= 12 else R << shift - 12
        ids = np.sort(kept)
        ids = ids[ids // BLOCK == b]
        return int(ids[np.searchsorted(np.cumsum(at.w[ids]), q, side="right")])

    def draw(self, T=1.0, k=0, p=1.0, m=0.0, seed=0, offset=0, stream=0, method="race", order=TEMPERATURE_FIRST,
             n=0.0, x=(0.0, 0.1), **settings):
        """-> token, number of tokens kept, status; the last one kept is left in self.boundary. x: XTC's probability and
        threshold. settings: what other modules' filters take."""
        T, p, m, n = f32(T), f32(p), f32(m), f32(n)
        if self.status != "ok":
            return -1, 0, self.status
        if T < GREEDY_BELOW:
            self.boundary = int(self.order[0])
            return self.boundary, 1, "ok"
        status = self.weigh(T).status
        if status != "ok":
            return -1, 0, status
        threshold = f32(x[1]) if int(philox(CHOICES, 0, seed, offset, stream)[0]) < in_units(x[0]) else None
        settings.update(k=k, p=p, m=m, n=n, x=threshold)
        kept = self.keep(T, order, settings)
        if kept is None:
            return -1, 0, "invalid"
        self.boundary = int(kept[-1])
        row, ids, heat = SHAPES[-1](self, kept, self.heat, settings)
        pick = row.race if method == "race" else row.invert
        return pick(ids, heat, (seed, offset, stream)), len(kept), "ok"


FILTERS.update(
    top_k=Filter(False, lambda s: s["k"] > 0, lambda row, ids, s, T: ids[:s["k"]]),
    top_p=Filter(True, lambda s: s["p"] < 1, lambda row, ids, s, T: row.top_p(ids, s["p"], T)),
    min_p=Filter(False, lambda s: s["m"] >= SMALLEST, lambda row, ids, s, T: row.min_p(ids, s["m"], T)),
    top_n_sigma=Filter(False, lambda s: s["n"] > 0, lambda row, ids, s, T: row.top_n_sigma(ids, s["n"])),
    xtc=Filter(True, lambda s: s["x"] is not None, lambda row, ids, s, T: row.xtc(ids, s["x"], T)))


@lru_cache(maxsize=4)
def row_of(kind, type_name, source, seed, V, mask=0, biases=0):
    make = probability_row if source == "probabilities" else logit_row
    values = through_type(make(kind, seed, V), type_name)
    return Row(values, source == "probabilities", mask_of(mask, V), biases_of(biases, V))


# ------------------------------------------------------------- known answers

HEADER = """\
# Known answers of the draw, computed by reference.py and by nothing else:
#     python3 reference.py known_answers.txt
# A line is a row, how to draw from it, and what must come out:
#     kind type input row_seed vocabulary   the row: rows.c states its values as integer formulas
#     mask biases                           what restricts it, by number, as rows.c makes them; 0: nothing
#     temperature top_k ... filters         the parameters, by the library's names; floats in hexadecimal
#     token kept status                     the answer
# f16 and bf16 rows are those formulas rounded to the type, to the nearest, halves to even;
# finite numbers beyond its range become its largest.
#contract 2
"""
COLUMNS = ("kind", "type", "input", "row_seed", "vocabulary", "mask", "biases", "temperature", "top_k", "top_p",
           "min_p", "seed", "offset", "stream", "method", "filters", "token", "kept", "status")
T_OFF, K_OFF, P_OFF, M_OFF = 1.0, 0, 1.0, 0.0
OLDER_FIRST = "temperature", "top_k", "top_p", "min_p"
OLDER_LAST = "top_k", "top_p", "min_p", "temperature"    # of rows whose other filters are off
UNUSUAL = (("top_p", "temperature", "top_k"), ("min_p", "top_p", "temperature"),
           ("temperature", "min_p", "top_k", "top_p"))


def filters(V, bits):
    """Every filter alone and beside the others, with values picked by `bits`."""
    k = (2, 5, 50, V // 2, V - 1)[bits % 5]
    p = (0.1, 0.5, 0.9, 0.95, 0.999999)[bits // 5 % 5]
    m = (0.001, 0.05, 0.2, 0.5, 1.0)[bits // 25 % 5]
    T = (0.3, 0.7, 0.8, 1.3, 2.0)[bits // 125 % 5]
    plain = [
        (T_OFF, K_OFF, P_OFF, M_OFF), (T, K_OFF, P_OFF, M_OFF), (0.01, K_OFF, P_OFF, M_OFF),
        (100.0, K_OFF, P_OFF, M_OFF), (np.inf, K_OFF, P_OFF, M_OFF), (0.0, K_OFF, P_OFF, M_OFF),
        (T, k, P_OFF, M_OFF), (T, K_OFF, p, M_OFF), (T, K_OFF, P_OFF, m),
        (T, k, p, M_OFF), (T, k, P_OFF, m), (T, K_OFF, p, m), (T, k, p, m),
        (np.inf, k, p, m), (100.0, K_OFF, p, m), (0.01, k, p, m), (1e-6, k, p, m),
        (T, 1, P_OFF, M_OFF), (T, K_OFF, 0.0, M_OFF), (T, V, 1e-6, 2.0**-127), (1.1e-5, V + 1, p, M_OFF),
    ]
    ordered = [
        (T, k, p, m, OLDER_LAST), (100.0, K_OFF, p, m, OLDER_LAST), (0.01, K_OFF, p, M_OFF, UNUSUAL[0]),
        (T, k, p, M_OFF, UNUSUAL[0]), (T, K_OFF, p, m, UNUSUAL[1]), (np.inf, k, p, m, UNUSUAL[2]),
        (T, k, P_OFF, m, OLDER_LAST), (T, k, p, m, OLDER_FIRST),
    ]
    return [choice + ((),) for choice in plain] + ordered


def cases():
    """-> rows (kind, type, input, seed, V) and, of each, which share of the filters to answer."""
    for number, kind in enumerate(KINDS):
        for V in (1, 2, 255, 256, 257, 1000):
            yield (kind, "f32", "logits", 7 * number + V, V), 1
        for V in (2, 257, 1000):
            yield (kind, "f16", "logits", 5 * number + V, V), 2
            yield (kind, "bf16", "logits", 3 * number + V, V), 2
            yield (kind, "f32", "probabilities", 11 * number + V, V), 2
            yield (kind, "f16" if V % 2 else "bf16", "probabilities", 13 * number + V, V), 3
        yield (kind, "f32", "logits", 17 * number, 32000), 1
        yield (kind, ("f16", "bf16")[number % 2], "logits", 19 * number + 1, 32000), 5
        yield (kind, "f32", "probabilities", 23 * number, 32000), 5
        yield (kind, "f32", "logits", 29 * number + 2, 128256), 7
    for seed in (10, 34, 21, 45):    # logits about 2^22 and 2^92: where the arithmetic and the temperature change over
        yield ("huge", "f32", "logits", seed, 1000), 1


# Gaussian rows, by seed and vocabulary, whose first tokens hold exactly the mass that this top-p asks for:
# found by trying many, for else no row tells "less than" from "no more than".
BRINKS = ((13041, 2, "0x1.00002p-1"), (73060, 2, "0x1.08655ap-1"), (365, 1000, "0x1.dcf4b6p-1"))


def restrictions():
    """-> row, mask and biases of rows that are restricted."""
    number = 0
    for kind in KINDS:
        for V in (2, 257, 1000, 32000):
            for type_name in ("f32", "f16", "bf16"):
                number += 1
                mask, biases = number if number % 3 else 0, number if number % 4 else 0
                yield (kind, type_name, "logits", number, V), mask, biases
            number += 1
            yield (kind, "f32", "probabilities", number, V), number, 0


def questions():
    """-> row, mask, biases and filters of each answer, and a number of its own."""
    counter = 0
    for row, share in cases():
        for n, choice in enumerate(filters(row[4], counter)):
            counter += 1
            if (n + row[3]) % share == 0:
                yield row, 0, 0, choice, counter
    for seed, V, top_p in BRINKS:
        p = f32(float.fromhex(top_p))
        for near in (np.nextafter(p, f32(0)), p, np.nextafter(p, f32(1))):
            counter += 1
            yield ("gaussian", "f32", "logits", seed, V), 0, 0, (T_OFF, K_OFF, near, M_OFF, ()), counter
    for row, mask, biases in restrictions():
        for n, choice in enumerate(filters(row[4], counter)):
            counter += 1
            if (n + row[3]) % 7 == 0:
                yield row, mask, biases, choice, counter


def stream_of(counter):
    """A seed, an offset and a stream for a question of this number."""
    if counter % 3 == 0:
        return counter, counter % 100, counter % 4
    return random_64(1, counter, 0), random_64(2, counter, 0), random_64(3, counter, 0) & 0xFFFFFFFF


def answered(row, mask, biases, choice, counter, method, order):
    """A question and its answer, by column. choice: parameters in the order of columns, by their names in draw()."""
    seed, offset, stream = stream_of(counter)
    answer = row_of(*row, mask, biases).draw(seed=seed, offset=offset, stream=stream, method=method,
                                             order=order or TEMPERATURE_FIRST, **choice)
    values = [x for value in choice.values() for x in (value if isinstance(value, tuple) else (value,))]
    return *row, mask, biases, *values, seed, offset, stream, method, ",".join(order) or "default", *answer


def plain_answers():
    for row, mask, biases, (T, k, p, m, order), counter in questions():
        wants_both = row[4] < 32000 and T >= GREEDY_BELOW
        methods = ("race", "inverse-cdf") if wants_both else (("race", "inverse-cdf")[counter % 2],)
        for method in methods:
            line = answered(row, mask, biases, {"T": T, "k": k, "p": p, "m": m}, counter, method, order)
            yield line
            if line[-1] != "ok":
                break


# Answers of rows with top-n-sigma follow the others, with columns of their own.

SIGMA_COLUMNS = COLUMNS[:11] + ("top_n_sigma",) + COLUMNS[11:]
SIGMA_ORDERS = ((), (), ("top_n_sigma",) + OLDER_LAST, ("top_k", "top_n_sigma", "top_p", "temperature"),
                ("top_p", "temperature", "min_p", "top_n_sigma"), ("min_p", "top_n_sigma", "temperature", "top_k"))


def more_rows():
    """-> row, mask and biases: every kind, in every type and at lengths that end within, at and behind a block."""
    number = 0
    for kind in KINDS[:-3]:
        for type_name, source, V in (("f32", "logits", 2), ("f32", "logits", 256), ("bf16", "logits", 1000),
                                     ("f16", "logits", 1000), ("f32", "probabilities", 257),
                                     ("f32", "logits", 3001), ("bf16", "probabilities", 5000)):
            number += 1
            mask = number if number % 4 == 1 else 0
            yield (kind, type_name, source, number, V), mask, number if number % 5 == 1 and source == "logits" else 0
    for kind in ("gaussian", "peaked", "lowest", "ties"):
        yield (kind, "f32", "logits", 1, 32000), 0, 0
    yield ("nan", "f32", "logits", 1, 257), 0, 0
    yield ("empty", "f32", "logits", 1, 257), 0, 0


OFF = {"T": ("temperature", T_OFF), "k": ("top_k", K_OFF), "p": ("top_p", P_OFF), "m": ("min_p", M_OFF),
       "n": ("top_n_sigma", 0.0)}


def within(order, **choice):
    """Parameters by their names in draw(), off where their filter is not in the order. An empty order has all."""
    return {key: value if not order or OFF[key][0] in order else OFF[key][1] for key, value in choice.items()}


def sigma_answers():
    counter = 100000
    for row, mask, biases in more_rows():
        for _ in range(4 if row[4] < 32000 else 6):
            counter += 1
            order = SIGMA_ORDERS[counter // 2 % 6]
            choice = within(order, T=(0.7, 1.0, 2.0, 1.0, np.inf, 0.3, 100.0)[counter % 7],
                            k=(0, 0, 5, row[4] // 2, 50)[counter % 5], p=(1.0, 0.9, 1.0, 0.5)[counter % 4],
                            m=(0.0, 0.0, 0.01)[counter % 3],
                            n=(1.0, 0.5, 2.0, 0.1, 1.5, 3.0, 1e-30, 1e30)[counter % 8])
            method = ("race", "inverse-cdf")[counter // 3 % 2]
            yield answered(row, mask, biases, choice, counter, method, order)


# Then come answers of rows with XTC.

XTC_COLUMNS = SIGMA_COLUMNS[:12] + ("xtc_probability", "xtc_threshold") + SIGMA_COLUMNS[12:]
XTC_ORDERS = ((), TEMPERATURE_LAST, ("xtc", "top_p", "temperature", "top_k"), ("xtc", "min_p", "temperature", "top_p"),
              ("xtc", "top_n_sigma", "temperature", "min_p"), ("top_p", "temperature", "xtc", "top_k", "top_n_sigma"),
              ("temperature", "xtc", "top_k", "top_p", "min_p", "top_n_sigma"), ("xtc",))


def xtc_choice(counter, V):
    order = XTC_ORDERS[counter // 2 % 8]
    choice = within(order, T=(0.7, 1.0, 2.0, 0.2, np.inf, 1.0, 50.0)[counter % 7],
                    k=(0, 5, V // 2, 0, 60)[counter % 5], p=(1.0, 0.9, 0.6)[counter % 3],
                    m=(0.0, 0.01, 0.2)[counter // 3 % 3], n=(0.0, 1.0, 2.5)[counter // 9 % 3])
    choice["x"] = (1.0, 0.5, 1.0)[counter % 3], (0.1, 0.001, 0.0, 0.3, 1e-5, 0.04, 1e-35)[counter // 2 % 7]
    return choice, order


def xtc_answers():
    counter = 200000
    for row, mask, biases in more_rows():
        for _ in range(5 if row[4] < 32000 else 8):
            counter += 1
            choice, order = xtc_choice(counter, row[4])
            for method in ("race", "inverse-cdf")[counter % 2:]:
                yield answered(row, mask, biases, choice, counter, method, order)


def answers():
    yield "#columns", *COLUMNS
    yield from plain_answers()
    yield "#columns", *SIGMA_COLUMNS
    yield from sigma_answers()
    yield "#columns", *XTC_COLUMNS
    yield from xtc_answers()


# ---------------------------------------------------- files of known answers


def hexadecimal(x):
    mantissa, _, exponent = float(f32(x)).hex().partition("p")
    return mantissa.rstrip("0").rstrip(".") + ("p" + exponent if exponent else "")


def bits_of(x):
    """A float as a file has it whose reader wants its bits."""
    return f"{int(f32(x).view(u32)):08x}"


def line_of(fields):
    return " ".join(hexadecimal(x) if isinstance(x, (float, f32)) else str(x) for x in fields) + "\n"


def write_or_check(arguments, usage, header, answers):
    """Writes the file that `arguments` name, or compares it behind --check. answers: tuples of fields, a line each.
    -> what the program exits with."""
    is_check = arguments[:1] == ["--check"]
    if len(arguments) != 1 + is_check:
        return usage
    text, path = header + "".join(map(line_of, answers)), arguments[-1]
    if is_check:
        with open(path, encoding="ascii") as file:
            return 0 if file.read() == text else f"{path} differs from what this would write"
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    return 0


# ----------------------------------------------------------------- self-test
# The questions of src/self_test_rows.c: temperature, top_k, top_p, min_p, method, filters, top_n_sigma, xtc.

SHORT_QUESTIONS = (
    (1.0, 0, 1.0, 0.0), (0.0, 0, 1.0, 0.0), (0.7, 50, 1.0, 0.0), (1.0, 0, 0.9, 0.0), (0.7, 40, 0.95, 0.05),
    (2.0, 0, 1.0, 0.02), (np.inf, 0, 0.5, 0.0), (0.05, 2, 1.0, 0.0), None, None,
    (1.0, 0, 1.0, 0.0, "inverse-cdf"), (0.7, 40, 0.95, 0.05, "inverse-cdf"), (np.inf, 0, 0.5, 0.0, "inverse-cdf"),
    (2.0, 400, 0.9, 0.01, "race", TEMPERATURE_LAST), (0.5, 0, 0.8, 0.0, "inverse-cdf", TEMPERATURE_LAST),
    (1.0, 0, 1.0, 0.0, "race", TEMPERATURE_FIRST, 1.5),
    (0.7, 0, 1.0, 0.0, "inverse-cdf", TEMPERATURE_LAST, 1.5, (1.0, 0.001)))
LONG_QUESTIONS = (
    (1.0, 0, 1.0, 0.0), (1.0, 0, 0.95, 0.0), (0.5, 50, 0.9, 0.0), (2.0, 0, 1.0, 0.05),
    (1.0, 0, 1.0, 0.0, "inverse-cdf"), (2.0, 0, 0.9, 0.0, "inverse-cdf", TEMPERATURE_LAST),
    (1.0, 0, 0.9, 0.0, "race", TEMPERATURE_FIRST, 1.5, (1.0, 0.001)))


def self_test_row(number, V, source, is_constrained):
    ids = np.arange(V, dtype=u64)
    steps = ((ids * u64(2654435761) & u64(0xFFFFFFFF)) ^ u64(number * 0x9E3779B9 & 0xFFFFFFFF)) >> u64(20)
    steps = (steps % u64(129)).astype(np.int64)
    values = scaled(steps, -7) if source == "probabilities" else scaled(steps - 64, -3)
    if not is_constrained:
        return Row(values, source == "probabilities")
    words = (np.arange((V + 31) // 32, dtype=u64) * u64(2654435761) + u64(number * 0x9E3779B9)) & u64(0xFFFFFFFF)
    words |= words >> u64(7)
    mask = (words[np.arange(V) // 32] >> (ids % u64(32)) & u64(1)).astype(bool)
    biases = [(37 + 61 * n, -INF if n % 8 == 0 else f32((n % 17 - 8) / 4)) for n in range(80)]
    return Row(values, source == "probabilities", mask, biases if source == "logits" else ())


def self_test_stream(number):
    return 0x123456789ABCDEF0 + number, (number << 32) + 7, number * 3


def self_test_answer(row, number, question):
    """A line of token, status, kept, boundary."""
    token, kept, status = row.draw(*question[:4], *self_test_stream(number), *question[4:])
    return f"{{{token}, TOMBOLA_ROW_{status.upper()}, {kept}, {row.boundary}}},"


def self_test_answers():
    """Rows 8 and 9 hold NaN and nothing."""
    for source in ("logits", "probabilities"):
        for questions, V, is_constrained in ((SHORT_QUESTIONS, 1000, 0), (LONG_QUESTIONS, 5003, 0),
                                             (LONG_QUESTIONS, 5003, 1)):
            yield f"{source}, {V} tokens" + (", with masks and biases" if is_constrained else "")
            for number, question in enumerate(questions):
                if question is None:
                    yield "{-1, TOMBOLA_ROW_" + ("INVALID", "EMPTY")[number - 8] + ", 0, -1},"
                    continue
                yield self_test_answer(self_test_row(number, V, source, is_constrained), number, question)


def time_sum():
    """The bits of 65536 times, each multiplied by its odd number and added up in 64 bits."""
    i = np.arange(65536, dtype=u64)
    high = (i * u64(0x9E3779B1) & u64(0xFFFFFFFF)) >> (u64(1) + i % u64(31))
    low = (i * u64(0x85EBCA77) & u64(0xFFFFFFFF)) >> u64(1)
    weights = (i * u64(0x9E3779B97F4A7C15) >> (u64(28) + i % u64(36))) + u64(1)
    bits = time_bits(*(x.astype(np.int64) for x in (high, low, weights)))
    return int((bits.astype(u64) * (u64(2) * i + u64(1))).sum(dtype=u64))


def main(arguments):
    assert random_64(0, 0, 0) == 0xE169C58D6627E8D5
    if arguments == ["--self-test"]:
        print("\n".join(self_test_answers()))
        print(f"sum of times 0x{time_sum():016X}")
        return 0
    return write_or_check(arguments, __doc__, HEADER, answers())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
