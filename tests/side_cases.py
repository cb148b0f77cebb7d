"""What Tombola and a peer are compared on: rows of logits, histories, and steps with a value each.

A step has Tombola's parameters for it, and the peer's own code three times: with the same value, and with the value
moved by so much both ways as a boundary may be missed.
"""
import numpy as np

BOUNDARY = 1e-5
PROBABILITY = 1e-5
SMALL = 12  # the ids that histories, words and breakers are made of
END_TOKENS = [0, 1, 2]
WORDS = [[3], [7, 8], [5, 6, 9], [4, 5, 6, 10]]


class Step:
    def __init__(self, name, params, *peers, doubt=None, within=PROBABILITY):
        """doubt(scores, left): of which tokens it is open whether they are left, beyond what moved values tell. within:
        how far off probabilities may be."""
        self.name, self.params, self.peers, self.doubt, self.within = name, params, peers, doubt, within


class Past:
    def __init__(self, prompt, output):
        self.prompt, self.output = prompt, output
        self.all = prompt + output


class Case:
    def __init__(self, row, past, steps):
        self.row, self.past, self.steps = row, past, steps


class Difference:
    """A row of which Tombola makes these probabilities on purpose, and the peer something else, as `differs` tells of
    what peer() gives: scores, or probabilities where those tell more."""

    def __init__(self, name, row, params, probabilities, peer, differs, past=None):
        self.name, self.row, self.params, self.probabilities = name, np.asarray(row, np.float32), params, probabilities
        self.peer, self.differs, self.past = peer, differs, past or Past([], [])


def softmax(scores):
    weights = np.exp(scores - scores.max())
    return weights / weights.sum()


def as_near_as_the_last(scores, left, within=BOUNDARY):
    """Of typical-p: tokens whose surprise is as far from the entropy as that of the last one left, which may then be
    either of two."""
    there = scores > -np.inf
    p = softmax(scores)
    surprise = -np.log(p, where=there, out=np.full(len(scores), np.inf))
    distance = np.abs(surprise - (p[there] * surprise[there]).sum())
    return np.abs(distance - distance[left].max(), where=there, out=np.full(len(scores), np.inf)) <= within


def kept(scores):
    """The ids of what is left."""
    return np.flatnonzero(scores > -np.inf).tolist()


def single(value):
    """As binary32, which is what parameters are."""
    return float(np.float32(value))


def around(value, low=0.0, high=1.0):
    """The value, and what is as far from it as a boundary may be missed."""
    return value, max(value - BOUNDARY, low), min(value + BOUNDARY, high)


def make_row(random, kind, vocabulary):
    row = random.normal(size=vocabulary) * {"gaussian": 2.5, "peaked": 1.0, "flat": 0.05}[kind]
    if kind == "peaked":
        row[random.integers(vocabulary, size=5)] += random.uniform(4, 12, size=5)
    best = np.argsort(row)[-SMALL // 2:]
    ids = random.permutation(SMALL)[:SMALL // 2]  # half of the ids in histories are among the likely
    row[ids], row[best] = row[best].copy(), row[ids].copy()
    return row.astype(np.float32)


def make_rows(random, count, vocabulary):
    kinds = ["gaussian", "peaked", "flat"]
    return [make_row(random, kinds[i % 3], vocabulary) for i in range(count)]


def make_past(random):
    tokens = random.integers(SMALL, size=random.integers(4, 60)).tolist()
    if random.integers(2):  # ends as it began, for what looks for repetitions
        tokens += tokens[:random.integers(2, 8)]
    prompt = int(random.integers(len(tokens)))
    return Past(tokens[:prompt], tokens[prompt:])


def alone(random, rows, steps):
    """Every step for every row, with nothing beside it."""
    return [Case(row, make_past(random), [step]) for step in steps for row in rows]


def mixed(random, rows, count, kinds):
    """Cases of two to six kinds of steps each, in the order of `kinds`, whose elements are lists of steps."""
    cases = []
    for i in range(count):
        chosen = sorted(random.choice(len(kinds), size=random.integers(2, 7), replace=False))
        steps = [kinds[kind][random.integers(len(kinds[kind]))] for kind in chosen]
        cases.append(Case(rows[i % len(rows)], make_past(random), steps))
    return cases
