#!/usr/bin/env python3
"""What a row's history makes of its logits, stated in numpy apart from the C.

    python3 reference_processors.py known_processors.txt            writes the answers that the C is tested with
    python3 reference_processors.py --check known_processors.txt    compares a file with what it would write
    python3 reference_processors.py --self-test                     prints the answers that src/self_test_answers.h has

Of each token of the vocabulary the tokens of the history are counted, and penalties are applied to all tokens at once:
zeros where a token does not occur.
"""
import sys

import numpy as np

from reference import Row
from reference_answers import COLUMNS as DRAW_COLUMNS, row_of, stream_of, write_or_check
from reference_arithmetic import INF, LARGEST, f32, f64, flushed
from reference_rows import KINDS, hashed
from reference_self_test import LONG_QUESTIONS, self_test_answer, self_test_row

HISTORY, HISTORY_PROMPT, END_TOKENS = 8, 9, 10    # uses of the hash, as rows.c has them


def history_of(number, V):
    """-> tokens, how many of them are the prompt, and the end tokens; nothing for 0."""
    if number == 0:
        return np.zeros(0, np.int64), 0, np.zeros(0, np.int64)
    h = hashed(number, HISTORY, np.arange(number % 97 if number % 11 else 600))
    tokens = h % np.where(h >> 28 < 4, V, min(V, 24))
    prompt = int(hashed(number, HISTORY_PROMPT, 0)) % (len(tokens) + 1)
    return tokens, prompt, hashed(number, END_TOKENS, np.arange(1 + number % 3)) % V


OFF = {"repetition": 1.0, "window": 0, "frequency": 0.0, "presence": 0.0, "prompt": "repetition", "min_tokens": 0}


def processed(z, history, repetition, window, frequency, presence, prompt, min_tokens):
    """Effective logits, masks and biases applied, as the history and the parameters change them."""
    tokens, prompt_length, end_tokens = history
    V, first = len(z), max(0, len(tokens) - window) if window else 0
    whole, output = tokens[first:], tokens[max(first, prompt_length):]
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        repeated = np.bincount(output if prompt == "none" else whole, minlength=V) > 0
        if f32(repetition) != 1:
            above = flushed(f32(1.0 / float(f32(repetition))))
            product = z * np.where(z > 0, above, f32(repetition))
            product = np.where(np.abs(product) < f32(2.0**-125), f32(0), product)
            z = np.where(repeated & (z != -INF), product, z)
        times = np.bincount(whole if prompt == "all" else output, minlength=V).astype(f64)
        penalty = times * float(f32(frequency)) + (times > 0) * float(f32(presence))
        penalty = flushed(np.clip(penalty, -float(LARGEST), float(LARGEST)).astype(f32))
        z = np.where(z == -INF, z, flushed(z - penalty)).astype(f32)
    if len(tokens) - prompt_length < min_tokens:
        z[end_tokens] = -INF
    return z


# ------------------------------------------------------------- known answers

HEADER = """\
# Known answers of rows with histories, computed by reference_processors.py and by nothing else:
#     python3 reference_processors.py known_processors.txt
# Columns are those of known_answers.txt, and
#     history                               the row's history and end tokens, by number, as rows.c makes them; 0: none
#contract 2
"""
COLUMNS = DRAW_COLUMNS[:7] + ("history",) + DRAW_COLUMNS[7:11] + (
    "repetition_penalty", "penalty_window", "frequency_penalty", "presence_penalty", "penalty_prompt",
    "min_tokens") + DRAW_COLUMNS[11:15] + DRAW_COLUMNS[16:]
REPETITIONS = 1.3, 1.05, 50.0, 0.5, 2.0, 1e-3, 2.0**-126, float(LARGEST), 1.0 + 2.0**-23
AMOUNTS = 0.5, 1.5, -0.75, 2.0, 0.1, -3.0, 1e30, -1e30, float(LARGEST), 2.0**-126, 5.0


def choices(n):
    """Each feature alone, with another, and all of them, by a number."""
    repetition, frequency = REPETITIONS[n % 9], AMOUNTS[n // 2 % 11]
    presence, window, prompt = AMOUNTS[n // 3 % 11], (1, 5, 20, 64, 1000)[n % 5], ("all", "none")[n // 2 % 2]
    min_tokens = (1, 3, 10, 40, 1000)[n // 3 % 5]
    own = ({"repetition": repetition}, {"frequency": frequency}, {"presence": presence},
           {"repetition": repetition, "window": window, "prompt": prompt},
           {"frequency": frequency, "window": window, "prompt": prompt}, {"min_tokens": min_tokens},
           {"repetition": repetition, "frequency": frequency, "presence": presence},
           {"repetition": repetition, "frequency": frequency, "presence": presence, "window": window, "prompt": prompt,
            "min_tokens": min_tokens})[n % 8]
    return {**OFF, **own}


def rows():
    """-> row, mask, biases and history: every kind and type, at lengths that end within, at and behind a block."""
    number = 0
    for kind in KINDS:
        for type_name, V in (("f32", 1), ("f32", 2), ("f32", 255), ("f32", 256), ("f16", 257), ("bf16", 1000),
                             ("f32", 5000), ("f16", 5000), ("f32", 32000 if len(kind) < 6 else 3001)):
            number += 1
            yield ((kind, type_name, "logits", number, V), number if number % 4 == 1 else 0,
                   number if number % 3 == 1 else 0, number)


def answers():
    yield "#columns", *COLUMNS
    counter = 300000
    for row, mask, biases, history in rows():
        for _ in range(16):
            counter += 1
            choice = choices(counter)
            z = processed(row_of(*row, mask, biases).z, history_of(history, row[4]), **choice)
            T, k = (1.0, 0.7, 2.0, 0.0)[counter // 8 % 4], (0, 0, 40)[counter % 3]
            p, m = (1.0, 0.9, 0.6)[counter // 5 % 3], (0.0, 0.02)[counter // 7 % 2]
            method, stream = ("race", "inverse-cdf")[counter // 3 % 2], stream_of(counter)
            answer = Row(z).draw(T, k, p, m, *stream, method)
            yield *row, mask, biases, history, T, k, p, m, *choice.values(), *stream, method, *answer


# ----------------------------------------------------------------- self-test
# The rows with histories of src/self_test_rows.c.


def self_test_answers():
    n = np.arange(60)
    for number, question in enumerate(LONG_QUESTIONS):
        history = (number * 101 + n * n % 64 * 7) % 5003, 20, np.array([number * 3])
        z = processed(self_test_row(number, 5003, "logits", 0).z, history, (0.875, 1.25)[number % 2],
                      30 if number == 4 else 0, 0.5 if number % 3 else 0.0, -0.75,
                      ("repetition", "all", "none")[number % 3], 50)
        yield self_test_answer(Row(z), number, question)


def main(arguments):
    if arguments == ["--self-test"]:
        print("\n".join(self_test_answers()))
        return 0
    return write_or_check(arguments, __doc__, HEADER, answers())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
