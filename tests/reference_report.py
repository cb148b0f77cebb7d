#!/usr/bin/env python3
"""What is told of any token of a row, stated in numpy apart from the C: scores, the kept tokens, their probabilities
and their logits.

    python3 reference_report.py known_report.txt            writes the answers that the C is tested with
    python3 reference_report.py --check known_report.txt    compares a file with what it would write
"""
import sys

import numpy as np

from reference import GREEDY_BELOW, INF, POWER, bits_of, exponents, f32, fused, horner, parted, u32, write_or_check
from reference_results import cut, first_of, log_probability, questions, units


def probabilities(row, ids, T):
    """Of these tokens, in rank order, among themselves."""
    t = exponents(row.z[ids], *first_of(row, ids, T))
    mantissa, n = cut(units(row, ids, T))
    N = f32(np.ldexp(f32(2**63 // mantissa), -50 - n))
    whole, f = parted(t)
    p = np.ldexp(fused(f32(2**27) * horner(f, POWER[:-1]) * f, N, f32(2**27) * N), whole)
    return np.where((t > f32(-126)) & (p >= f32(2.0**-126)), p, f32(0))


def report(row, given, T, k, p, x, stream, method, order, token):
    """-> scores of the token, kept and raw, ids kept, probabilities, logits."""
    T, V = f32(T), row.V
    shares, logits = np.zeros(V, f32), np.full(V, -INF, f32)
    drawn, number, _ = row.draw(T, k, p, 0.0, *stream, method, order, 0.0, (1.0 if x else 0.0, x))
    if drawn < 0:
        return -INF, -INF, np.array([], int), shares, logits
    raw = -INF
    if given.status != "invalid":
        raw = log_probability(given, given.order[:given.living], f32(1), token)
    if T < GREEDY_BELOW:
        kept = row.order[:1]
        shares[kept] = 1
        score = f32(0) if token == drawn else -INF
    else:
        end = int(np.flatnonzero(row.order == row.boundary)[0]) + 1
        kept = row.order[end - number:end]
        shares[kept] = probabilities(row, kept, T)
        score = log_probability(row, kept, T, token) if token in kept else -INF
    logits[kept] = row.z[kept]
    return score, raw, np.sort(kept), shares, logits


def digest(values):
    """FNV-1a of words."""
    h = 0xCBF29CE484222325
    for word in values.tolist():
        h = (h ^ word) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{h:016x}"


HEADER = """\
# Known answers of what is told of any token of a row, computed by reference_report.py and by nothing else:
#     python3 reference_report.py known_report.txt
# Questions are those of known_results.txt; `id` is a token to score. Scores are the bits of binary32; then come how
# many tokens are kept, and digests, FNV-1a over words, of their ids, of all probabilities and of all processed logits.
# kind type input row_seed vocabulary mask biases temperature top_k top_p xtc order method seed offset stream
# id score raw_score kept ids probabilities logits
"""


def answers():
    for number, (given, row, how, columns) in enumerate(questions()):
        is_ranked = row.status not in ("invalid", "empty")
        token = int(row.order[number % 7 % row.V]) if is_ranked and number % 3 else number * 911 % row.V
        score, raw, kept, shares, logits = report(row, given, *how, token)
        yield (*columns, token, bits_of(score), bits_of(raw), len(kept), digest(kept), digest(shares.view(u32)),
               digest(logits.view(u32)))


def main(arguments):
    return write_or_check(arguments, __doc__, HEADER, answers())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
