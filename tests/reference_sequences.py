#!/usr/bin/env python3
"""What histories and token sequences do to logits, stated apart from the C.

    python3 reference_sequences.py known_sequences.txt    writes the answers that the C is tested with
    python3 reference_sequences.py --check known_sequences.txt    compares a file with what it would write
"""
import sys

import numpy as np

from reference import Row
from reference_answers import row_of, stream_of, write_or_check
from reference_arithmetic import INF, LARGEST, SMALLEST, f32, flushed, fused
from reference_rows import hashed_one


# ------------------------------------------------------------------ histories
# As past.c has them.

(KIND, LETTERS, LETTER, LENGTH, TOKEN, PERIOD, NOISE, PROMPT, WORD_COUNT, WORD_LENGTH, WORD_TOKEN, BREAKER_COUNT,
 BREAKER_LENGTH, BREAKER_TOKEN, END_COUNT, END, FORCED_COUNT, FORCED, START_COUNT, START, STOP_COUNT,
 STOP) = range(100, 122)


def number_of(number, use, at=0):
    return hashed_one(number, use, at)


def letter(number, use, at, V):
    letters = 2 + number_of(number, LETTERS) % 6
    return number_of(number, LETTER, number_of(number, use, at) % letters) % V


def words_of(number, count, lengths, use, V, history):
    words = []
    for w in range(count):
        h = number_of(number, lengths, w)
        length, word = 1 + h % 3, []
        for i in range(length):
            back = length - 1 - i + ((h >> 9) % 8 if use == BREAKER_TOKEN else 0)
            is_copied = h >> 8 & 1 and i + 1 < length and 0 < back <= len(history)
            word.append(history[-back] if is_copied else letter(number, use, 3 * w + i, V))
        words.append(tuple(word))
    return words


class History:
    def __init__(self, number, with_words, V):
        h = number_of(number, LENGTH)
        length = h % 4 if number % 11 == 3 else 300 + h % 400 if number % 13 == 5 else 1 + h % 60
        kind, period = number_of(number, KIND) % 3, 1 + number_of(number, PERIOD) % 9
        tokens = []
        for i in range(length if number else 0):
            is_noise = kind == 0 or (kind == 2 and number_of(number, NOISE, i) % 16 == 0)
            tokens.append(letter(number, TOKEN, i + 16 if is_noise else i % period, V))
        self.tokens = tuple(tokens)
        self.banned = self.breakers = self.ends = self.forced = self.start = self.stop = ()
        self.prompt = 0
        if number == 0:
            return
        self.prompt = number_of(number, PROMPT) % (length + 1)
        if with_words:
            self.banned = words_of(number, 1 + number_of(number, WORD_COUNT) % 4, WORD_LENGTH, WORD_TOKEN, V,
                                   self.tokens)
        self.breakers = words_of(number, number_of(number, BREAKER_COUNT) % 3, BREAKER_LENGTH, BREAKER_TOKEN, V,
                                 self.tokens)
        self.ends = [number_of(number, END, i) % V for i in range(number_of(number, END_COUNT) % 4)]
        self.forced = [number_of(number, FORCED, i) % V for i in range(number_of(number, FORCED_COUNT) % 6)]
        self.start = tuple(letter(number, START, i, V) for i in range(1 + number_of(number, START_COUNT) % 2))
        self.stop = tuple(letter(number, STOP, i, V) for i in range(1 + number_of(number, STOP_COUNT) % 3))


# ----------------------------------------------------------------- processors

OFF = {"dry_multiplier": 0.0, "dry_base": 1.75, "dry_allowed_length": 2, "dry_window": 0, "no_repeat_ngram": 0,
       "length_penalty_start": 0, "length_penalty_factor": 1.0, "forced_from": 0, "thinking_budget": 0}


def limited(x):
    """A number of 0 or more in binary32, never subnormal nor infinite."""
    x = f32(min(x, float(LARGEST)))
    return x if x >= SMALLEST else f32(0)


def dry_lengths(history, window, allowed, breakers):
    """By token, how long the longest repetition is that it would go on with, where that is long enough."""
    tokens = history[-window:] if window else history
    if len(tokens) <= allowed:
        return {}
    unbroken = len(tokens)
    for place in range(len(tokens) - 1, -1, -1):
        here = [len(b) for b in breakers if tokens[place:place + len(b)] == b]
        if here:
            unbroken = len(tokens) - place - max(here)
            break
    if unbroken < allowed:
        return {}
    lengths = {}
    for place in range(1, len(tokens)):
        n = 0
        while n < min(place, unbroken) and tokens[place - 1 - n] == tokens[-1 - n]:
            n += 1
        if n >= allowed and (tokens[place],) not in breakers:
            lengths[tokens[place]] = max(n, lengths.get(tokens[place], 0))
    return lengths


def dry_penalty(multiplier, base, excess):
    power = 1.0
    for _ in range(excess):
        power = power * base if power * base <= float(LARGEST) else power
    return limited(multiplier * power)


def length_growth(factor, beyond):
    """factor^beyond - 1, its power made of squares, the lowest first."""
    power, square = 1.0, factor
    while beyond:
        power = power * square if beyond & 1 else power
        square, beyond = square * square, beyond >> 1
    return limited(min(power - 1.0, 2.0**64)) if power >= 1.0 else -limited(1.0 - power)


def banned_by_words(history, words):
    return {word[-1] for word in words if len(word) == 1 or history[-(len(word) - 1):] == word[:-1]}


def banned_by_ngram(history, n):
    if n == 0 or len(history) < n:
        return set()
    others = history[len(history) - n + 1:]
    return {history[i + n - 1] for i in range(len(history) - n + 1) if history[i:i + n - 1] == others}


