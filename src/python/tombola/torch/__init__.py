"""The sampler's log-probabilities for training with torch: its own bits forward, softmax's gradient backward.

    log_p = tombola.torch.logprobs(logits, ids, temperature=0.8, top_p=0.9)     # (..., vocabulary), (...)
    log_p = tombola.torch.logprobs(logits, ids, kept=results, temperature=0.8)  # among what a rollout could draw
"""
from ._logprobs import logprobs

__all__ = ["logprobs"]
