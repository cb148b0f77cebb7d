"""Prompts are read from a file, and what the command can't do with one it says in a line."""
import contextlib
import io
import os
import tempfile

import numpy as np
from helping import caught

from tombola.smollm import command, prompts_file


def read(text):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "prompts.jsonl")
        with open(path, "w") as file:
            file.write(text)
        return prompts_file.read(path)


def test_lines_are_strings_or_objects_with_parameters():
    (plain, tokens, own), content = read('"Once"\n\n{"prompt": [1, 2], "id": "b"}\n{"prompt": "", "max_tokens": 3, '
                                         '"temperature": 0.5, "method": "inverse-cdf", "filters": ["top_p", '
                                         '"temperature"], "seed": 18446744073709551615}\n')
    assert (plain.prompt, plain.setting, plain.max_tokens, plain.told) == ("Once", {}, None, {})
    assert tokens.prompt == [1, 2] and tokens.told == {"id": "b"}
    assert own.prompt == "" and own.max_tokens == 3 and own.setting["temperature"] == 0.5
    assert own.setting["seed"] == 2**64 - 1 and own.setting["method"] == 1 and np.count_nonzero(own.setting["filters"])
    assert content == read('"Once"\n\n{"prompt": [1, 2], "id": "b"}\n{"prompt": "", "max_tokens": 3, "temperature": 0.5'
                           ', "method": "inverse-cdf", "filters": ["top_p", "temperature"], "seed": '
                           '18446744073709551615}\n')[1] != read('"Once"')[1]


def test_mistakes_in_prompts_are_named_with_their_line():
    for text, told in (('"a"\n{', "line 2: Expecting"), ("", "has no prompts"),
                       ("7", "line 1: \"prompt\" is 7, no text"),
                       ('{"text": "a"}', "there is no \"prompt\""), ('{"prompt": [1, -1]}', "no list of tokens"),
                       ('{"prompt": []}', "no list of tokens"), ('{"prompt": [1.5]}', "no list of tokens"),
                       ('{"prompt": "a", "heat": 1}', "there is no parameter \"heat\""),
                       ('{"prompt": "a", "top_k": 1.5}', "top_k has type float64"),
                       ('{"prompt": "a", "top_p": [0.1, 0.2]}', "\"top_p\" is [0.1, 0.2], no single value"),
                       ('{"prompt": "a", "method": "dice"}', "none of: race"),
                       ('{"prompt": "a", "max_tokens": 0}', "\"max_tokens\" is 0, no number from 1 on")):
        assert told in str(caught(ValueError, read, text)), text


def test_options_that_do_not_go_together_are_told_of():
    for words, told in ((["--output", "x"], "--output is for the texts of a file"), (["p.jsonl"], "needs an --output"),
                        (["--resume"], "--resume is for the texts"), (["/nowhere/p", "--output", "x"], "/nowhere/p"),
                        (["p.jsonl", "--output", "x", "--prompt", "a"], "--prompt is not for"),
                        (["p.jsonl", "--output", "x", "--output-tokens", "a"], "--output-tokens is not for"),
                        (["p.jsonl", "--output", "x", "--chunk", "0"], "chunk is 0, less than 1")):
        with contextlib.redirect_stderr(io.StringIO()) as errors:
            assert command.main(words) == 1
        assert told in errors.getvalue() and errors.getvalue().count("\n") == 1, (words, errors.getvalue())
