"""The logits warpers of Hugging Face's Transformers, then multinomial, as its generate() chains them."""
import torch
import transformers
from transformers.generation.logits_process import (LogitsProcessorList, MinPLogitsWarper, TemperatureLogitsWarper,
                                                    TopKLogitsWarper, TopPLogitsWarper)

from peer_torch import THREADS, prepare  # sets the threads as well

VERSION = f"Transformers {transformers.__version__}, PyTorch {torch.__version__}"


def chain(*warpers):
    warp = LogitsProcessorList([TemperatureLogitsWarper(0.8), *warpers])
    return lambda logits: torch.multinomial(torch.softmax(warp(None, logits), dim=-1), 1)[:, 0]


DRAWS = {
    "greedy": lambda logits: logits.argmax(dim=-1),
    "temperature": chain(),
    "top-k": chain(TopKLogitsWarper(50)),
    "top-p": chain(TopPLogitsWarper(0.95)),
    "top-k-top-p": chain(TopKLogitsWarper(50), TopPLogitsWarper(0.95)),
    "min-p": chain(MinPLogitsWarper(0.05)),
}
