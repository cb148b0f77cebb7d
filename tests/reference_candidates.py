#!/usr/bin/env python3
"""The most likely tokens of a row with their log-probabilities, final and raw, stated in numpy apart from the C.

    python3 reference_candidates.py known_candidates.txt            writes the answers that the C is tested with
    python3 reference_candidates.py --check known_candidates.txt    compares a file with what it would write
"""
import sys

import numpy as np

from reference_answers import write_or_check
from reference_arithmetic import INF, f32, u32
from reference_report import digest, kept_by, scores
from reference_results import questions


def candidates(row, given, how, count):
    """-> so many ids in rank order, -1 behind those that can be drawn, and the two log-probabilities of each."""
    ids, own, raw = np.full(count, -1), np.full(count, -INF, f32), np.full(count, -INF, f32)
    kept = kept_by(row, *how)
    for rank in range(min(count, row.living) if len(kept) else 0):
        ids[rank] = row.order[rank]
        own[rank], raw[rank] = scores(row, given, how[0], kept, ids[rank])
    return ids, own, raw


HEADER = """\
# Known answers of the log-probabilities of the most likely tokens, computed by reference_candidates.py and by nothing
# else:
#     python3 reference_candidates.py known_candidates.txt
# Questions are those of known_results.txt. `count` candidates are wanted; of their ids, of their log-probabilities
# among the kept ones and of the raw ones there are digests, FNV-1a over words.
# kind type input row_seed vocabulary mask biases temperature top_k top_p xtc order method seed offset stream
# count ids logprobs raw_logprobs
"""


def answers():
    for number, (given, row, how, columns) in enumerate(questions()):
        count = (1, 5, 20, 33)[number % 4]
        ids, own, raw = candidates(row, given, how, count)
        yield *columns, count, digest(ids.astype(u32)), digest(own.view(u32)), digest(raw.view(u32))


def main(arguments):
    return write_or_check(arguments, __doc__, HEADER, answers())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
