#!/usr/bin/env python3
"""Known answers of the draw, as reference.py has it.

    python3 reference_answers.py known_answers.txt    writes the answers that the C is tested with
    python3 reference_answers.py --check known_answers.txt    compares a file with what it would write
"""
import sys
from functools import lru_cache

import numpy as np

from reference import TEMPERATURE_FIRST, TEMPERATURE_LAST, Row
from reference_arithmetic import GREEDY_BELOW, f32, random_64, u32
from reference_rows import KINDS, biases_of, logit_row, mask_of, probability_row, through_type


@lru_cache(maxsize=4)
def row_of(kind, type_name, source, seed, V, mask=0, biases=0):
    make = probability_row if source == "probabilities" else logit_row
    values = through_type(make(kind, seed, V), type_name)
    return Row(values, source == "probabilities", mask_of(mask, V), biases_of(biases, V))


HEADER = """\
# Known answers of the draw, computed by reference_answers.py and by nothing else:
#     python3 reference_answers.py known_answers.txt
# A line is a row, how to draw from it, and what must come out:
#     kind type input row_seed vocabulary   the row: rows.c states its values as integer formulas
#     mask biases                           what restricts it, by number, as rows.c makes them; 0: nothing
#     temperature top_k ... filters         the parameters, by the library's names; floats in hexadecimal
#     token kept status                     the answer
# f16 and bf16 rows are those formulas rounded to the type, to the nearest, halves to even;
# finite numbers beyond its range become its largest.
#contract 2
"""
COLUMNS = ("kind", "type", "input", "row_seed", "vocabulary", "mask", "biases", "temperature", "top_k", "top_p",
           "min_p", "seed", "offset", "stream", "method", "filters", "token", "kept", "status")
T_OFF, K_OFF, P_OFF, M_OFF = 1.0, 0, 1.0, 0.0
OLDER_FIRST = "temperature", "top_k", "top_p", "min_p"
OLDER_LAST = "top_k", "top_p", "min_p", "temperature"    # of rows whose other filters are off
UNUSUAL = (("top_p", "temperature", "top_k"), ("min_p", "top_p", "temperature"),
           ("temperature", "min_p", "top_k", "top_p"))


