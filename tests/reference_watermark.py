#!/usr/bin/env python3
"""The watermark, stated in numpy apart from the C: the seed that a key and a context make, and what a text shows.

    python3 reference_watermark.py known_watermark.txt            writes the answers that the C is tested with
    python3 reference_watermark.py --check known_watermark.txt    compares a file with what it would write

A race is run with a seed that comes from a key and the tokens before. Whoever has the key runs the same races and sees
whether the text's tokens arrived early in them: -ln(1 - exp(-X)) of a runner's exponential number X is exponential
itself where the text was written without the key. The sum of n of them is gamma distributed, and its upper tail the
probability of less than n events where the sum is expected, which is added up here with 60 digits.
"""
import sys
from decimal import Decimal, getcontext
from math import expm1, log, log1p, exp

import numpy as np

from reference_answers import write_or_check
from reference_arithmetic import BLOCK, BLOCKS, TAIL, TOKENS, exponential, philox, random_31
from reference_rows import hashed

MARK, COUNT_CALL, TOKEN_CALL = 4, 1, 0
getcontext().prec = 60


def absorb(key, call, state, word):
    random = philox(MARK, call, key, state, word)
    return int(random[0]) | int(random[1]) << 32


def seed_of(key, context):
    state = absorb(key, COUNT_CALL, 0, len(context))
    for token in context:
        state = absorb(key, TOKEN_CALL, state, token)
    return state


def earliness(use, seed, runner):
    index = np.array([runner])
    high = random_31(use, index, seed, 0, 0)
    low = random_31(use + TAIL, index, seed, 0, 0)
    x = float(exponential(high, low)[0])
    return -log(-expm1(-x)) if x < 1 else -log1p(-exp(-x))


def upper_tail(shape, score):
    """Of a sum of `shape` exponential numbers, at `score`."""
    x, term, total = Decimal(score), Decimal(1), Decimal(0)
    for k in range(shape):
        total += term
        term *= x / (k + 1)
    return float((-x).exp() * total) if shape else 1.0


def detect(key, width, tokens, vocabulary, prompt):
    """-> tokens that are scored, random numbers, their score, its p-value."""
    races = [(seed_of(key, tokens[max(0, i - width):i]), tokens[i]) for i in range(prompt, len(tokens))]
    runners = {(TOKENS, seed, token) for seed, token in races}
    scored = len(runners)
    if vocabulary > BLOCK:
        runners |= {(BLOCKS, seed, token // BLOCK) for seed, token in races}
    score = sum(earliness(*runner) for runner in sorted(runners))
    return scored, len(runners), score, upper_tail(len(runners), score)


HEADER = """\
# Known answers of the watermark, computed by reference_watermark.py and by nothing else:
#     python3 reference_watermark.py known_watermark.txt
# seed    key, tokens with commas between (- for none), the seed that they make
# tail    how many random numbers, score, p-value
# detect  key, width, vocabulary, prompt's length, tokens, then: tokens scored, random numbers, score, p-value
"""


def number(i, use):
    return int(hashed(i, use, 0)) | int(hashed(i, use + 100, 0)) << 32


def seeds():
    for i in range(220):
        key = (0, 1, 2**64 - 1, number(i, 1))[min(i % 8, 3)]
        context = [number(i, 2 + n) % (2, 256, 50257, 2**23)[i % 4] for n in range((0, 1, 2, 3, 4, 8, 17)[i % 7])]
        yield key, context


def texts():
    """Texts of all lengths, some of few tokens, so that they repeat themselves."""
    for i in range(220):
        vocabulary = (2, 5, 256, 257, 4000, 2**23)[i % 6]
        length = (0, 1, 2, 5, 13, 40)[i // 6 % 6]
        tokens = [number(i, 2 + n) % vocabulary for n in range(length)]
        yield number(i, 1), 1 + i % 5, vocabulary, (0, 1, 3)[i % 3] if length > 3 else 0, tokens


def tails():
    for shape in (1, 2, 3, 7, 22, 23, 24, 25, 60, 200, 1000, 20000):
        for share in (0.01, 0.5, 0.9, 0.99, 1.0, 1.01, 1.1, 1.5, 2.0, 10.0):
            yield shape, shape * share


def listed(tokens):
    return ",".join(map(str, tokens)) or "-"


def answers():
    for key, context in seeds():
        yield "seed", key, listed(context), seed_of(key, context)
    for shape, score in tails():
        yield "tail", shape, repr(score), repr(upper_tail(shape, score))
    for key, width, vocabulary, prompt, tokens in texts():
        scored, numbers, score, p = detect(key, width, tokens, vocabulary, prompt)
        yield "detect", key, width, vocabulary, prompt, listed(tokens), scored, numbers, repr(score), repr(p)


def main(arguments):
    return write_or_check(arguments, __doc__, HEADER, answers())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
