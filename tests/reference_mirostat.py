#!/usr/bin/env python3
"""Mirostat, stated in numpy apart from the C, beside reference.py, whose draw it is a filter of.

    python3 reference_mirostat.py known_mirostat.txt            writes the answers that the C is tested with
    python3 reference_mirostat.py --check known_mirostat.txt    compares a file with what it would write
    python3 reference_mirostat.py --originals                   compares with llama.cpp's formulas
"""
import sys

import numpy as np

import reference_filters as filters
from reference import FILTERS, Filter, scale_of
from reference_arithmetic import LEAST_MASS, f32, f64, fused, logarithm, power, reciprocal
from reference_entropy import LN_2, LOG2_E
from reference_filters import EDGE, softmax
from reference_shares import from_weight

MOST_MU = 80.0


def share_of(mu):
    """2^-mu, by + - * / in binary64, and 2^-17 of it less."""
    u = max(float(mu), 0.0)
    n = int(u + 0.5)
    y, q = (n - u) * 0.6931471805599453, 1.0
    for i in range(14, 0, -1):
        q = 1.0 + q * y / i
    return f32(q * 2.0**-n * (1 - 2.0**-17))


def mirostat_2(row, ids, settings, T):
    mass = row.mass(ids, T)
    if mass < LEAST_MASS:
        return ids
    return from_weight(row, ids, row.in_firsts(mass, T) * share_of(f32(settings["mirostat_mu"])),
                       row.z[row.order[0]], T)


SERIES = f32(1 / 30240), f32(-1 / 720), f32(1 / 12)


def steepness(z, c):
    """The exponent of Zipf's law for logits in falling order, c being what makes powers of 2 of them."""
    steps = np.log1p(1 / np.arange(1, len(z), dtype=f64)).astype(f32)
    with np.errstate(over="ignore"):
        falls = z[:-1] - z[1:]
    falls = np.where(falls < f32(2.0**-90), f32(0), np.minimum(falls, f32(2.0**100)))
    S = Q = f32(0)
    for step, fall in zip(steps, falls):
        S, Q = fused(step, fall, S)[0], fused(step, step, Q)[0]
    return np.clip(S * reciprocal(np.array([Q]))[0] * (c * LN_2), f32(2.0**-60), f32(2.0**20))


def log2_of_ratio(e, n):
    """log2 of e / (1 - n^-e)."""
    log_n = logarithm(np.array([n], f32))
    x = np.abs(e * log_n)
    y = x * x
    if x < f32(0.5):
        ratio = fused(fused(fused(y, SERIES[0], SERIES[1]), y, SERIES[2]), y, fused(x, f32(0.5), f32(1)))
    else:
        ratio = x * reciprocal(f32(1) - power(-x * LOG2_E))
    positive = logarithm(ratio * reciprocal(log_n)) * LOG2_E
    return (fused(-x, LOG2_E, positive) if e < 0 else positive)[0]


def mirostat_1(row, ids, settings, T):
    if len(ids) < 2:
        return ids
    mu = np.clip(f32(settings["mirostat_mu"]), f32(-65536), f32(65536))
    s = steepness(row.z[ids[:100]], scale_of(T))
    u = (log2_of_ratio(s - f32(1), row.V) + mu) * reciprocal(np.array([s]))[0]
    if u >= 23:
        return ids
    return ids[:int(power(np.array([u]))[0]) if u > 0 else 1]


def is_on(settings):
    version = settings.get("mirostat")
    return version == "1" or version == "2" and f32(settings["mirostat_mu"]) <= MOST_MU


def mirostat(row, ids, settings, T):
    return (mirostat_1 if settings["mirostat"] == "1" else mirostat_2)(row, ids, settings, T)


FILTERS["mirostat"] = Filter(True, is_on, mirostat)

# ------------------------------------------------------------- known answers

NEUTRAL = {"mirostat": "0", "mirostat_mu": 10.0}
FIRST = "temperature", "top_n_sigma", "top_k", "top_p", "min_p", "xtc", "mirostat"
LAST = "top_n_sigma", "top_k", "top_p", "min_p", "xtc", "temperature", "mirostat"
SURPRISES = 5.0, 1.0, 3.3, 0.5, 10.0, 2.0, 7.7, 0.0, 16.25, -3.0, 40.0, 80.0, 1e30, -1e38
SURPRISES_BY_ZIPF = 8.0, 5.0, 12.0, 10.0, 6.5, 16.0, 9.0, 13.0, 3.3, 20.0, -3.0, 1e30, 40.0
ORDERS = filters.orders_with("mirostat", FIRST, LAST, "min_p")


def answers():
    for first, version, surprises in (700000, "2", SURPRISES), (800000, "1", SURPRISES_BY_ZIPF):
        yield from filters.answers(first, {"mirostat_mu": (ORDERS, surprises)}, NEUTRAL,
                                   lambda counter, V: {"mirostat": version})


# ----------------------------------------------------------------- originals


def llama_mirostat_2(z, T, mu):
    """llama_sampler_mirostat_v2_apply, but for equals of the first."""
    surprise = -np.log2(softmax(z, T))
    return (surprise <= mu) | (z == z.max()), np.abs(surprise - mu) <= EDGE / np.log(2) + 2.0**-16


def llama_mirostat_1(z, T, mu):
    """llama_sampler_mirostat_apply, where its number of tokens is one."""
    order, n = np.argsort(-z, kind="stable"), len(z)
    first = z[order[:100]]
    t, b = np.log1p(1 / np.arange(1, len(first))), (first[:-1] - first[1:]) / T
    s = (t * b).sum() / (t * t).sum()
    k = ((s - 1) * 2.0**mu / (1 - float(n)**(1 - s)))**(1 / s)
    stays, near = np.zeros(n, bool), np.zeros(n, bool)
    stays[order[:max(1, int(min(k, n)))]] = True
    near[order[max(0, int(min(k * (1 - 1e-4), n)) - 1):int(min(k * (1 + 1e-4), n)) + 1]] = True
    return stays, near


def compare_with_originals():
    """Gives how many tokens differ without an excuse."""
    FILTERS["mirostat 1"] = Filter(True, None, mirostat_1)
    FILTERS["mirostat 2"] = Filter(True, None, mirostat_2)
    return sum(filters.compare("mirostat_mu", name, original, SURPRISES[:10], np.random.default_rng(1))
               for name, original in (("mirostat 1", llama_mirostat_1), ("mirostat 2", llama_mirostat_2)))


if __name__ == "__main__":
    sys.exit(filters.main(sys.argv[1:], __doc__, "mirostat", answers(), compare_with_originals))
