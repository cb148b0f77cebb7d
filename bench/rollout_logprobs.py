#!/usr/bin/env python3
"""Reinforcement learning: what a trainer's log-probabilities differ from the rollout's, with Tombola's and without.

A small Llama with random weights generates a batch, each token told with its log-probability and with what could have
been drawn in its place. A trainer then computes the same log-probabilities from the same logits, in several ways. The
ratio of the two policies, exp(difference), would have to be 1 before the first step of training: what it is instead is
an error of the importance weights, and clipping cuts by it. Needs torch, Transformers and the package.

    PYTHONPATH=src/python TOMBOLA_LIBRARY=build/libtombola.so build/peers/bin/python bench/rollout_logprobs.py
"""
import numpy as np
import torch
import transformers
from transformers import LlamaConfig, LlamaForCausalLM

import tombola
from tombola.torch import logprobs
from tombola.transformers import Decoder

ROWS, PROMPT, STEPS, VOCABULARY = 8, 12, 48, 32000
DRAW = dict(temperature=0.8, top_p=0.9)


def small_model():
    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, initializer_range=0.3, eos_token_id=None, pad_token_id=0)).eval()


def rollout(model):
    """(ids, logits, Results) of a batch: (rows, prompt + steps), (rows, steps, vocabulary), one Results a step."""
    prompts = torch.randint(1, VOCABULARY, (ROWS, PROMPT))
    with Decoder(range(ROWS), want="logprobs kept_tokens") as decoder:
        told = decoder.generate(model, prompts, attention_mask=torch.ones_like(prompts), do_sample=True, top_k=0,
                                max_new_tokens=STEPS, return_dict_in_generate=True, output_logits=True, **DRAW)
        return told.sequences, torch.stack(told.logits, 1), decoder.results


def kept_of(results):
    """What could be drawn at each step, as lists in the order of logits (rows, steps, ...)."""
    return tombola.Ragged.of([step.kept_of(row) for row in range(ROWS) for step in results])


def usual(logits, drawn):
    """What trainers compute: of all tokens, in one line of torch."""
    return torch.log_softmax(logits / DRAW["temperature"], -1).gather(-1, drawn[..., None])[..., 0]


def among(logits, kept):
    """The logits with -inf for what the rollout could not draw."""
    mask = torch.zeros(logits.shape, dtype=torch.bool).reshape(-1, VOCABULARY)
    for row in range(len(mask)):
        mask[row, kept.row(row).astype(np.int64)] = True
    return logits.masked_fill(~mask.reshape(logits.shape), -np.inf)


def print_difference(name, new, old):
    off = (new.detach().double() - old.double()).abs()
    print(f"{name:66}{off.max():>12.2g}{off.mean():>12.2g}")


def main():
    transformers.logging.set_verbosity_error()
    model = small_model()
    ids, logits, results = rollout(model)
    drawn, kept = ids[:, PROMPT:], kept_of(results)
    old = torch.from_numpy(np.stack([step.logprobs for step in results], 1))
    print(f"{ROWS} rows of {STEPS} tokens, vocabulary {VOCABULARY}, {DRAW}\n")
    print(f"{'difference from the log-probabilities of the rollout':66}{'largest':>12}{'mean':>12}")
    print_difference("tombola.torch.logprobs, same logits", logprobs(logits, drawn, **DRAW), old)
    print_difference("the same among the tokens that the rollout kept", logprobs(logits, drawn, kept=kept, **DRAW), old)
    print_difference("torch.log_softmax, same logits", usual(logits, drawn), old)
    print_difference("torch.log_softmax among those kept, same logits", usual(among(logits, kept), drawn), old)
    print_difference("torch.log_softmax among those kept, logits as bfloat16",
                     usual(among(logits.bfloat16(), kept), drawn), old)
    again = model(ids).logits[:, PROMPT - 1:-1]   # in one pass, as trainers do: a model may round otherwise then
    log_p = logprobs(again, drawn, kept=kept, **DRAW)
    print_difference(f"tombola.torch.logprobs, kept, logits of one pass (off by {(again - logits).abs().max():.1g})",
                     log_p, old)
    log_p.mean().backward()
    print(f"\nIts gradient reaches the model: {sum(p.grad.abs().sum() for p in model.parameters()):.3g} in all")


if __name__ == "__main__":
    main()
