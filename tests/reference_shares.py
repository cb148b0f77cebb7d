#!/usr/bin/env python3
"""Filters that cut at a share, stated in numpy apart from the C, beside reference.py, whose draw they are filters of.

    python3 reference_shares.py known_shares.txt            writes the answers that the C is tested with
    python3 reference_shares.py --check known_shares.txt    compares a file with what it would write
    python3 reference_shares.py --originals                 compares with the formulas of those who made the filters
"""
import sys

import numpy as np

import reference
from reference import FILTERS, HOTTEST, INF, Filter, Row, f32, f64, fused, hexadecimal, logarithm, reciprocal

LEAST_MASS = 256
SMALLEST_SHARE = f32(2.0**-80)


def nearest(mass):
    return fused(f32(mass >> 28), f32(2.0**28), f32(mass & 0xFFFFFFF))


def reached(share):
    return f32(float(share) * (1 - 2.0**-17))


def mass_of(row, ids, T):
    _, w, _, shift = row.weigh(T)
    return int((row.sums(w, ids) << 12 >> shift).sum())


def first_reciprocal(row, T):
    """1 / the weight of the row's first token."""
    return reciprocal(row.weigh(T)[1][row.order[:1]].astype(f32))


def in_firsts(row, mass, T):
    """A mass as a number of tokens like the row's first one."""
    return nearest(mass >> 8) * f32(2.0**-4) * first_reciprocal(row, T)


def from_weight(row, ids, weight, z, T):
    """The ids with at least this weight against a token of logit z, or the first one's logit."""
    with np.errstate(over="ignore"):
        floor = fused(logarithm(weight), f32(min(float(T), HOTTEST)), z)[0]
    return ids[row.z[ids] >= min(floor, row.z[ids[0]])]


def epsilon(row, ids, settings, T):
    mass = mass_of(row, ids, T)
    if mass < LEAST_MASS:
        return ids
    return from_weight(row, ids, in_firsts(row, mass, T) * reached(settings["epsilon_cutoff"]), row.z[row.order[0]], T)


def top_a(row, ids, settings, T):
    mass = mass_of(row, ids, T)
    if mass < LEAST_MASS:
        return ids
    first, most = row.z[ids[0]], row.z[row.order[0]]
    with np.errstate(over="ignore"):
        z = first + (first - most)
    return from_weight(row, ids, reciprocal(in_firsts(row, mass, T)) * reached(settings["top_a"]), z, T)


