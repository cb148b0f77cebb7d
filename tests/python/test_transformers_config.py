"""A GenerationConfig is to generate() what its file is to the command; what the sampler lacks stays Transformers'."""
import json
import os
import subprocess
import tempfile

import numpy as np
import torch
from helping import logits_of
from models import END, table
from transformers import GenerationConfig
from transformers.generation import logits_process as processes
from transformers.modeling_outputs import CausalLMOutput

from tombola.__main__ import command
from tombola.transformers import Decoder
from tombola.transformers.rules import split

NEEDS = "torch", "transformers"

VOCABULARY, ROWS = 400, 6
LOGITS = logits_of(ROWS, VOCABULARY, seed=4)
MIN_P = dict(min_p=0.05) if hasattr(processes, "MinPLogitsWarper") else {}   # Transformers 4.40 lacks it
CONFIGS = [dict(do_sample=True), dict(do_sample=True, temperature=0.6, top_k=30), dict(do_sample=True, top_p=0.8),
           dict(do_sample=True, top_k=0, typical_p=0.9, **MIN_P), dict(do_sample=True, epsilon_cutoff=0.01),
           dict(do_sample=True, top_k=0, eta_cutoff=0.02, repetition_penalty=1.3), dict(do_sample=False, top_k=7),
           dict(do_sample=True, no_repeat_ngram_size=2, bad_words_ids=[[5], [3, 7], [4, 9]], top_k=100),
           dict(do_sample=True, suppress_tokens=[1, 2, 3], sequence_bias=[[[7], 2.5], [[9], -1.0]]),
           dict(do_sample=True, min_new_tokens=4, exponential_decay_length_penalty=[2, 1.5], eos_token_id=[END, 11])]


def told_by_the_command(config, prompts, outputs):
    """(tokens, kept ids) of the rows, drawn with seed 9 and offset 2, by what a file says."""
    with tempfile.TemporaryDirectory() as folder:
        logits, file, past, kept = (os.path.join(folder, name) for name in ("z.npy", "c.json", "h.jsonl", "k.jsonl"))
        np.save(logits, LOGITS)
        with open(file, "w") as out:
            json.dump(config, out)
        with open(past, "w") as out:
            out.writelines(json.dumps({"prompt": p, "output": o}) + "\n" for p, o in zip(prompts, outputs))
        ran = subprocess.run(
            [command(), "sample", logits, "--preset", "transformers", "--config", file, "--histories", past, "--seed",
             "9", "--offset", "2", "--kept-ids", kept, "--json"], capture_output=True, text=True, check=True)
        assert "ignored" not in ran.stderr, ran.stderr
        with open(kept) as lines:
            ids = [json.loads(line) for line in lines]
        return [json.loads(line)["token"] for line in ran.stdout.splitlines()], ids


def test_a_config_means_what_its_file_means_to_the_command():
    prompts = np.random.default_rng(2).integers(3, 12, size=(ROWS, 6)).tolist()
    for options in CONFIGS:
        model = table(np.zeros((VOCABULARY, VOCABULARY)))
        steps = iter([LOGITS[::-1], -LOGITS, LOGITS])
        model.forward = lambda **_: CausalLMOutput(logits=torch.from_numpy(next(steps).copy())[:, None])
        mine = dict(options)
        if "sequence_bias" in options:
            mine["sequence_bias"] = {tuple(ids): bias for ids, bias in options["sequence_bias"]}
        with Decoder(9, want="kept_tokens") as decoder:
            ids = decoder.generate(model, torch.tensor(prompts), generation_config=GenerationConfig(
                max_new_tokens=3, pad_token_id=0, **mine)).tolist()
            tokens, kept = told_by_the_command(options, prompts, [row[6:8] for row in ids])
            assert [row[8] for row in ids] == tokens, options
            assert [decoder.results[-1].kept_of(row).tolist() for row in range(ROWS)] == kept, options


class Own(processes.TopKLogitsWarper):
    """A processor that only looks like one of Transformers'."""


def parts_of(*processors):
    before, part = split(list(processors), 4)
    return [type(one).__name__ for one in before], part


def test_processors_are_taken_over_from_the_end_of_the_list():
    penalty, heat = processes.RepetitionPenaltyLogitsProcessor(1.5), processes.TemperatureLogitsWarper(0.5)
    few, most = processes.TopKLogitsWarper(5), processes.TopPLogitsWarper(0.9)
    before, part = parts_of(penalty, heat, few, most)
    assert before == [] and part.params == dict(repetition_penalty=1.5, temperature=0.5, top_k=5, top_p=0.9)
    before, part = parts_of(penalty, Own(9), heat, few)
    assert before == ["RepetitionPenaltyLogitsProcessor", "Own"] and part.params == dict(temperature=0.5, top_k=5)
    assert parts_of(heat, Own(9))[0] == ["TemperatureLogitsWarper", "Own"]
    assert parts_of()[1].params == {}


def test_what_the_sampler_does_in_another_order_stays_transformers():
    penalty, heat = processes.RepetitionPenaltyLogitsProcessor(1.5), processes.TemperatureLogitsWarper(0.5)
    few, most = processes.TopKLogitsWarper(5), processes.TopPLogitsWarper(0.9)
    bias = processes.SequenceBiasLogitsProcessor({(5,): 2.0})
    assert parts_of(penalty, bias, few)[0] == ["RepetitionPenaltyLogitsProcessor"]
    assert parts_of(heat, penalty)[0] == ["TemperatureLogitsWarper"]
    assert parts_of(few, processes.TopKLogitsWarper(3))[0] == ["TopKLogitsWarper"]
    before, part = parts_of(most, few, heat)   # filters may come in any order
    assert before == [] and part.params["filters"] == ["top_p", "top_k", "temperature"]


def test_what_the_sampler_lacks_stays_transformers():
    for processor in (processes.SequenceBiasLogitsProcessor({(5, 6): 2.0}),
                      processes.ForcedEOSTokenLogitsProcessor(9, [1, 2]),
                      processes.TypicalLogitsWarper(0.5, min_tokens_to_keep=3), processes.InfNanRemoveLogitsProcessor(),
                      processes.PrefixConstrainedLogitsProcessor(lambda *_: [1], 1)):
        assert parts_of(processor, processes.TopKLogitsWarper(5))[0] == [type(processor).__name__]
    least = processes.TopPLogitsWarper(0.5, min_tokens_to_keep=3)
    assert parts_of(least)[1].params == dict(top_p=0.5, min_keep=3)
    assert parts_of(processes.EpsilonLogitsWarper(0.5), least)[0] == ["EpsilonLogitsWarper"]


def test_a_banned_token_stays_banned_whatever_its_bias():
    before, part = parts_of(processes.SequenceBiasLogitsProcessor({(5,): 2.0, (6,): 1.0}),
                            processes.SuppressTokensLogitsProcessor([5]))
    assert before == [] and part.biases == {5: -np.inf, 6: 1.0}
