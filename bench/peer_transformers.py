"""The logits warpers of Hugging Face's Transformers, then multinomial, as its generate() chains them."""
import torch
import transformers
from transformers.generation import logits_process
from transformers.generation.logits_process import (EpsilonLogitsWarper, EtaLogitsWarper, LogitsProcessorList,
                                                    MinPLogitsWarper, NoRepeatNGramLogitsProcessor,
                                                    RepetitionPenaltyLogitsProcessor, TemperatureLogitsWarper,
                                                    TopKLogitsWarper, TopPLogitsWarper, TypicalLogitsWarper)

from peer_torch import THREADS, history_of, prepare  # sets the threads as well

VERSION = f"Transformers {transformers.__version__}, PyTorch {torch.__version__}"


def chain(*warpers, before=(), temperature=0.8):
    """before   processors of the history, which come before the temperature"""
    heat = [] if temperature == 1 else [TemperatureLogitsWarper(temperature)]
    warp = LogitsProcessorList([*before, *heat, *warpers])

    def draw(logits):
        ids = history_of(*logits.shape) if before else None
        return torch.multinomial(torch.softmax(warp(ids, logits), dim=-1), 1)[:, 0]

    return draw


DRAWS = {
    "greedy": lambda logits: logits.argmax(dim=-1),
    "temperature": chain(),
    "top-k": chain(TopKLogitsWarper(50)),
    "top-p": chain(TopPLogitsWarper(0.95)),
    "top-k-top-p": chain(TopKLogitsWarper(50), TopPLogitsWarper(0.95)),
    "min-p": chain(MinPLogitsWarper(0.05)),
    "top-p-t1": chain(TopPLogitsWarper(0.95), temperature=1.0),
    "top-p-t1.5": chain(TopPLogitsWarper(0.95), temperature=1.5),
    "top-p-0.9-t0.7": chain(TopPLogitsWarper(0.9), temperature=0.7),
    "typical-p": chain(TypicalLogitsWarper(0.95)),
    "epsilon": chain(EpsilonLogitsWarper(3e-4)),
    "eta": chain(EtaLogitsWarper(3e-4)),
    "repetition": chain(TopPLogitsWarper(0.95), before=[RepetitionPenaltyLogitsProcessor(1.1)]),
    "no-repeat-ngram": chain(TopPLogitsWarper(0.95), before=[NoRepeatNGramLogitsProcessor(3)]),
}
if hasattr(logits_process, "TopHLogitsWarper"):  # of newer versions
    DRAWS["top-h"] = chain(logits_process.TopHLogitsWarper(0.4))
