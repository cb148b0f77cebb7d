"""llama.cpp's sampler chains, through the ctypes interface of llama-cpp-python.

A chain wants an array of (id, logit, p), which it sorts and shortens. Making that array is a copy of one made before,
which is less than llama.cpp itself does for each row. Threads take rows side by side; calls from Python take a
microsecond or two each.
"""
import ctypes
import os
from concurrent.futures import ThreadPoolExecutor

import llama_cpp
import numpy as np

VERSION = "llama-cpp-python " + llama_cpp.__version__
THREADS = len(os.sched_getaffinity(0))
PARTS = ThreadPoolExecutor(THREADS)


def prepare(batch):
    data = np.zeros(batch.shape, dtype=np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)]))
    data["id"] = np.arange(batch.shape[1])
    data["logit"] = batch
    return data


class Chain:
    """A chain with room for a row, for one thread."""

    def __init__(self, samplers):
        self.chain = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
        for make in samplers:
            llama_cpp.llama_sampler_chain_add(self.chain, make())
        self.room = (llama_cpp.llama_token_data * 0)()
        self.array = llama_cpp.llama_token_data_array()

    def draw(self, rows):
        if len(self.room) != rows.shape[1]:
            self.room = (llama_cpp.llama_token_data * rows.shape[1])()
        array, tokens = self.array, []
        for row in rows:
            ctypes.memmove(self.room, row.ctypes.data, row.nbytes)
            array.data = ctypes.cast(self.room, type(array.data))
            array.size, array.selected, array.sorted = len(self.room), -1, False
            llama_cpp.llama_sampler_apply(self.chain, ctypes.byref(array))
            tokens.append(array.data[array.selected].id)
        return tokens


def chain(*samplers):
    chains = [Chain(samplers) for _ in range(THREADS)]

    def draw(rows):
        if len(rows) == 1:
            return chains[0].draw(rows)
        parts = PARTS.map(Chain.draw, chains, np.array_split(rows, THREADS))
        return [token for part in parts for token in part]

    return draw


def temperature():
    return llama_cpp.llama_sampler_init_temp(0.8)


def top_k():
    return llama_cpp.llama_sampler_init_top_k(50)


def top_p():
    return llama_cpp.llama_sampler_init_top_p(0.95, 1)


def min_p():
    return llama_cpp.llama_sampler_init_min_p(0.05, 1)


def draw():
    return llama_cpp.llama_sampler_init_dist(1)


DRAWS = {
    "greedy": chain(llama_cpp.llama_sampler_init_greedy),
    "temperature": chain(temperature, draw),
    "top-k": chain(top_k, temperature, draw),
    "top-p": chain(temperature, top_p, draw),
    "top-k-top-p": chain(top_k, temperature, top_p, draw),
    "min-p": chain(temperature, min_p, draw),
}
