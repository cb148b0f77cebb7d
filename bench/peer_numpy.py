"""NumPy, one thread: what a few lines of Python do."""
import numpy as np

VERSION = "NumPy " + np.__version__
THREADS = 1
TEMPERATURE, K, P, M = np.float32(0.8), 50, 0.95, 0.05

random = np.random.default_rng(1)


def prepare(batch):
    return np.ascontiguousarray(batch)


def weigh(logits, temperature=TEMPERATURE):
    return np.exp((logits - logits.max(axis=1, keepdims=True)) / np.float32(temperature))


def draw(weights):
    """A place in each row, by inverse CDF."""
    sums = np.cumsum(weights, axis=1)
    uniform = random.random(len(sums)) * sums[:, -1]
    return np.array([np.searchsorted(row, u, side="right").clip(max=len(row) - 1) for row, u in zip(sums, uniform)])


def pick(ids, places):
    return np.take_along_axis(ids, places[:, None], axis=1)[:, 0]


def cut_top_p(weights, share=P):
    """Of weights in falling order: zero where those before hold the share already."""
    sums = np.cumsum(weights, axis=1)
    weights[sums - weights >= share * sums[:, -1:]] = 0
    return weights


def greedy(logits):
    return logits.argmax(axis=1)


def temperature(logits):
    return draw(weigh(logits))


def take_top_k(logits):
    ids = np.argpartition(logits, -K, axis=1)[:, -K:]
    return ids, np.take_along_axis(logits, ids, axis=1)


def top_k(logits):
    ids, kept = take_top_k(logits)
    return pick(ids, draw(weigh(kept)))


def top_p(logits, share=P, temperature=TEMPERATURE):
    ids = np.argsort(-logits, axis=1)
    return pick(ids, draw(cut_top_p(weigh(np.take_along_axis(logits, ids, axis=1), temperature), share)))


def top_k_top_p(logits):
    ids, kept = take_top_k(logits)
    order = np.argsort(-kept, axis=1)
    ids, kept = np.take_along_axis(ids, order, axis=1), np.take_along_axis(kept, order, axis=1)
    return pick(ids, draw(cut_top_p(weigh(kept))))


def min_p(logits):
    weights = weigh(logits)
    weights[weights < M] = 0
    return draw(weights)


DRAWS = {"greedy": greedy, "temperature": temperature, "top-k": top_k, "top-p": top_p, "top-k-top-p": top_k_top_p,
         "min-p": min_p, "top-p-t1": lambda logits: top_p(logits, temperature=1.0),
         "top-p-t1.5": lambda logits: top_p(logits, temperature=1.5),
         "top-p-0.9-t0.7": lambda logits: top_p(logits, 0.9, 0.7)}
