#!/usr/bin/env python3
"""Prints the answers that src/self_test_answers.h has, and the sum of times that test_race.c has."""
import numpy as np

from reference import TEMPERATURE_FIRST, TEMPERATURE_LAST, Row
from reference_arithmetic import INF, f32, time_bits, u64
from reference_rows import scaled

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


if __name__ == "__main__":
    print("\n".join(self_test_answers()))
    print(f"sum of times 0x{time_sum():016X}")
