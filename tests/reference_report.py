#!/usr/bin/env python3
"""What is told of any token of a row, stated in numpy apart from the C: scores, the kept tokens, their probabilities
and their logits.

    python3 reference_report.py known_report.txt            writes the answers that the C is tested with
    python3 reference_report.py --check known_report.txt    compares a file with what it would write
    python3 reference_report.py --self-test                 prints the digests that src/self_test_results.c has
"""
import sys

import numpy as np

from reference import exponents
from reference_answers import bits_of, write_or_check
from reference_arithmetic import GREEDY_BELOW, INF, POWER, f32, fused, horner, parted, u32
from reference_self_test import SHORT_QUESTIONS, self_test_row, self_test_stream
from reference_results import cut, first_of, log_probability, questions, units


def probabilities(row, ids, T):
    """Of these tokens, in rank order, among themselves."""
    t = exponents(row.z[ids], *first_of(row, ids, T))
    mantissa, n = cut(units(row, ids, T))
    N = f32(np.ldexp(f32(2**63 // mantissa), -50 - n))
    whole, f = parted(t)
    p = np.ldexp(fused(f32(2**27) * horner(f, POWER[:-1]) * f, N, f32(2**27) * N), whole)
    return np.where((t > f32(-126)) & (p >= f32(2.0**-126)), p, f32(0))


def kept_of(row, T, drawn, number):
    """-> the ids that the filters have kept, in rank order, of a row that has been drawn from; none without a token."""
    if drawn < 0:
        return np.array([], int)
    if f32(T) < GREEDY_BELOW:
        return row.order[:1]
    end = int(np.flatnonzero(row.order == row.boundary)[0]) + 1
    return row.order[end - number:end]


def kept_by(row, T, k, p, x, stream, method, order):
    """-> the same, of a row that these parameters draw from."""
    drawn, number, _ = row.draw(f32(T), k, p, 0.0, *stream, method, order, 0.0, (1.0 if x else 0.0, x))
    return kept_of(row, T, drawn, number)


def scores(row, given, T, kept, token):
    """The log-probabilities of a token among those kept, some, and in the row as given."""
    own = raw = -INF
    if given.status != "invalid":
        raw = log_probability(given, given.order[:given.living], f32(1), token)
    if token in kept:
        own = f32(0) if f32(T) < GREEDY_BELOW else log_probability(row, kept, f32(T), token)
    return own, raw


def told(row, given, T, kept, token):
    """-> scores of the token, kept and raw, ids kept, probabilities, logits; of a row that keeps these ids."""
    shares, logits = np.zeros(row.V, f32), np.full(row.V, -INF, f32)
    if len(kept) == 0:
        return -INF, -INF, kept, shares, logits
    shares[kept] = 1 if f32(T) < GREEDY_BELOW else probabilities(row, kept, f32(T))
    logits[kept] = row.z[kept]
    return *scores(row, given, T, kept, token), np.sort(kept), shares, logits


def report(row, given, T, k, p, x, stream, method, order, token):
    """-> what is told of the row as these parameters draw from it."""
    return told(row, given, T, kept_by(row, T, k, p, x, stream, method, order), token)


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


# ----------------------------------------------------------------- self-test
# The short rows of src/self_test_rows.c, of each of which two tokens are scored: the last one kept, and another.


def self_test_digest(source):
    scores, ends, ids, shares, logits = [], [], [], [], []
    for number, question in enumerate(SHORT_QUESTIONS):
        row, drawn, kept, T = self_test_row(number, 1000, source, 0), -1, 0, 1.0
        if question is not None:
            T = question[0]
            drawn, kept, _ = row.draw(*question[:4], *self_test_stream(number), *question[4:])
        for token in (row.boundary if kept else 0, number * 61 + 7):
            *both, tokens, p, z = told(row, row, T, kept_of(row, T, drawn, kept), token)
            scores.append(both)
        ids += tokens.tolist()
        ends += [len(ids), 0]  # in 64 bits
        shares.append(p)
        logits.append(z)
    floats = np.concatenate([np.array(scores, f32).T.ravel(), *shares, *logits]).view(u32)
    sizes = 2 * len(scores)
    return digest(np.concatenate([floats[:sizes], np.array(ends, u32), np.array(ids, u32), floats[sizes:]]))


def main(arguments):
    if arguments == ["--self-test"]:
        for source in ("logits", "probabilities"):
            print(f"{source} 0x{self_test_digest(source)}")
        return 0
    return write_or_check(arguments, __doc__, HEADER, answers())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
