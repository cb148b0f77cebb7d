#!/usr/bin/env python3
"""Adaptive-p, stated in numpy apart from the C, beside reference.py, whose draw it changes.

    python3 reference_adaptive.py known_adaptive.txt            writes the answers that the C is tested with
    python3 reference_adaptive.py --check known_adaptive.txt    compares a file with what it would write
    python3 reference_adaptive.py --originals                   compares with llama.cpp's formulas
"""
import sys

import numpy as np

import reference_filters as filters
from reference import SHAPES, Row
from reference_arithmetic import INF, f32, flushed, fused, power, reciprocal
from reference_filters import softmax
from reference_report import probabilities

LOG2_E = f32(float.fromhex("0x1.715476p+0"))
PER_WIDTH = f32(float.fromhex("0x1.aaaaaap+1"))


def target_of(settings):
    target = f32(settings["adaptive_target"])
    total, weight = f32(settings["adaptive_sum"]), f32(settings["adaptive_weight"])
    if weight == 0:
        return flushed(target)
    return flushed(f32(min(max(2.0 * float(target) - float(total) / float(weight), 0.0), 1.0)))


def logits_for(p, target):
    """The new logits of tokens with these probabilities."""
    d = np.abs(p - target) * PER_WIDTH
    return fused(d * d * reciprocal(f32(1) + d), f32(-10), f32(5))


def reshape(row, ids, T, settings):
    if settings.get("adaptive_target", -1) < 0:
        return row, ids, T
    z = logits_for(probabilities(row, ids, T), target_of(settings))
    values = np.full(row.V, f32(0) if row.has_probabilities else -INF)
    values[ids] = power(z * LOG2_E) if row.has_probabilities else z
    shaped = Row(values, row.has_probabilities)
    return shaped, shaped.order[:shaped.living], f32(1)


SHAPES.append(reshape)

# ------------------------------------------------------------- known answers

NEUTRAL = {"adaptive_target": -1.0, "adaptive_sum": 0.0, "adaptive_weight": 0.0}
FIRST = "temperature", "top_n_sigma", "top_k", "top_p", "min_p", "xtc"
LAST = FIRST[1:] + FIRST[:1]
CHOICES = {"adaptive_target": (filters.orders_with("min_p", FIRST, LAST), (0.3, 0.05, 0.0, 1.0, 0.6))}


def more_values(counter, V):
    return {"adaptive_sum": (0.0, 3.0, 0.5, 20.0)[counter // 3 % 4], "adaptive_weight": (0.0, 10.0, 8.0)[counter % 3]}


def answers():
    return filters.answers(500000, CHOICES, NEUTRAL, more_values)


# ----------------------------------------------------------------- originals

def compare_with_originals():
    """Gives 1 where a probability is off by more than 1e-5 of it and 1e-9."""
    worst = 0.0
    for row, z, T in filters.random_rows(np.random.default_rng(1)):
        for target in (0.0, 0.01, 0.3, 0.6, 1.0):
            settings = {**NEUTRAL, "adaptive_target": target}
            shaped, ids, heat = reshape(row, row.order, f32(T), settings)
            got = np.zeros(row.V)
            got[ids] = probabilities(shaped, ids, heat)
            d = np.abs(softmax(z, T) - target) / 0.3    # llama_sampler_adaptive_p_apply
            right = softmax(5 - 10 * d * d / (1 + d), 1.0)
            worst = max(worst, float(((np.abs(got - right) - 1e-9) / right).max()))
    print(f"adaptive-p: probabilities are at most {worst:.1e} of themselves off")
    return worst > 1e-5


if __name__ == "__main__":
    sys.exit(filters.main(sys.argv[1:], __doc__, "adaptive", answers(), compare_with_originals))
