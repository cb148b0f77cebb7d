"""Exceptions carry the library's message, the argument and the row; devices and versions are told."""
import itertools
import os
import subprocess
import sys
import tempfile
from ctypes import c_char_p

import numpy as np
from helping import CONTEXT, caught, logits_of

import tombola
from tombola.__main__ import command
from tombola._library import lib
from tombola.errors import error_of, status_of

LOGITS = logits_of(3, 50)
SAMPLER = tombola.Sampler(50, 3, device=CONTEXT)


def test_a_parameter_out_of_range_is_named_with_its_row():
    for name, value in (("top_p", 1.5), ("temperature", -1), ("min_p", np.nan), ("xtc_probability", 2),
                        ("method", 7)):
        for row in (0, 2):
            column = tombola.Params(3)
            getattr(column, name)[row] = value
            error = caught(tombola.InvalidArgument, SAMPLER.sample, LOGITS, column)
            assert (error.argument, error.row) == (name, row), error
            assert error.message == str(error) and error.message.startswith(f"params[{row}].{name} is ")
    assert isinstance(error, ValueError) and isinstance(error, tombola.TombolaError)


def test_other_arguments_are_named():
    error = caught(tombola.InvalidArgument, tombola.Sampler, 0, 1, device=CONTEXT)
    assert (error.argument, error.row) == ("vocabulary", None)
    error = caught(tombola.InvalidArgument, SAMPLER.sample, LOGITS, masks=np.ones(50, bool), mask_of_row=[0, 0, 1])
    assert (error.argument, error.row) == ("mask_of_row", 2)
    error = caught(tombola.InvalidArgument, SAMPLER.sample, LOGITS, score_tokens=[[1], [99], []], want="scores")
    assert error.argument == "score_tokens"
    error = caught(tombola.InvalidArgument, SAMPLER.sample, LOGITS, biases=[{}, {70: 1.0}, {}])
    assert error.row == 1
    caught(tombola.InvalidArgument, SAMPLER.sample, LOGITS, want=())


def test_python_names_what_it_refuses_itself():
    for options, words in ((dict(top_q=1), "top_q"), (dict(samples=0), "samples is 0"), (dict(samples=129), "129"),
                           (dict(candidates=-1), "candidates is -1"), (dict(top_k=[1, 2]), "top_k has the shape (2,)")):
        assert words in str(caught((TypeError, ValueError), SAMPLER.sample, LOGITS, **options))
    for name, value in (("vocabulary", -1), ("max_rows", 2**64), ("in_flight", -1), ("max_candidates", 2**33),
                        ("max_biases", -5), ("max_history", 2**64 + 1)):
        words = f"{name} is {value}, not from 0"
        assert words in str(caught(ValueError, tombola.Sampler, **{"vocabulary": 5, "max_rows": 1, name: value}))
    for value in ("5", 1e3, None):
        assert f"vocabulary is {value!r}, no integer" in str(caught(TypeError, tombola.Sampler, value, 1))
    caught(ValueError, tombola.Context, lanes=2**32)
    for name in ("candidate_tokens", "candidate_logprobs"):
        assert f"candidates is 0, but {name}" in str(caught(ValueError, SAMPLER.sample, LOGITS, want=name))
    caught(TypeError, tombola.Sampler, 5, 1, no_such=1)
    caught(ValueError, tombola.Context, cache="x")


