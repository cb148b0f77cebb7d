#!/usr/bin/env python3
"""Prints what a call of the Python package costs beyond the C call that it makes, in microseconds.

    PYTHONPATH=src/python TOMBOLA_LIBRARY=build/libtombola.so python3 bench/python_overhead.py

A whole call has 64 rows of parameters as arrays; the C call gets the same structs. They take turns. Time is what the
calling thread computes, which other load changes least.
"""
import statistics
import time
from ctypes import addressof, byref

import numpy as np

import tombola
from tombola import _structs
from tombola._library import lib

ROWS, VOCABULARY, TURNS = 64, 16, 4000


def seconds_of(call):
    begin = time.thread_time()
    call()
    return time.thread_time() - begin


def main():
    logits = np.random.default_rng(0).normal(size=(ROWS, VOCABULARY)).astype(np.float32)
    columns = {"temperature": np.full(ROWS, 0.8, np.float32), "top_p": np.full(ROWS, 0.9, np.float32),
               "seed": np.arange(ROWS, dtype=np.uint64), "offset": np.arange(ROWS, dtype=np.uint64)}
    params = tombola.Params(ROWS, **columns)
    with tombola.Sampler(VOCABULARY, ROWS) as sampler:
        rows, asked, _results = sampler._batch(logits, params, "tokens status", {})
        arguments = sampler.handle, addressof(rows), addressof(asked), byref(_structs.Error())
        calls = {"C call": lambda: lib.tombola_sampler_sample(*arguments),
                 "parameters as arrays": lambda: sampler.sample(logits, **columns),
                 "Params": lambda: sampler.sample(logits, params)}
        turns = [{name: seconds_of(call) * 1e6 for name, call in calls.items()} for _ in range(TURNS)]
        device = sampler.context.device.name
    print(f"{ROWS} rows of {VOCABULARY} logits on {device}, microseconds of the calling thread")
    print(f"{'':22}{'median':>8}{'least':>8}   beyond the C call")
    medians = {name: statistics.median(turn[name] for turn in turns) for name in calls}
    least = {name: min(turn[name] for turn in turns) for name in calls}
    for name in calls:
        beyond = medians[name] - medians["C call"], least[name] - least["C call"]
        print(f"{name:22}{medians[name]:8.1f}{least[name]:8.1f}   {beyond[0]:8.1f}{beyond[1]:8.1f}")


if __name__ == "__main__":
    main()
