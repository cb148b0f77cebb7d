#!/usr/bin/env python3
"""Mirostat, stated in numpy apart from the C, beside reference.py, whose draw it is a filter of.

    python3 reference_mirostat.py known_mirostat.txt            writes the answers that the C is tested with
    python3 reference_mirostat.py --check known_mirostat.txt    compares a file with what it would write
    python3 reference_mirostat.py --originals                   compares with llama.cpp's formulas
"""
import sys

import numpy as np

import reference_filters as filters
from reference import FILTERS, LEAST_MASS, Filter, f32
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


def is_on(settings):
    return settings.get("mirostat") == "2" and f32(settings["mirostat_mu"]) <= MOST_MU


FILTERS["mirostat"] = Filter(True, is_on, mirostat_2)

# ------------------------------------------------------------- known answers

NEUTRAL = {"mirostat": "0", "mirostat_mu": 10.0}
FIRST = "temperature", "top_n_sigma", "top_k", "top_p", "min_p", "xtc", "mirostat"
LAST = "top_n_sigma", "top_k", "top_p", "min_p", "xtc", "temperature", "mirostat"
SURPRISES = 5.0, 1.0, 3.3, 0.5, 10.0, 2.0, 7.7, 0.0, 16.25, -3.0, 40.0, 80.0, 1e30, -1e38
CHOICES = {"mirostat_mu": (filters.orders_with("mirostat", FIRST, LAST, "min_p"), SURPRISES)}


def more_values(counter, V):
    return {"mirostat": "2"}


def answers():
    return filters.answers(700000, CHOICES, NEUTRAL, more_values)


# ----------------------------------------------------------------- originals


def llama_mirostat_2(z, T, mu):
    """llama_sampler_mirostat_v2_apply, but for equals of the first."""
    surprise = -np.log2(softmax(z, T))
    return (surprise <= mu) | (z == z.max()), np.abs(surprise - mu) <= EDGE / np.log(2) + 2.0**-16


def compare_with_originals():
    """Gives how many tokens differ without an excuse."""
    FILTERS["mirostat 2"] = Filter(True, None, mirostat_2)
    return filters.compare("mirostat_mu", "mirostat 2", llama_mirostat_2, SURPRISES[:10], np.random.default_rng(1))


if __name__ == "__main__":
    sys.exit(filters.main(sys.argv[1:], __doc__, "mirostat", answers(), compare_with_originals))