def test_whatever_is_refused_names_the_argument_as_the_caller_wrote_it_and_its_row():
    params, sample = tombola.Params, SAMPLER.sample

    def generate(prompts, **options):
        return SAMPLER.generate(lambda step: logits_of(len(step), 50), prompts, **{"max_tokens": 2, **options})

    masks, shapeless = np.ones((2, 50), bool), [[1, 2], [3]]
    for call, arguments, options, argument, row in (
            (sample, (LOGITS,), dict(top_k=-1), "top_k", None),
            (sample, (LOGITS,), dict(top_k=[1, -1, 2]), "top_k", 1),
            (sample, (LOGITS,), dict(seed=[1, 2, -3]), "seed", 2),
            (sample, (LOGITS,), dict(top_p=[1, 1]), "top_p", None),
            (sample, (LOGITS,), dict(top_p=[1, 1, 2]), "top_p", 2),
            (sample, (LOGITS,), dict(method="x"), "method", None),
            (params, (2,), dict(top_p=[1, 1, 1]), "top_p", None),
            (params, (2,), dict(top_p=shapeless), "top_p", None),
            (params, (1,), dict(filters=["x"]), "filters", None),
            (params, (1,), dict(filters=[300]), "filters", None),
            (params.preset, ("x",), {}, "name", None),
            (params(2).observe, ([1.0],), {}, "observed", None),
            (sample, (LOGITS[:, :5],), {}, "logits", None),
            (sample, (LOGITS.T.copy().T,), {}, "logits", None),
            (sample, (logits_of(4, 50),), {}, "logits", None),
            (sample, (LOGITS, params(2)), {}, "params", None),
            (sample, (LOGITS,), dict(indices=[0, 3]), "indices", 1),
            (sample, (LOGITS,), dict(indices=[0, -1]), "indices", 1),
            (sample, (LOGITS,), dict(indices=[0] * 4), "indices", None),
            (sample, (LOGITS,), dict(masks=masks), "mask_of_row", None),
            (sample, (LOGITS,), dict(masks=masks[:, 1:]), "masks", None),
            (sample, (LOGITS,), dict(masks=masks, mask_of_row=[0, 1]), "mask_of_row", None),
            (sample, (LOGITS,), dict(masks=masks, mask_of_row=[0, 1, 2]), "mask_of_row", 2),
            (sample, (LOGITS,), dict(history=[[1], [2]]), "history", None),
            (sample, (LOGITS,), dict(history=[[1], [2**40], []]), "history", 1),
            (sample, (LOGITS,), dict(history=[[1], shapeless, []]), "history", 1),
            (sample, (LOGITS,), dict(history=[[1]] * 3, prompt_lengths=[1, -1, 1]), "prompt_lengths", 1),
            (sample, (LOGITS,), dict(end_tokens=[2**40]), "end_tokens", None),
            (sample, (LOGITS,), dict(banned_words=[[[1]], [[2, 3], [2**40]], []]), "banned_words", 1),
            (sample, (LOGITS,), dict(banned_words=[[[1]], [[99]], []]), "banned_words", 1),
            (sample, (LOGITS,), dict(breakers=[[[1]], [[99]], []]), "breakers", 1),
            (sample, (LOGITS,), dict(thinking=([1], [99])), "thinking", None),
            (sample, (LOGITS,), dict(biases=[{}, {2**40: 1.0}, {}]), "biases", 1),
            (sample, (LOGITS,), dict(want="scores"), "score_tokens", None),
            (sample, (LOGITS,), dict(want=()), "want", None),
            (sample, (LOGITS,), dict(want="x"), "want", None),
            (sample, (LOGITS,), dict(want="candidate_tokens"), "candidates", None),
            (sample, (LOGITS,), dict(samples=0), "samples", None),
            (sample, (LOGITS,), dict(want="kept_tokens", kept_capacity=-1), "kept_capacity", None),
            (sample, (LOGITS,), dict(out={"tokens": np.zeros(2, np.int32)}), "out", None),
            (SAMPLER.top_k, (LOGITS, -1), {}, "k", None),
            (SAMPLER.score, (LOGITS, [[1], [99], []]), {}, "tokens", 1),
            (generate, ([],), {}, "prompts", None),
            (generate, ([[1], [2**40]],), {}, "prompts", 1),
            (generate, ([[1], [99]],), {}, "prompts", 1),
            (generate, ([[1], [2]],), dict(max_tokens=[1, 0]), "max_tokens", 1),
            (generate, ([[1], [2]],), dict(stop=[[[1]], [[]]]), "stop", 1),
            (generate, ([[1], [2]],), dict(want="x"), "want", None),
            (tombola.Sampler, (-1, 1), {}, "vocabulary", None),
            (tombola.Sampler, (5, 1, "x"), {}, "dtype", None),
            (tombola.Context, (), dict(cache="x"), "cache", None),
            (tombola.watermark_seed, (-1, [1]), {}, "key", None)):
        error = caught(tombola.InvalidArgument, call, *arguments, **options)
        assert (error.argument, error.row) == (argument, row), (options, error.argument, error.row, error)
        assert error.message == str(error) and isinstance(error, ValueError)


def test_every_status_of_the_library_is_an_exception_of_its_own():
    words_of = lib["tombola_status_string"]
    words_of.restype = c_char_p
    words = list(itertools.takewhile(lambda words: words != b"unknown status", map(words_of, itertools.count())))
    for status, text in enumerate(words[1:], 1):
        kind = getattr(tombola, text.decode().title().replace(" ", "").replace("-", ""))
        error = error_of(status, "it is so")
        assert type(error) is kind and status_of(error) == status and "it is so" in str(error), text
    assert type(error_of(len(words), "it is so")) is tombola.TombolaError