def p_less(row, ids, settings, T):
    """Shares are taken times G, the window's mass in tokens like the row's first one."""
    mass = mass_of(row, ids, T)
    if mass < LEAST_MASS:
        return ids
    _, w, _, shift = row.weigh(T)
    total = 0
    squares = np.zeros(len(shift), np.uint64)
    np.add.at(squares, ids // reference.BLOCK, w[ids].astype(np.uint64) ** 2)
    for block, by in zip(squares, shift):
        total += int(block) >> 16 >> min(2 * int(by), 63)
    firsts, one = in_firsts(row, mass, T), first_reciprocal(row, T)
    y = nearest(total >> 8) * f32(2.0**24) * one * one * reciprocal(firsts)
    if settings["p_less"] == "p-less-norm" and row.V > 1:
        y = fused(y - firsts, reciprocal(np.array([row.V - 1], f32)), y)
    if y[0] < 2.0**-40:
        return ids
    return from_weight(row, ids, y * f32(1 - 2.0**-17), row.z[row.order[0]], T)


def min_k(row, ids, settings, T):
    def fall(z, y):
        with np.errstate(over="ignore"):
            difference = np.asarray(z - y, f32)
        return np.where(difference >= f32(2.0**-90), difference, f32(0))
    z, number = row.z[ids], np.arange(1, len(ids) + 1)
    reach = fall(z[:1], z[-1:])[0]
    if reach == 0:
        return ids
    with np.errstate(over="ignore"):
        cliff = int(np.argmax(fall(z[:-1], z[1:]) * reciprocal(number[:-1].astype(f32)))) + 1
        within = int((number.astype(f32) * reach <= f32(settings["min_k"])).sum())
    return ids[:max(cliff, within)]


FILTERS.update(
    epsilon=Filter(True, lambda s: f32(s.get("epsilon_cutoff", 0)) >= SMALLEST_SHARE, epsilon),
    top_a=Filter(True, lambda s: f32(s.get("top_a", 0)) >= SMALLEST_SHARE, top_a),
    p_less=Filter(True, lambda s: s.get("p_less", "off") != "off", p_less),
    min_k=Filter(False, lambda s: s.get("min_k", 0) > 0, min_k),
)

# ------------------------------------------------------------- known answers

HEADER = reference.HEADER.replace("reference.py known_answers.txt", "reference_shares.py known_shares.txt").replace(
    "by reference.py", "by reference_shares.py")
NUMBERS = {  # the parameters that these answers have beside the others', and of which type they are
    "epsilon_cutoff": f32,
    "top_a": f32,
    "p_less": str,
    "min_keep": int,
    "min_k": f32,
}
SWITCHES = {"epsilon_cutoff": "epsilon", "top_a": "top_a", "p_less": "p_less", "min_k": "min_k"}
COLUMNS = reference.XTC_COLUMNS[:14] + tuple(NUMBERS) + reference.XTC_COLUMNS[14:]
FIRST = "temperature", "top_n_sigma", "top_k", "top_p", "min_p", *SWITCHES.values(), "xtc"
LAST = FIRST[1:] + FIRST[:1]
CHOICES = {  # by parameter: orders, and values to take in turns
    "epsilon_cutoff": ((FIRST, LAST, ("epsilon",), ("epsilon", "temperature", "top_p"),
                        ("xtc", "epsilon", "temperature"), ("temperature", "epsilon", "top_k"), ("top_k", "epsilon", "temperature")),
                       (0.1, 0.001, 0.3, 1e-5, 0.02, 0.0003, 1.0, 1e-20)),
    "top_a": ((FIRST, LAST, ("top_a",), ("top_a", "temperature", "top_p"), ("xtc", "top_a", "temperature"),
               ("temperature", "top_a", "top_k"), ("top_k", "top_a", "temperature")),
              (0.2, 0.01, 1.0, 1e-4, 0.5, 0.001, 1e-20)),
    "p_less": ((FIRST, LAST, ("p_less",), ("p_less", "temperature", "top_p"), ("xtc", "p_less", "temperature"),
                ("temperature", "p_less", "top_k"), ("top_k", "p_less", "temperature")),
               ("p-less", "p-less-norm")),
    "min_keep": ((FIRST, LAST, ("top_p",), ("xtc", "min_p", "temperature"), ("temperature", "top_n_sigma", "xtc"),
                  ("top_k", "xtc", "temperature"), ("min_p", "temperature", "top_p", "top_k")),
                 (2, 5, 40, 300, 4000, 2**32 - 1)),
    "min_k": ((FIRST, LAST, ("min_k",), ("min_k", "temperature", "top_p"), ("xtc", "min_k", "temperature"),
               ("temperature", "min_k", "top_k"), ("top_k", "min_k", "temperature")),
              (3.0, 1e-30, 100.0, 1.0, 1e-3, 1e4, 1e30)),
}


def choice_of(parameter, counter, V):
    """Parameters that lie in the places of draw()'s, by `counter`."""
    orders, values = CHOICES[parameter]
    order = orders[counter // 2 % len(orders)]
    other = {"T": ("temperature", (0.7, 1.0, 2.0, 0.2, np.inf, 1.0, 50.0)[counter % 7], 1.0),
             "k": ("top_k", (0, 5, V // 2, 0, 60)[counter % 5], 0),
             "p": ("top_p", (1.0, 0.9, 1.0, 0.6)[counter % 4], 1.0),
             "m": ("min_p", (0.0, 0.01, 0.0)[counter % 3], 0.0),
             "n": ("top_n_sigma", (0.0, 0.0, 1.5)[counter // 3 % 3], 0.0)}
    choice = {key: value if name in order else off for key, (name, value, off) in other.items()}
    choice["x"] = (1.0 if "xtc" in order and counter // 5 % 2 else 0.0), (0.1, 0.01, 0.0)[counter % 3]
    choice.update({name: "off" if kind is str else 0 for name, kind in NUMBERS.items()})
    choice["min_keep"] = (0, 0, 3, 1, 0, V // 3)[counter // 7 % 6]
    choice[parameter] = values[counter // len(orders) % len(values)]
    return choice, order


def answers():
    counter = 300000
    for parameter in CHOICES:
        for row, mask, biases in reference.more_rows():
            for _ in range(3 if row[4] < 32000 else 8):
                counter += 1
                choice, order = choice_of(parameter, counter, row[4])
                seed, offset, stream = reference.stream_of(counter)
                method = ("race", "inverse-cdf")[counter % 2]
                answer = reference.row_of(*row, mask, biases).draw(
                    seed=seed, offset=offset, stream=stream, method=method, order=order, **choice)
                T, k, p, m, n, x = (choice[name] for name in "Tkpmnx")
                own = [hexadecimal(choice[name]) if kind is f32 else choice[name] for name, kind in NUMBERS.items()]
                line = (*row, mask, biases, hexadecimal(T), k, *map(hexadecimal, (p, m, n, *x)), *own, seed, offset,
                        stream, method, ",".join(order), *answer)
                yield " ".join(map(str, line)) + "\n"


# ----------------------------------------------------------------- originals

EDGE = 1e-5    # relative: what lies so near a boundary may go either way


def softmax(z, T):
    e = np.exp((z - z.max()) / T)
    return e / e.sum()


def transformers_epsilon(z, T, epsilon):
    """EpsilonLogitsWarper: which tokens stay, and the boundary."""
    p = softmax(z, T)
    return np.where(p < epsilon, p == p.max(), True), p, epsilon


def webui_top_a(z, T, a):
    """TopALogitsWarper of text-generation-webui: less than a * max^2 goes."""
    p = softmax(z, T)
    return p >= a * p.max()**2, p, a * p.max()**2


def p_less_decode(z, T, kind):
    """p_less_decode and p_less_norm_decode of the authors: less than the threshold goes."""
    p, V = softmax(z, T), len(z)
    threshold = (p * p).sum()
    if kind == "p-less-norm":
        threshold = (V * threshold - 1) / (V - 1)
    return p >= threshold, p, threshold


def paper_min_k(z, T, tau):
    """The paper's algorithm 1, as vLLM has it: what lies below the k-th logit goes."""
    ranked = -np.sort(-z)
    reach = ranked[0] - ranked[-1] + 1e-8
    falls = (ranked[:-1] - ranked[1:]) / reach / np.arange(1, len(z))
    k = min(max(int(np.argmax(falls)) + 1, int(np.floor(tau / reach))), len(z))
    return z >= ranked[k - 1], z, ranked[k - 1]


ORIGINALS = {
    "epsilon_cutoff": (transformers_epsilon, (0.3, 0.1, 0.01, 0.001, 3e-4, 1e-5, 0.9)),
    "top_a": (webui_top_a, (1.0, 0.5, 0.2, 0.01, 1e-4)),
    "p_less": (p_less_decode, ("p-less", "p-less-norm")),
    "min_k": (paper_min_k, (3.0, 0.01, 20.0, 1000.0)),
}


def compare_with_originals():
    """Prints how many tokens were compared, and of them differ; gives how many differ without an excuse."""
    random = np.random.default_rng(1)
    wrong = 0
    for parameter, (original, values) in ORIGINALS.items():
        compared = excused = 0
        for case in range(120):
            V = (4, 50, 1000, 32000)[case % 4]
            z = (random.normal(0, (0.5, 2.5, 6)[case % 3], V)).astype(f32)
            T = (1.0, 0.7, 2.0)[case // 3 % 3]
            row = Row(z)
            for value in values:
                kept = np.zeros(V, bool)
                given = {parameter: value if isinstance(value, str) else f32(value)}
                own = FILTERS[SWITCHES[parameter]].keep(row, row.order, given, f32(T))
                kept[own] = True
                stays, measure, boundary = original(z.astype(f64), T, value)
                near = np.abs(measure - boundary) <= EDGE * boundary
                wrong += int((kept != stays)[~near].sum())
                excused += int((kept != stays)[near].sum())
                compared += V
        print(f"{parameter}: {compared} tokens, {excused} near the boundary differ, {wrong} others so far")
    return wrong


def main(arguments):
    if arguments == ["--originals"]:
        return compare_with_originals() > 0
    text = HEADER + " ".join(COLUMNS) + "\n" + "".join(answers())
    if arguments[:1] == ["--check"] and len(arguments) == 2:
        with open(arguments[1], encoding="ascii") as file:
            return 0 if file.read() == text else f"{arguments[1]} differs from what this would write"
    if len(arguments) != 1:
        return __doc__
    with open(arguments[0], "w", encoding="ascii") as file:
        file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