def end_of_thinking(history, start, stop, budget):
    """The token that ends thinking, or None where it is not yet to end."""
    begun, place = None, 0
    while place < len(history):
        sought = start if begun is None else stop
        if history[place:place + len(sought)] == sought:
            place += len(sought)
            begun = place if begun is None else None
        else:
            place += 1
    if not budget or begun is None or len(history) - begun < budget:
        return None
    since = history[begun:]
    return stop[max(n for n in range(len(stop)) if n <= len(since) and since[len(since) - n:] == stop[:n])]


def processed(z, h, p):
    """Effective logits, masks and biases applied, as the history and the parameters change them."""
    at = len(h.tokens) - h.prompt - p["forced_from"]
    only = h.forced[at] if 0 <= at < len(h.forced) else None
    if only is None and h.start:
        only = end_of_thinking(h.tokens, h.start, h.stop, p["thinking_budget"])
    if only is not None:
        z = np.full(len(z), -INF)
        z[only] = 0
        return z
    z = z.copy()
    with np.errstate(over="ignore", invalid="ignore"):
        if p["dry_multiplier"]:
            lengths = dry_lengths(h.tokens, p["dry_window"], p["dry_allowed_length"], h.breakers)
            for token, length in lengths.items():
                excess = length - p["dry_allowed_length"]
                z[token] = flushed(z[token] - dry_penalty(float(f32(p["dry_multiplier"])), float(f32(p["dry_base"])),
                                                          excess))
        beyond = len(h.tokens) - h.prompt - p["length_penalty_start"]
        if p["length_penalty_factor"] != 1.0 and beyond > 0:
            growth = length_growth(float(f32(p["length_penalty_factor"])), beyond)
            for token in set(h.ends):
                if z[token] > -INF:
                    grown = fused(np.array([abs(z[token])]), growth, np.array([z[token]]))[0]
                    z[token] = f32(0) if abs(grown) < f32(2.0**-125) else grown
    for token in banned_by_words(h.tokens, h.banned) | banned_by_ngram(h.tokens, p["no_repeat_ngram"]):
        z[token] = -INF
    return z


# -------------------------------------------------------------- known answers

HEADER = """\
# Known answers of draws with histories, computed by reference_sequences.py and by nothing else:
#     python3 reference_sequences.py known_sequences.txt
# Lines are like those of known_answers.txt, with two columns more:
#     past       the row's history and its sequences, by number, as past.c makes them
#     words      1: with banned words
#contract 2
"""
COLUMNS = ("kind type input row_seed vocabulary mask biases past words temperature top_k top_p min_p seed offset"
           " stream method").split() + list(OFF) + ["token", "kept", "status"]
ROWS = ("gaussian flat equal ties peaked zeros stairs negative lowest mostly_masked subnormal one_hot huge"
        " nan empty infinite").split()


def dry(i):
    return {"dry_multiplier": (0.8, 1.0, 5.0, 0.1, 1e30, 1e-39)[i % 6],
            "dry_base": (1.75, 1.1, 1.0, 3.0, 1e20, 1.0000001)[i // 2 % 6],
            "dry_allowed_length": (2, 1, 0, 3, 5, 2)[i // 3 % 6],
            "dry_window": (0, 0, 20, 7, 100, 2)[i // 5 % 6]}


def ngram(i):
    return {"no_repeat_ngram": (2, 1, 3, 4, 2, 9)[i % 6]}


def length(i):
    return {"length_penalty_start": (0, 5, 1, 20)[i % 4],
            "length_penalty_factor": (1.01, 1.5, 0.9, 1e10, 1e-30, 1.0000001)[i // 4 % 6]}


def forced(i):
    return {"forced_from": (0, 1, 3, 10, 4, 25)[i % 6]}


def thinking(i):
    return {"thinking_budget": (1, 3, 10, 2, 40, 1)[i % 6]}


FEATURES = (dry,), (ngram,), (length,), (forced,), (thinking,), (), (dry, ngram, length), (dry, ngram, length, thinking)


def far_from_forced(params):
    return params if "forced_from" in params else {**params, "forced_from": 2**32 - 1}


def questions():
    """-> row, mask, biases, history, whether with words, and parameters."""
    number = 0
    for which, features in enumerate(FEATURES):
        for i in range(330):
            number += 1
            V = (5, 9, 40, 2, 257, 9, 1000, 1, 12, 256, 20, 5)[i % 12]
            row = (ROWS[i // 3 % (len(ROWS) if i % 5 == 0 else 11)], ("f32", "f32", "f16", "bf16")[i % 4], "logits",
                   number, V)
            params = {}
            for feature in features:
                params.update(feature(i))
            yield (row, number if i % 7 == 1 else 0, number if i % 5 == 2 else 0, number if i % 50 else 0,
                   int(not features or which > 5), {**OFF, **far_from_forced(params)}, number)


def answers():
    yield "#columns", *COLUMNS
    for row, mask, biases, history, with_words, params, number in questions():
        z = processed(row_of(*row, mask, biases).z, History(history, with_words, row[4]), params)
        T, p, m = (1.0, 0.7, 2.0, 0.3, 0.0)[number % 5], (1.0, 0.9, 1.0)[number % 3], (0.0, 0.0, 0.05, 0.3)[number % 4]
        k, method = (0, 3, 0)[number // 2 % 3], ("race", "inverse-cdf")[number // 3 % 2]
        stream = stream_of(number + 300000)
        answer = Row(z).draw(T, k, p, m, *stream, method)
        yield *row, mask, biases, history, with_words, T, k, p, m, *stream, method, *params.values(), *answer


def main(arguments):
    return write_or_check(arguments, __doc__, HEADER, answers())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
