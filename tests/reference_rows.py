"""The rows that known answers are of, as rows.c has them: integers, scaled by powers of two."""
import numpy as np

from reference_arithmetic import BLOCK, INF, LARGEST, SMALLEST, f32, f64, u32, u64

KINDS = ("peaked flat gaussian equal one_hot mostly_masked lowest ties zeros subnormal huge stairs negative"
         " nan infinite empty").split()
SUM_LOW, SUM_HIGH, VALUE, MASK, ALLOWED, BIASED, BIAS, PLACE = 1, 2, 3, 4, 5, 6, 7, 16


def hashed(seed, use, ids):
    h = (np.asarray(ids, u64) + u64((seed * 0x9E3779B1 + use * 0x85EBCA77) % 2**32)) & u64(0xFFFFFFFF)
    h = ((h ^ h >> u64(16)) * u64(0x7FEB352D)) & u64(0xFFFFFFFF)
    h = ((h ^ h >> u64(15)) * u64(0x846CA68B)) & u64(0xFFFFFFFF)
    return (h ^ h >> u64(16)).astype(np.int64)


def hashed_one(seed, use, number):
    """The same of one number, by Python's integers, which take a tenth of the time."""
    h = number + seed * 0x9E3779B1 + use * 0x85EBCA77 & 0xFFFFFFFF
    h = (h ^ h >> 16) * 0x7FEB352D & 0xFFFFFFFF
    h = (h ^ h >> 15) * 0x846CA68B & 0xFFFFFFFF
    return h ^ h >> 16


def scaled(n, exponent):
    """n * 2^exponent, exactly."""
    return np.ldexp(np.asarray(n, f64), exponent).astype(f32)


def place(seed, n, V):
    return hashed_one(seed, PLACE + n, 0) % V


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
        token, h = hashed_one(number, BIASED, n) % V, hashed_one(number, BIAS, n)
        value = f32(-np.inf) if h >> 28 == 0 else scaled(h % 129 - 64, 100 if number % 5 == 4 else -3)
        pairs.setdefault(token, value)
    return list(pairs.items())
