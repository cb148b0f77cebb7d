#!/usr/bin/env python3
"""The entropy of kept tokens, and what goes by it, stated in numpy apart from the C, beside reference.py.

    python3 reference_entropy.py known_entropy.txt            writes the answers that the C is tested with
    python3 reference_entropy.py --check known_entropy.txt    compares a file with what it would write
    python3 reference_entropy.py --originals                  compares with the formulas of those who made the filters
"""
import sys

import numpy as np

import reference_filters as filters
from reference import FILTERS, HEATS, Filter, exponents, floor_of, scale_of
from reference_arithmetic import (BLOCK, HOTTEST, LEAST_MASS, SMALLEST_SHARE, f32, flushed, fused, in_units,
                                  logarithm, power, reached, reciprocal, weight)
from reference_filters import EDGE, softmax

LN_2, LOG2_E = f32(float.fromhex("0x1.62e43p-1")), f32(float.fromhex("0x1.715476p+0"))


def deep_weights(t):
    """Weights times depth, as integers."""
    return fused(power(t) * f32(2**27), f32(1) - np.maximum(t, f32(-126)), f32(0.5)).astype(np.int64)


def nats_of(Z, depth):
    """-> the entropy in nats, and the mean depth in units of 2^-24."""
    if Z < LEAST_MASS:
        return f32(0), 0
    s = max(0, Z.bit_length() - 32)
    mean = min(((depth >> s) << 24) // (Z >> s), 2**30 - 1)
    x = f32(Z >> s) * f32(2.0 ** (s - 39))
    nats = fused(f32(mean) * f32(2.0**-24), LN_2, logarithm(np.array([x], f32)) - LN_2)[0]
    return max(nats, f32(0)), mean


def entropy(row, ids, T):
    """Of these tokens at this temperature -> mass, depth, entropy, mean depth."""
    at = row.weigh(T)
    q = np.zeros(row.V, np.int64)
    q[ids] = np.where(at.r[ids // BLOCK] > -np.inf, deep_weights(at.t[ids]), 0)
    depth = int((row.sums(q, ids) + row.sums(at.w, ids) * at.shift << 12 >> at.shift).sum())
    Z = row.mass(ids, T)
    return (Z, depth) + nats_of(Z, depth)


def typical_p(row, ids, settings, T):
    Z, _, _, mean = entropy(row, ids, T)
    if Z < LEAST_MASS or (T.T if isinstance(T, Dynamic) else T) >= 65536:
        return ids
    first = row.order[:1]
    t = flushed(np.maximum(row.weigh(T).t[first], f32(-126)))
    unscale = T.T * LN_2 if isinstance(T, Dynamic) else f32(min(float(T), HOTTEST) / 1.4426950408889634)
    below = f32(mean) * f32(2.0**-24) - f32(1) + t
    center = flushed(fused(-below, unscale, row.z[first]))
    target = max((Z * in_units(settings["typical_p"]) >> 32) - (Z >> 20), 1)
    with np.errstate(over="ignore"):
        distance = flushed(np.abs(row.z[ids] - center))
    outwards = np.argsort(distance, kind="stable")
    last = int(np.searchsorted(np.cumsum(row.masses(ids[outwards], T)), target, side="left"))
    return ids[distance <= distance[outwards[last]]] if last < len(ids) else ids


def eta(row, ids, settings, T):
    Z, _, nats, _ = entropy(row, ids, T)
    if Z < LEAST_MASS:
        return ids
    cutoff = float(f32(settings["eta_cutoff"]))
    surprising = power(np.maximum(-nats * LOG2_E, f32(-40))) * reached(cutoff**0.5)
    y = row.in_firsts(Z, T) * np.minimum(reached(cutoff), surprising)
    return ids[:max(1, int((row.z[ids] >= floor_of(y, row.z[row.order[0]], T)).sum()))]


def top_h(row, ids, settings, T):
    ids = ids[:100]
    z, scale = row.z[ids], scale_of(T)
    with np.errstate(over="ignore"):
        t = exponents(z, z[0], scale, np.rint(z[0] * scale))
    w, q = np.cumsum(weight(t)), np.cumsum(deep_weights(t))
    mass = int(w[-1])
    M = fused(f32(mass >> 16), f32(2.0**16), f32(mass & 0xFFFF)) * f32(2.0**-27)
    rate = int((logarithm(np.array([M], f32))[0] - LN_2) * f32(2.0**24))
    made = [int(a) * rate + int(b) * 11629080 for a, b in zip(w, q)]
    whole = max(made[-1], 0)
    limit = (whole * in_units(settings["top_h"]) >> 32) + (whole >> 20)
    kept = 1
    while whole >= 2**30 and kept < len(ids) and made[kept] <= limit:
        kept += 1
    return ids[:kept]


class Dynamic:
    """A dynamic temperature, in place of a given one."""

    def __init__(self, T):
        self.T = f32(T)
        self.scale = reciprocal(np.array([self.T], f32))[0] * LOG2_E

    def __float__(self):
        return float(self.T)


def dynamic(row, ids, T, settings):
    """-> the tokens that stay, and what the temperature is from here on."""
    if f32(settings.get("dynatemp_range", 0)) == 0:
        return ids, T
    if row.weigh(f32(1)).status == "invalid":
        return None, T
    if len(ids) < 2:
        return ids, f32(1)
    nats = entropy(row, ids, f32(1))[2]
    middle, reach = min(float(T), HOTTEST), float(f32(settings["dynatemp_range"]))
    low, high = f32(max(0, middle - reach)), f32(min(middle + reach, HOTTEST))
    v = nats * reciprocal(logarithm(np.array([len(ids)], f32)))
    v = np.maximum(np.minimum(v, f32(1)), f32(2.0**-100))
    with np.errstate(over="ignore"):
        e = logarithm(v) * LOG2_E * f32(settings["dynatemp_exponent"])
        D = fused(high - low, power(e), low)[0]
        if D < f32(1e-5) or np.isinf(row.z[row.order[0]] * scale_of(Dynamic(D))):
            return ids[:1], f32(1)
    return ids, Dynamic(D)


HEATS.append(dynamic)
FILTERS.update(
    eta=Filter(True, lambda s: f32(s.get("eta_cutoff", 0)) >= SMALLEST_SHARE, eta),
    top_h=Filter(True, lambda s: f32(s.get("top_h", 0)) > 0, top_h),
    typical_p=Filter(True, lambda s: f32(s.get("typical_p", 1)) < 1, typical_p),
)

# ------------------------------------------------------------- known answers

NEUTRAL = {"typical_p": 1.0, "eta_cutoff": 0.0, "top_h": 0.0, "dynatemp_range": 0.0, "dynatemp_exponent": 1.0}
FIRST = "temperature", "top_n_sigma", "top_h", "top_k", "top_p", "min_p", "typical_p", "eta", "xtc"
LAST = "top_n_sigma", "top_h", "top_k", "typical_p", "top_p", "min_p", "eta", "xtc", "temperature"
CHOICES = {  # by parameter: orders, and values to take in turns
    "typical_p": (filters.orders_with("typical_p", FIRST, LAST, "min_p"), (0.5, 0.9, 0.2, 0.95, 0.0, 0.99999)),
    "eta_cutoff": (filters.orders_with("eta", FIRST, LAST, "min_p"), (3e-4, 0.1, 0.01, 2e-3, 1.0, 1e-6, 1e-20)),
    "top_h": (filters.orders_with("top_h", FIRST, LAST, "min_p"), (0.4, 0.9, 0.1, 1.0, 0.7, 1e-6)),
    "dynatemp_range": (filters.orders_with("temperature", FIRST, LAST, "min_p"), (0.5, 1.0, 0.1, 3.0, 1e30)),
}


def more_values(counter, V):
    return {"dynatemp_exponent": (1.0, 2.0, 0.0, 0.5, 20.0)[counter // 3 % 5]}


def answers():
    return filters.answers(400000, CHOICES, NEUTRAL, more_values)


# ----------------------------------------------------------------- originals

def entropy_of(p):
    return -(p[p > 0] * np.log(p[p > 0])).sum()


def transformers_typical(z, T, share):
    """TypicalLogitsWarper: which tokens stay, and which are so near the boundary that they may do otherwise."""
    p = softmax(z, T)
    distance = np.abs(-np.log(p) - entropy_of(p))
    order = np.argsort(distance, kind="stable")
    sums = np.cumsum(p[order])
    last = distance[order[min((sums < share).sum(), len(z) - 1)]]
    near = np.abs(distance - last) <= EDGE
    near[order] |= np.abs(sums - share) <= EDGE
    return distance <= last, near


def transformers_eta(z, T, epsilon):
    p = softmax(z, T)
    cutoff = min(epsilon, np.sqrt(epsilon) * np.exp(-entropy_of(p)))
    return (p >= cutoff) | (p == p.max()), np.abs(p - cutoff) <= 2 * EDGE * cutoff


def transformers_top_h(z, T, share):
    order = np.argsort(-z, kind="stable")[:100]
    p = softmax(z[order], T)
    sums = np.cumsum(-p * np.log(p))
    stays, near = np.zeros(len(z), bool), np.zeros(len(z), bool)
    stays[order] = sums <= sums[-1] * share
    stays[order[0]] = True
    near[order] = np.abs(sums - sums[-1] * share) <= EDGE * sums[-1]
    return stays, near


def singles(*values):
    return [float(f32(value)) for value in values]


ORIGINALS = {  # by parameter: its filter, the original, and values for it
    "typical_p": ("typical_p", transformers_typical, singles(0.2, 0.5, 0.9, 0.95, 0.999)),
    "eta_cutoff": ("eta", transformers_eta, singles(3e-4, 1e-3, 0.01, 0.1, 0.5, 1e-5)),
    "top_h": ("top_h", transformers_top_h, singles(0.2, 0.4, 0.7, 0.9, 0.99))}


def compare_with_originals():
    """Gives how many tokens differ without an excuse, temperatures beyond 1e-5 relative among them."""
    wrong = sum(filters.compare(parameter, *original, np.random.default_rng(1))
                for parameter, original in ORIGINALS.items())
    worst = 0.0
    for row, z, T in filters.random_rows(np.random.default_rng(1)):
        for reach, exponent in ((0.5, 1.0), (2.0, 3.0), (0.2, 0.3)):
            _, got = dynamic(row, row.order, f32(T), {"dynatemp_range": reach, "dynatemp_exponent": exponent})
            low, high = max(0.0, T - reach), T + reach    # llama.cpp's temp-ext
            right = low + (high - low) * (entropy_of(softmax(z, 1.0)) / np.log(row.V)) ** exponent
            if right >= 1e-5:    # below it the first token alone stays
                worst = max(worst, abs(float(got) - right) / high)
    print(f"dynamic temperature: at most {worst:.1e} of its upper end off")
    return wrong + (worst > 1e-5)


if __name__ == "__main__":
    sys.exit(filters.main(sys.argv[1:], __doc__, "entropy", answers(), compare_with_originals))
