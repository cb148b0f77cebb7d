"""PyTorch on the CPU, chained as serving engines do it; penalties by counts of the whole vocabulary, as in vLLM."""
import functools
import os

import torch

from edits import PROMPT, biases, histories, masks

VERSION = "PyTorch " + torch.__version__
THREADS = len(os.sched_getaffinity(0))
TEMPERATURE, K, P, M = 0.8, 50, 0.95, 0.05

torch.set_num_threads(THREADS)
torch.set_grad_enabled(False)
torch.manual_seed(1)


def prepare(batch):
    return torch.from_numpy(batch).contiguous()


def draw(weights):
    return torch.multinomial(weights, 1)


def cut_top_p(probabilities, share=P):
    """Of probabilities in falling order."""
    sums = probabilities.cumsum(dim=-1)
    return probabilities.masked_fill(sums - probabilities > share, 0)


def greedy(logits):
    return logits.argmax(dim=-1)


def temperature(logits):
    return draw(torch.softmax(logits / TEMPERATURE, dim=-1))[:, 0]


def top_k(logits):
    kept, ids = logits.topk(K, dim=-1)
    return ids.gather(1, draw(torch.softmax(kept / TEMPERATURE, dim=-1)))[:, 0]


def top_p(logits, share=P, temperature=TEMPERATURE):
    kept, ids = logits.sort(dim=-1, descending=True)
    return ids.gather(1, draw(cut_top_p(torch.softmax(kept / temperature, dim=-1), share)))[:, 0]


def top_k_top_p(logits):
    kept, ids = logits.topk(K, dim=-1)
    return ids.gather(1, draw(cut_top_p(torch.softmax(kept / TEMPERATURE, dim=-1))))[:, 0]


def min_p(logits):
    probabilities = torch.softmax(logits / TEMPERATURE, dim=-1)
    least = M * probabilities.amax(dim=-1, keepdim=True)
    return draw(probabilities.masked_fill(probabilities < least, 0))[:, 0]


def top_n_sigma(logits):
    least = logits.amax(dim=-1, keepdim=True) - logits.std(dim=-1, keepdim=True)
    return temperature(logits.masked_fill(logits < least, -torch.inf))


@functools.cache
def history_of(rows, vocabulary):
    return torch.from_numpy(histories(rows, vocabulary))


@functools.cache
def allowed_in(rows, vocabulary):
    return torch.from_numpy(masks(rows, vocabulary))


@functools.cache
def biases_of(rows, vocabulary):
    return tuple(map(torch.from_numpy, biases(rows, vocabulary)))


def mask(logits):
    return logits.masked_fill(~allowed_in(*logits.shape), -torch.inf)


def bias(logits):
    return logits.scatter_add(1, *biases_of(*logits.shape))


def repeat(logits, penalty, frequency, presence):
    """The prompt counts for the first penalty alone."""
    history = history_of(*logits.shape)
    prompt = torch.zeros(logits.shape, dtype=torch.bool).scatter_(1, history[:, :PROMPT], True)
    counts = torch.zeros(logits.shape, dtype=torch.long)
    counts.scatter_add_(1, history[:, PROMPT:], torch.ones_like(history[:, PROMPT:]))
    penalties = torch.where(prompt | (counts > 0), penalty, 1.0)
    logits = torch.where(logits > 0, logits / penalties, logits * penalties)
    return logits - frequency * counts - presence * (counts > 0)


def logprobs(logits):
    """Of the token drawn, among what is kept and in the row as given."""
    kept, ids = logits.sort(dim=-1, descending=True)
    weights = cut_top_p(torch.softmax(kept / TEMPERATURE, dim=-1))
    places = draw(weights)
    tokens = ids.gather(1, places)
    (weights / weights.sum(dim=-1, keepdim=True)).gather(1, places).log(), logits.log_softmax(dim=-1).gather(1, tokens)
    return tokens[:, 0]


def samples(logits):
    kept, ids = logits.sort(dim=-1, descending=True)
    places = torch.multinomial(cut_top_p(torch.softmax(kept / TEMPERATURE, dim=-1)), 8, replacement=True)
    return ids.gather(1, places)[:, 0]


def n_best(logits):
    """Raw ones alone, as engines do it."""
    logits.log_softmax(dim=-1).topk(20, dim=-1)
    return top_p(logits)


DRAWS = {"greedy": greedy, "temperature": temperature, "top-k": top_k, "top-p": top_p, "top-k-top-p": top_k_top_p,
         "min-p": min_p, "top-p-t1": lambda logits: top_p(logits, temperature=1.0),
         "top-p-t1.5": lambda logits: top_p(logits, temperature=1.5),
         "top-p-0.9-t0.7": lambda logits: top_p(logits, 0.9, 0.7), "top-n-sigma": top_n_sigma,
         "mask": lambda logits: top_p(mask(logits)),
         "bias": lambda logits: top_p(bias(logits)), "mask-bias": lambda logits: top_p(bias(mask(logits))),
         "repetition": lambda logits: top_p(repeat(logits, 1.1, 0.0, 0.0)),
         "penalties": lambda logits: top_p(repeat(logits, 1.1, 0.2, 0.1)),
         "mask-bias-penalties": lambda logits: top_p(repeat(bias(mask(logits)), 1.1, 0.2, 0.1)),
         "logprobs": logprobs, "samples-8": samples, "n-best-20": n_best}
