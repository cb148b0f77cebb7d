#!/usr/bin/env python3
"""How long Transformers' generate() takes a step beside the model: with its own sampling, and with Tombola.

The model gives the same logits at once at every step, so that what is left is choosing tokens and the loop itself, which
is Transformers' own both times; `loop` is that of a greedy choice among 8 tokens. The two take turns; each figure is the
median of several calls of many steps. Needs torch, Transformers and the package.

    PYTHONPATH=src/python TOMBOLA_LIBRARY=build/libtombola.so build/peers/bin/python bench/transformers_generate.py
"""
import argparse
import statistics
import time

import numpy as np
import torch
import transformers
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.modeling_outputs import CausalLMOutput

import tombola
from tombola.transformers import Decoder

CONFIGS = {
    "greedy": dict(do_sample=False),
    "all tokens": dict(do_sample=True, top_k=0),
    "top-k 50": dict(do_sample=True, top_k=50),
    "top-p 0.9": dict(do_sample=True, top_k=0, top_p=0.9),
    "top-k 50, top-p 0.9, T 0.7": dict(do_sample=True, top_k=50, top_p=0.9, temperature=0.7),
    "min-p 0.05": dict(do_sample=True, top_k=0, min_p=0.05),
    "typical-p 0.9": dict(do_sample=True, top_k=0, typical_p=0.9),
    "repetition 1.1, no 3-gram, top-p 0.9": dict(do_sample=True, top_k=0, top_p=0.9, repetition_penalty=1.1,
                                                 no_repeat_ngram_size=3),
}


def model_of(logits):
    """A model whose logits, (rows, vocabulary), are there already."""
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(logits[0]), hidden_size=8, intermediate_size=8, eos_token_id=None,
                                         num_hidden_layers=1, num_attention_heads=1, pad_token_id=0)).eval()
    model.forward = lambda **_: CausalLMOutput(logits=logits[:, None])
    return model


def logits_of(rows, vocabulary, seed=1):
    """Rows about as steep as a language model's."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(rows, vocabulary)) * 2
    logits[:, :50] += random.exponential(3, size=logits[:, :50].shape)
    return torch.from_numpy(logits.astype(np.float32))


def seconds_of(generate, rows, steps, options):
    ids = torch.full((rows, 8), 5)
    begin = time.perf_counter()
    generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=steps, use_cache=False, **options)
    return (time.perf_counter() - begin) / steps


def measure(rows, vocabulary, options, rounds, steps):
    """Median milliseconds a step: (Transformers' own, with Tombola)."""
    model = model_of(logits_of(rows, vocabulary))
    with Decoder(range(rows)) as decoder:
        ways = model.generate, lambda **given: decoder.generate(model, **given)
        times = [[seconds_of(way, rows, steps, options) for way in ways] for _ in range(rounds + 1)][1:]
    return [1e3 * statistics.median(column) for column in zip(*times)]


def processor():
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return "unknown processor"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--shapes", default="1x32000,8x32000,64x32000,8x128256", help="rows x vocabulary, with commas")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    with tombola.Context() as context:
        device = context.device.name
    print(f"Transformers {transformers.__version__}, torch {torch.__version__} with {torch.get_num_threads()} threads, "
          f"{processor()}; Tombola on {device}. Milliseconds a step:")
    for shape in options.shapes.split(","):
        rows, vocabulary = map(int, shape.split("x"))
        loop, _ = measure(rows, 8, CONFIGS["greedy"], options.rounds, options.steps)
        print(f"\n{rows} x {vocabulary} (loop {loop:.2f}){'':10}{'Transformers':>16}{'Tombola':>10}{'times':>8}")
        for name, config in CONFIGS.items():
            if "min_p" in config and not hasattr(transformers, "MinPLogitsWarper"):
                continue
            theirs, ours = measure(rows, vocabulary, config, options.rounds, options.steps)
            print(f"{name:38}{theirs:>10.2f}{ours:>10.2f}{theirs / ours:>8.1f}")


if __name__ == "__main__":
    main()