def test_a_device_that_is_not_there_says_what_to_install():
    error = caught(tombola.NoDevice, tombola.Context, "no such device")
    assert "no such device" in error.message and "pocl-opencl-icd" in error.message and "tombola[cpu]" in error.message


def test_no_platform_at_all_is_an_exception_with_a_remedy():
    script = ("import tombola\nassert tombola.devices() == []\n"
              "try:\n    tombola.Sampler(5, 1)\n"
              "except tombola.NoDevice as e:\n"
              "    assert 'apt-get install pocl-opencl-icd' in str(e) and 'tombola[cpu]' in str(e)\n"
              "else:\n    raise AssertionError")
    with tempfile.TemporaryDirectory() as empty:
        for vendors in (empty, "/nonexistent"):
            environment = dict(os.environ, OCL_ICD_VENDORS=vendors, OCL_ICD_FILENAMES="")
            subprocess.run([sys.executable, "-c", script], check=True, env=environment)


def test_a_library_that_is_not_there_is_an_import_error_that_names_it():
    found = subprocess.run([sys.executable, "-c", "import tombola"], capture_output=True, text=True,
                           env=dict(os.environ, TOMBOLA_LIBRARY="/nonexistent/lib.so"))
    assert found.returncode == 1 and "ImportError: /nonexistent/lib.so can't be loaded" in found.stderr


def test_devices_versions_and_contexts_are_told():
    assert any(device.is_default for device in tombola.devices())
    with tombola.Context() as context:
        assert context.device in tombola.devices() and context.device.name and context.device.memory > 0
        lanes, width, teams = context.shape
        assert lanes * width <= 256 and teams >= 1 and isinstance(context.choice, str)
    assert tombola.contract() == 2 and tombola.version.count(".") == 2


def test_an_editable_packages_command_lies_in_its_other_folder():
    folders, told = tombola.__path__, os.environ.pop("TOMBOLA_COMMAND", None)
    with tempfile.TemporaryDirectory() as sources, tempfile.TemporaryDirectory() as built:
        path = os.path.join(built, "tombola")
        os.mkdir(os.path.join(sources, "tombola"))   # a folder of that name is no command
        try:
            tombola.__path__ = [sources, built]
            assert not str(command()).startswith((sources, built))
            open(path, "w").close()
            assert command() == path
        finally:
            tombola.__path__ = folders
            if told is not None:
                os.environ["TOMBOLA_COMMAND"] = told


def test_the_command_is_the_librarys():
    if command() is None:   # as where the library alone was built
        print("        no command: left out")
        return
    told = subprocess.run([sys.executable, "-m", "tombola", "--version"], check=True, capture_output=True, text=True)
    assert tombola.version in told.stdout
    told = subprocess.run([sys.executable, "-m", "tombola", "--help"], check=True, capture_output=True, text=True)
    assert "tombola generate --help" in told.stdout and "bench" in told.stdout
    assert subprocess.run([sys.executable, "-m", "tombola", "nonsense"], capture_output=True).returncode


def test_watermarks_are_found_with_their_key_alone():
    vocabulary, key = 500, 77
    rows = np.zeros((1, vocabulary), np.float32)
    text = [1, 2, 3, 4]
    with tombola.Sampler(vocabulary, 1, device=CONTEXT) as sampler:
        for _ in range(40):
            text.append(int(sampler.sample(rows, history=[text], seed=key, watermark=4).tokens[0]))
        seed = tombola.watermark_seed(key, text[-4:])
        assert sampler.sample(rows, seed=seed).tokens[0] == sampler.sample(
            rows, history=[text], seed=key, watermark=4).tokens[0]
    assert tombola.watermark_detect(key, 4, text, vocabulary, prompt_length=4).p_value < 1e-12
    assert tombola.watermark_detect(key + 1, 4, text, vocabulary, prompt_length=4).p_value > 1e-4
    caught(tombola.InvalidArgument, tombola.watermark_detect, key, 0, text, vocabulary)
    for wrong in (dict(key=2**64 + key), dict(key=-1), dict(width=2**32 + 4), dict(prompt_length=-1)):
        options = {"key": key, "width": 4, "tokens": text, "vocabulary": vocabulary, **wrong}
        assert f"{next(iter(wrong))} is " in str(caught(ValueError, tombola.watermark_detect, **options))
    assert "key is" in str(caught(ValueError, tombola.watermark_seed, 2**64, text))
