"""PyTorch on the CPU, chained as serving engines do it."""
import os

import torch

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


def cut_top_p(probabilities):
    """Of probabilities in falling order."""
    sums = probabilities.cumsum(dim=-1)
    return probabilities.masked_fill(sums - probabilities > P, 0)


def greedy(logits):
    return logits.argmax(dim=-1)


def temperature(logits):
    return draw(torch.softmax(logits / TEMPERATURE, dim=-1))[:, 0]


def top_k(logits):
    kept, ids = logits.topk(K, dim=-1)
    return ids.gather(1, draw(torch.softmax(kept / TEMPERATURE, dim=-1)))[:, 0]


def top_p(logits):
    kept, ids = logits.sort(dim=-1, descending=True)
    return ids.gather(1, draw(cut_top_p(torch.softmax(kept / TEMPERATURE, dim=-1))))[:, 0]


def top_k_top_p(logits):
    kept, ids = logits.topk(K, dim=-1)
    return ids.gather(1, draw(cut_top_p(torch.softmax(kept / TEMPERATURE, dim=-1))))[:, 0]


def min_p(logits):
    probabilities = torch.softmax(logits / TEMPERATURE, dim=-1)
    least = M * probabilities.amax(dim=-1, keepdim=True)
    return draw(probabilities.masked_fill(probabilities < least, 0))[:, 0]


DRAWS = {"greedy": greedy, "temperature": temperature, "top-k": top_k, "top-p": top_p, "top-k-top-p": top_k_top_p,
         "min-p": min_p}
