"""What the tests of the package share."""
import os
import sys

import numpy as np

import tombola

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(TESTS)
if TESTS not in sys.path:
    sys.path.append(TESTS)

import reference_rows  # noqa: E402, F401  (of tests/)

CONTEXT = tombola.Context()   # of tests that need none of their own: some devices compile for each


def caught(kind, call, *arguments, **options):
    """The exception of that kind which a call raises."""
    try:
        result = call(*arguments, **options)
    except kind as error:
        return error
    raise AssertionError(f"{kind} was not raised, but there was {result!r}")


def resident():
    """Bytes of memory that the process has."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def grown_by(calls, before, number):
    """How many bytes the process has grown by over calls(number), once it has made calls(before)."""
    calls(before)
    start = resident()
    calls(number)
    return resident() - start


def logits_of(rows, vocabulary, seed=0):
    """Rows as a language model has them, more or less."""
    return (np.random.default_rng(seed).normal(size=(rows, vocabulary)) * 3).astype(np.float32)