def filters(V, bits):
    """Every filter alone and beside the others, with values picked by `bits`."""
    k = (2, 5, 50, V // 2, V - 1)[bits % 5]
    p = (0.1, 0.5, 0.9, 0.95, 0.999999)[bits // 5 % 5]
    m = (0.001, 0.05, 0.2, 0.5, 1.0)[bits // 25 % 5]
    T = (0.3, 0.7, 0.8, 1.3, 2.0)[bits // 125 % 5]
    plain = [
        (T_OFF, K_OFF, P_OFF, M_OFF), (T, K_OFF, P_OFF, M_OFF), (0.01, K_OFF, P_OFF, M_OFF),
        (100.0, K_OFF, P_OFF, M_OFF), (np.inf, K_OFF, P_OFF, M_OFF), (0.0, K_OFF, P_OFF, M_OFF),
        (T, k, P_OFF, M_OFF), (T, K_OFF, p, M_OFF), (T, K_OFF, P_OFF, m),
        (T, k, p, M_OFF), (T, k, P_OFF, m), (T, K_OFF, p, m), (T, k, p, m),
        (np.inf, k, p, m), (100.0, K_OFF, p, m), (0.01, k, p, m), (1e-6, k, p, m),
        (T, 1, P_OFF, M_OFF), (T, K_OFF, 0.0, M_OFF), (T, V, 1e-6, 2.0**-127), (1.1e-5, V + 1, p, M_OFF),
    ]
    ordered = [
        (T, k, p, m, OLDER_LAST), (100.0, K_OFF, p, m, OLDER_LAST), (0.01, K_OFF, p, M_OFF, UNUSUAL[0]),
        (T, k, p, M_OFF, UNUSUAL[0]), (T, K_OFF, p, m, UNUSUAL[1]), (np.inf, k, p, m, UNUSUAL[2]),
        (T, k, P_OFF, m, OLDER_LAST), (T, k, p, m, OLDER_FIRST),
    ]
    return [choice + ((),) for choice in plain] + ordered


def cases():
    """-> rows (kind, type, input, seed, V) and, of each, which share of the filters to answer."""
    for number, kind in enumerate(KINDS):
        for V in (1, 2, 255, 256, 257, 1000):
            yield (kind, "f32", "logits", 7 * number + V, V), 1
        for V in (2, 257, 1000):
            yield (kind, "f16", "logits", 5 * number + V, V), 2
            yield (kind, "bf16", "logits", 3 * number + V, V), 2
            yield (kind, "f32", "probabilities", 11 * number + V, V), 2
            yield (kind, "f16" if V % 2 else "bf16", "probabilities", 13 * number + V, V), 3
        yield (kind, "f32", "logits", 17 * number, 32000), 1
        yield (kind, ("f16", "bf16")[number % 2], "logits", 19 * number + 1, 32000), 5
        yield (kind, "f32", "probabilities", 23 * number, 32000), 5
        yield (kind, "f32", "logits", 29 * number + 2, 128256), 7
    for seed in (10, 34, 21, 45):    # logits about 2^22 and 2^92: where the arithmetic and the temperature change over
        yield ("huge", "f32", "logits", seed, 1000), 1


# Gaussian rows, by seed and vocabulary, whose first tokens hold exactly the mass that this top-p asks for:
# found by trying many, for else no row tells "less than" from "no more than".
BRINKS = ((13041, 2, "0x1.00002p-1"), (73060, 2, "0x1.08655ap-1"), (365, 1000, "0x1.dcf4b6p-1"))


def restrictions():
    """-> row, mask and biases of rows that are restricted."""
    number = 0
    for kind in KINDS:
        for V in (2, 257, 1000, 32000):
            for type_name in ("f32", "f16", "bf16"):
                number += 1
                mask, biases = number if number % 3 else 0, number if number % 4 else 0
                yield (kind, type_name, "logits", number, V), mask, biases
            number += 1
            yield (kind, "f32", "probabilities", number, V), number, 0


def questions():
    """-> row, mask, biases and filters of each answer, and a number of its own."""
    counter = 0
    for row, share in cases():
        for n, choice in enumerate(filters(row[4], counter)):
            counter += 1
            if (n + row[3]) % share == 0:
                yield row, 0, 0, choice, counter
    for seed, V, top_p in BRINKS:
        p = f32(float.fromhex(top_p))
        for near in (np.nextafter(p, f32(0)), p, np.nextafter(p, f32(1))):
            counter += 1
            yield ("gaussian", "f32", "logits", seed, V), 0, 0, (T_OFF, K_OFF, near, M_OFF, ()), counter
    for row, mask, biases in restrictions():
        for n, choice in enumerate(filters(row[4], counter)):
            counter += 1
            if (n + row[3]) % 7 == 0:
                yield row, mask, biases, choice, counter


def stream_of(counter):
    """A seed, an offset and a stream for a question of this number."""
    if counter % 3 == 0:
        return counter, counter % 100, counter % 4
    return random_64(1, counter, 0), random_64(2, counter, 0), random_64(3, counter, 0) & 0xFFFFFFFF


def answered(row, mask, biases, choice, counter, method, order):
    """A question and its answer, by column. choice: parameters in the order of columns, by their names in draw()."""
    seed, offset, stream = stream_of(counter)
    answer = row_of(*row, mask, biases).draw(seed=seed, offset=offset, stream=stream, method=method,
                                             order=order or TEMPERATURE_FIRST, **choice)
    values = [x for value in choice.values() for x in (value if isinstance(value, tuple) else (value,))]
    return *row, mask, biases, *values, seed, offset, stream, method, ",".join(order) or "default", *answer


def plain_answers():
    for row, mask, biases, (T, k, p, m, order), counter in questions():
        wants_both = row[4] < 32000 and T >= GREEDY_BELOW
        methods = ("race", "inverse-cdf") if wants_both else (("race", "inverse-cdf")[counter % 2],)
        for method in methods:
            line = answered(row, mask, biases, {"T": T, "k": k, "p": p, "m": m}, counter, method, order)
            yield line
            if line[-1] != "ok":
                break


# Answers of rows with top-n-sigma follow the others, with columns of their own.

SIGMA_COLUMNS = COLUMNS[:11] + ("top_n_sigma",) + COLUMNS[11:]
SIGMA_ORDERS = ((), (), ("top_n_sigma",) + OLDER_LAST, ("top_k", "top_n_sigma", "top_p", "temperature"),
                ("top_p", "temperature", "min_p", "top_n_sigma"), ("min_p", "top_n_sigma", "temperature", "top_k"))


def more_rows():
    """-> row, mask and biases: every kind, in every type and at lengths that end within, at and behind a block."""
    number = 0
    for kind in KINDS[:-3]:
        for type_name, source, V in (("f32", "logits", 2), ("f32", "logits", 256), ("bf16", "logits", 1000),
                                     ("f16", "logits", 1000), ("f32", "probabilities", 257),
                                     ("f32", "logits", 3001), ("bf16", "probabilities", 5000)):
            number += 1
            mask = number if number % 4 == 1 else 0
            yield (kind, type_name, source, number, V), mask, number if number % 5 == 1 and source == "logits" else 0
    for kind in ("gaussian", "peaked", "lowest", "ties"):
        yield (kind, "f32", "logits", 1, 32000), 0, 0
    yield ("nan", "f32", "logits", 1, 257), 0, 0
    yield ("empty", "f32", "logits", 1, 257), 0, 0


OFF = {"T": ("temperature", T_OFF), "k": ("top_k", K_OFF), "p": ("top_p", P_OFF), "m": ("min_p", M_OFF),
       "n": ("top_n_sigma", 0.0)}


def within(order, **choice):
    """Parameters by their names in draw(), off where their filter is not in the order. An empty order has all."""
    return {key: value if not order or OFF[key][0] in order else OFF[key][1] for key, value in choice.items()}


def sigma_answers():
    counter = 100000
    for row, mask, biases in more_rows():
        for _ in range(4 if row[4] < 32000 else 6):
            counter += 1
            order = SIGMA_ORDERS[counter // 2 % 6]
            choice = within(order, T=(0.7, 1.0, 2.0, 1.0, np.inf, 0.3, 100.0)[counter % 7],
                            k=(0, 0, 5, row[4] // 2, 50)[counter % 5], p=(1.0, 0.9, 1.0, 0.5)[counter % 4],
                            m=(0.0, 0.0, 0.01)[counter % 3],
                            n=(1.0, 0.5, 2.0, 0.1, 1.5, 3.0, 1e-30, 1e30)[counter % 8])
            method = ("race", "inverse-cdf")[counter // 3 % 2]
            yield answered(row, mask, biases, choice, counter, method, order)


# Then come answers of rows with XTC.

XTC_COLUMNS = SIGMA_COLUMNS[:12] + ("xtc_probability", "xtc_threshold") + SIGMA_COLUMNS[12:]
XTC_ORDERS = ((), TEMPERATURE_LAST, ("xtc", "top_p", "temperature", "top_k"), ("xtc", "min_p", "temperature", "top_p"),
              ("xtc", "top_n_sigma", "temperature", "min_p"), ("top_p", "temperature", "xtc", "top_k", "top_n_sigma"),
              ("temperature", "xtc", "top_k", "top_p", "min_p", "top_n_sigma"), ("xtc",))


def xtc_choice(counter, V):
    order = XTC_ORDERS[counter // 2 % 8]
    choice = within(order, T=(0.7, 1.0, 2.0, 0.2, np.inf, 1.0, 50.0)[counter % 7],
                    k=(0, 5, V // 2, 0, 60)[counter % 5], p=(1.0, 0.9, 0.6)[counter % 3],
                    m=(0.0, 0.01, 0.2)[counter // 3 % 3], n=(0.0, 1.0, 2.5)[counter // 9 % 3])
    choice["x"] = (1.0, 0.5, 1.0)[counter % 3], (0.1, 0.001, 0.0, 0.3, 1e-5, 0.04, 1e-35)[counter // 2 % 7]
    return choice, order


def xtc_answers():
    counter = 200000
    for row, mask, biases in more_rows():
        for _ in range(5 if row[4] < 32000 else 8):
            counter += 1
            choice, order = xtc_choice(counter, row[4])
            for method in ("race", "inverse-cdf")[counter % 2:]:
                yield answered(row, mask, biases, choice, counter, method, order)


def answers():
    yield "#columns", *COLUMNS
    yield from plain_answers()
    yield "#columns", *SIGMA_COLUMNS
    yield from sigma_answers()
    yield "#columns", *XTC_COLUMNS
    yield from xtc_answers()


# ---------------------------------------------------- files of known answers


def hexadecimal(x):
    mantissa, _, exponent = float(f32(x)).hex().partition("p")
    return mantissa.rstrip("0").rstrip(".") + ("p" + exponent if exponent else "")


def bits_of(x):
    """A float as a file has it whose reader wants its bits."""
    return f"{int(f32(x).view(u32)):08x}"


def line_of(fields):
    return " ".join(hexadecimal(x) if isinstance(x, (float, f32)) else str(x) for x in fields) + "\n"


def write_or_check(arguments, usage, header, answers):
    """Writes the file that `arguments` name, or compares it behind --check. answers: tuples of fields, a line each.
    -> what the program exits with."""
    is_check = arguments[:1] == ["--check"]
    if len(arguments) != 1 + is_check:
        return usage
    text, path = header + "".join(map(line_of, answers)), arguments[-1]
    if is_check:
        with open(path, encoding="ascii") as file:
            return 0 if file.read() == text else f"{path} differs from what this would write"
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(write_or_check(sys.argv[1:], __doc__, HEADER, answers()))
