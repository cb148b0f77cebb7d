#!/usr/bin/env python3
"""What is told of a token beside itself, stated in numpy apart from the C: its log-probability and the model's own, its
rank, the margin of its race and the entropy.

    python3 reference_results.py known_results.txt            writes the answers that the C is tested with
    python3 reference_results.py --check known_results.txt    compares a file with what it would write
"""
import sys

import numpy as np

from reference import TEMPERATURE_FIRST, TEMPERATURE_LAST, exponents, scale_of
from reference_answers import bits_of, row_of, stream_of, write_or_check
from reference_arithmetic import BLOCK, GREEDY_BELOW, INF, f32, fused, logarithm, power, u32
from reference_entropy import LN_2, entropy

RARE = "nan", "infinite", "empty"
KINDS = "peaked flat gaussian equal one_hot mostly_masked lowest ties zeros subnormal huge stairs".split() + list(RARE)


def first_of(row, ids, T):
    """What tokens in rank order are held against: the first one's logit; the scale; the scaled logit, rounded."""
    first, scale = row.z[ids[0]], scale_of(T)
    with np.errstate(over="ignore"):
        return first, scale, np.rint(first * scale)


def units(row, ids, T):
    """What 2^t of these tokens, in rank order, come to in units of 2^-40."""
    first, scale, r = first_of(row, ids, T)
    if first == row.z[row.order[0]] and abs(r - f32(63)) < 2**23:
        return 2 * row.mass(ids, T)
    weights = power(exponents(row.z[ids], first, scale, r)) * f32(2**27)
    whole = np.floor(weights)
    extra = ((weights - whole) * f32(2**13) + f32(0.5)).astype(np.int64)
    return int(((whole.astype(np.int64) << 13) + extra).sum())


def cut(total):
    """-> the first 32 bits of an integer, and how many follow: less than none where zeros are put behind it."""
    n = total.bit_length() - 32
    return total >> n if n > 0 else total << -n, n


def log_probability(row, ids, T, token):
    """The logarithm of the share that a token has of these ones, in rank order."""
    first, scale, r = first_of(row, ids, T)
    mantissa, n = cut(units(row, ids, T))
    S = logarithm(np.array([np.ldexp(f32(mantissa), n - 40)], f32))[0]
    t, natural = exponents(row.z[token], first, scale, r), scale * LN_2
    with np.errstate(over="ignore"):
        if abs(r) < 2**23 and t > -np.inf:
            x = fused(t, LN_2, -S)[0]
        elif row.z[token] - first > -np.inf:
            x = (row.z[token] - first) * natural - S
        else:
            x = fused(row.z[token], natural, -(first * natural))[0] - S
    return min(x, f32(0))


def lead(arrivals):
    """How many times later the second of arrivals comes than the first, as a logarithm."""
    if len(arrivals) < 2:
        return INF
    first, second = (int(a) for a in np.sort(arrivals)[:2])
    parts = logarithm(np.array([0x3F800000 | a & 0x7FFFFF for a in (first, second)], u32).view(f32))
    return fused(f32((second >> 23) - (first >> 23)), LN_2, parts[1] - parts[0])[0]


def margin(row, ids, T, token, stream):
    return min(lead(row.block_race(ids, T, stream)[1]), lead(row.token_race(ids, token // BLOCK, T, stream)[1]))


def tell(row, given, T, k, p, x, stream, method, order):
    """-> token, log-probability, raw log-probability, rank, margin, entropy, what is observed."""
    T = f32(T)
    token, number, _ = row.draw(T, k, p, 0.0, *stream, method, order, 0.0, (1.0 if x else 0.0, x))
    if token < 0:
        return -1, -INF, -INF, 0, f32(0), f32(0), -INF
    raw = -INF
    if given.status != "invalid":
        raw = log_probability(given, given.order[:given.living], f32(1), token)
    rank = int(np.flatnonzero(row.order == token)[0]) + 1
    if T < GREEDY_BELOW:
        return token, f32(0), raw, rank, INF, f32(0), f32(0)
    end = int(np.flatnonzero(row.order == row.boundary)[0]) + 1
    kept = row.order[end - number:end]
    won = margin(row, kept, T, token, stream) if method == "race" else f32(0)
    own = log_probability(row, kept, T, token)
    return token, own, raw, rank, won, entropy(row, kept, T)[2], own


HEADER = """\
# Known answers of what is told of a token, computed by reference_results.py and by nothing else:
#     python3 reference_results.py known_results.txt
# Rows, masks and biases are as known_answers.txt has them. XTC 0 is off, else its threshold at probability 1; order 1
# has the temperature last; method 1 is inverse CDF. Numbers of the answer are the bits of binary32.
# kind type input row_seed vocabulary mask biases temperature top_k top_p xtc order method seed offset stream
# token logprob raw_logprob rank margin entropy observed
"""


def questions():
    """-> the row as given; as its mask and biases leave it; what tell() takes to draw from it; the columns of these."""
    number = 0
    for kind in KINDS:
        for type_name, source, V in (("f32", "logits", 1), ("f32", "logits", 257), ("f16", "logits", 1000),
                                     ("bf16", "probabilities", 1000), ("f32", "probabilities", 257),
                                     ("f32", "logits", 6000), ("bf16", "logits", 6000)):
            for _ in range(1 if kind in RARE else 4):
                number += 1
                mask = number if number % 4 == 1 else 0
                biases = number if number % 5 == 1 and source == "logits" else 0
                T = (1.0, 0.1, 2.0, 1.0, 1e-4, 100.0, 0.0, np.inf, 0.7)[number % 9]
                k, p = (0, 0, 5, V // 2)[number // 2 % 4], (1.0, 0.9, 1.0)[number % 3]
                x = (0.0, 0.0, 0.01, 0.0, 1e-35, 0.0)[number // 3 % 6]
                is_last, is_cdf, stream = number // 5 % 2, number % 3 // 2, stream_of(number - 1)
                how = (T, k, p, x, stream, ("race", "inverse-cdf")[is_cdf],
                       TEMPERATURE_LAST if is_last else TEMPERATURE_FIRST)
                made = kind, type_name, source, number, V
                yield (row_of(*made), row_of(*made, mask, biases), how,
                       (*made, mask, biases, T, k, p, x, is_last, is_cdf, *stream))


def answers():
    for given, row, how, columns in questions():
        token, own, raw, rank, won, nats, observed = tell(row, given, *how)
        yield *columns, token, bits_of(own), bits_of(raw), rank, bits_of(won), bits_of(nats), bits_of(observed)


def main(arguments):
    return write_or_check(arguments, __doc__, HEADER, answers())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
