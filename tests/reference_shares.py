#!/usr/bin/env python3
"""Filters that cut at a share, stated in numpy apart from the C, beside reference.py, whose draw they are filters of.

    python3 reference_shares.py known_shares.txt            writes the answers that the C is tested with
    python3 reference_shares.py --check known_shares.txt    compares a file with what it would write
    python3 reference_shares.py --originals                 compares with the formulas of those who made the filters
"""
import sys

import numpy as np

import reference_filters as filters
from reference import FILTERS, Filter, floor_of
from reference_arithmetic import BLOCK, LEAST_MASS, SMALLEST_SHARE, f32, fused, nearest, reached, reciprocal, u64
from reference_filters import EDGE, softmax


def from_weight(row, ids, weight, z, T):
    """The ids with at least this weight against a token of logit z, or the first one's logit."""
    return ids[row.z[ids] >= min(floor_of(weight, z, T), row.z[ids[0]])]


def epsilon(row, ids, settings, T):
    mass = row.mass(ids, T)
    if mass < LEAST_MASS:
        return ids
    return from_weight(row, ids, row.in_firsts(mass, T) * reached(settings["epsilon_cutoff"]), row.z[row.order[0]], T)


def top_a(row, ids, settings, T):
    mass = row.mass(ids, T)
    if mass < LEAST_MASS:
        return ids
    first, most = row.z[ids[0]], row.z[row.order[0]]
    with np.errstate(over="ignore"):
        z = first + (first - most)
    return from_weight(row, ids, reciprocal(row.in_firsts(mass, T)) * reached(settings["top_a"]), z, T)


def p_less(row, ids, settings, T):
    """Shares are taken times G, the window's mass in tokens like the row's first one."""
    mass = row.mass(ids, T)
    if mass < LEAST_MASS:
        return ids
    at = row.weigh(T)
    total = 0
    squares = np.zeros(len(at.shift), u64)
    np.add.at(squares, ids // BLOCK, at.w[ids].astype(u64) ** 2)
    for block, by in zip(squares, at.shift):
        total += int(block) >> 16 >> min(2 * int(by), 63)
    firsts, one = row.in_firsts(mass, T), row.first_reciprocal(T)
    y = nearest(total >> 8) * f32(2.0**24) * one * one * reciprocal(firsts)
    if settings["p_less"] == "p-less-norm" and row.V > 1:
        y = fused(y - firsts, reciprocal(np.array([row.V - 1], f32)), y)
    if y[0] < 2.0**-40:
        return ids
    return from_weight(row, ids, y * f32(1 - 2.0**-17), row.z[row.order[0]], T)


def min_k(row, ids, settings, T):
    def fall(z, y):
        with np.errstate(over="ignore"):
            difference = np.asarray(z - y, f32)
        return np.where(difference >= f32(2.0**-90), difference, f32(0))
    z, number = row.z[ids], np.arange(1, len(ids) + 1)
    reach = fall(z[:1], z[-1:])[0]
    if reach == 0:
        return ids
    with np.errstate(over="ignore"):
        cliff = int(np.argmax(fall(z[:-1], z[1:]) * reciprocal(number[:-1].astype(f32)))) + 1
        within = int((number.astype(f32) * reach <= f32(settings["min_k"])).sum())
    return ids[:max(cliff, within)]


FILTERS.update(
    epsilon=Filter(True, lambda s: f32(s.get("epsilon_cutoff", 0)) >= SMALLEST_SHARE, epsilon),
    top_a=Filter(True, lambda s: f32(s.get("top_a", 0)) >= SMALLEST_SHARE, top_a),
    p_less=Filter(True, lambda s: s.get("p_less", "off") != "off", p_less),
    min_k=Filter(False, lambda s: s.get("min_k", 0) > 0, min_k),
)

# ------------------------------------------------------------- known answers

NEUTRAL = {"epsilon_cutoff": 0.0, "top_a": 0.0, "p_less": "off", "min_keep": 0, "min_k": 0.0}
FIRST = "temperature", "top_n_sigma", "top_k", "top_p", "min_p", "epsilon", "top_a", "p_less", "min_k", "xtc"
LAST = FIRST[1:] + FIRST[:1]
CHOICES = {  # by parameter: orders, and values to take in turns
    "epsilon_cutoff": (filters.orders_with("epsilon", FIRST, LAST), (0.1, 0.001, 0.3, 1e-5, 0.02, 0.0003, 1.0, 1e-20)),
    "top_a": (filters.orders_with("top_a", FIRST, LAST), (0.2, 0.01, 1.0, 1e-4, 0.5, 0.001, 1e-20)),
    "p_less": (filters.orders_with("p_less", FIRST, LAST), ("p-less", "p-less-norm")),
    "min_keep": ((FIRST, LAST, ("top_p",), ("xtc", "min_p", "temperature"), ("temperature", "top_n_sigma", "xtc"),
                  ("top_k", "xtc", "temperature"), ("min_p", "temperature", "top_p", "top_k")),
                 (2, 5, 40, 300, 4000, 2**32 - 1)),
    "min_k": (filters.orders_with("min_k", FIRST, LAST), (3.0, 1e-30, 100.0, 1.0, 1e-3, 1e4, 1e30)),
}


def more_values(counter, V):
    return {"min_keep": (0, 0, 3, 1, 0, V // 3)[counter // 7 % 6]}


def answers():
    return filters.answers(300000, CHOICES, NEUTRAL, more_values)


# ----------------------------------------------------------------- originals

def near(measure, boundary):
    return np.abs(measure - boundary) <= EDGE * boundary


def transformers_epsilon(z, T, epsilon):
    """EpsilonLogitsWarper."""
    p = softmax(z, T)
    return np.where(p < epsilon, p == p.max(), True), near(p, epsilon)


def webui_top_a(z, T, a):
    """TopALogitsWarper of text-generation-webui: less than a * max^2 goes."""
    p = softmax(z, T)
    return p >= a * p.max()**2, near(p, a * p.max()**2)


def p_less_decode(z, T, kind):
    """p_less_decode and p_less_norm_decode of the authors: less than the threshold goes."""
    p, V = softmax(z, T), len(z)
    threshold = (p * p).sum()
    if kind == "p-less-norm":
        threshold = (V * threshold - 1) / (V - 1)
    return p >= threshold, near(p, threshold)


def paper_min_k(z, T, tau):
    """The paper's algorithm 1, as vLLM has it: what lies below the k-th logit goes."""
    ranked = -np.sort(-z)
    reach = ranked[0] - ranked[-1] + 1e-8
    falls = (ranked[:-1] - ranked[1:]) / reach / np.arange(1, len(z))
    k = min(max(int(np.argmax(falls)) + 1, int(np.floor(tau / reach))), len(z))
    return z >= ranked[k - 1], near(z, ranked[k - 1])


ORIGINALS = {  # by parameter: its filter, the original, and values for it
    "epsilon_cutoff": ("epsilon", transformers_epsilon, (0.3, 0.1, 0.01, 0.001, 3e-4, 1e-5, 0.9)),
    "top_a": ("top_a", webui_top_a, (1.0, 0.5, 0.2, 0.01, 1e-4)),
    "p_less": ("p_less", p_less_decode, ("p-less", "p-less-norm")),
    "min_k": ("min_k", paper_min_k, (3.0, 0.01, 20.0, 1000.0)),
}


def compare_with_originals():
    random = np.random.default_rng(1)
    return sum(filters.compare(parameter, *original, random) for parameter, original in ORIGINALS.items())


if __name__ == "__main__":
    sys.exit(filters.main(sys.argv[1:], __doc__, "shares", answers(), compare_with_originals))
