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

from edits import HISTORY, biases, histories

VERSION = "llama-cpp-python " + llama_cpp.__version__
THREADS = len(os.sched_getaffinity(0))
PARTS = ThreadPoolExecutor(THREADS)


def prepare(batch):
    data = np.zeros(batch.shape, dtype=np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)]))
    data["id"] = np.arange(batch.shape[1])
    data["logit"] = batch
    return data


class Chain:
    """A chain with room for a row, for one thread. Whatever rows it draws from, they have the same history: that it is
    told of tokens as they come is not measured."""

    def __init__(self, samplers, has_history):
        self.samplers, self.has_history = samplers, has_history
        self.room = (llama_cpp.llama_token_data * 0)()
        self.array = llama_cpp.llama_token_data_array()

    def make(self, vocabulary):
        self.room = (llama_cpp.llama_token_data * vocabulary)()
        self.chain = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
        for make in self.samplers:
            llama_cpp.llama_sampler_chain_add(self.chain, make(vocabulary))
        for token in histories(1, vocabulary)[0].tolist() if self.has_history else []:
            llama_cpp.llama_sampler_accept(self.chain, token)

    def draw(self, rows):
        if len(self.room) != rows.shape[1]:
            self.make(rows.shape[1])
        array, tokens = self.array, []
        for row in rows:
            ctypes.memmove(self.room, row.ctypes.data, row.nbytes)
            array.data = ctypes.cast(self.room, type(array.data))
            array.size, array.selected, array.sorted = len(self.room), -1, False
            llama_cpp.llama_sampler_apply(self.chain, ctypes.byref(array))
            tokens.append(array.data[array.selected].id)
        return tokens


def chain(*samplers, has_history=False):
    """samplers   functions of the vocabulary's size, each of which makes one"""
    chains = [Chain(samplers, has_history) for _ in range(THREADS)]

    def draw(rows):
        if len(rows) == 1:
            return chains[0].draw(rows)
        parts = PARTS.map(Chain.draw, chains, np.array_split(rows, THREADS))
        return [token for part in parts for token in part]

    return draw


def sampler(name, *values):
    return lambda vocabulary: getattr(llama_cpp, "llama_sampler_init_" + name)(*values)


def bias(vocabulary):
    ids, values = (of_rows[0].tolist() for of_rows in biases(1, vocabulary))
    array = (llama_cpp.llama_logit_bias * len(ids))(*zip(ids, values))  # copied
    return llama_cpp.llama_sampler_init_logit_bias(vocabulary, len(ids), array)


def penalties(*values):
    return lambda vocabulary: llama_cpp.llama_sampler_init_penalties(vocabulary, HISTORY, *values)


temperature, top_k, top_p = sampler("temp", 0.8), sampler("top_k", 50), sampler("top_p", 0.95, 1)
min_p, draw = sampler("min_p", 0.05, 1), sampler("dist", 1)

DRAWS = {
    "greedy": chain(sampler("greedy")),
    "temperature": chain(temperature, draw),
    "top-k": chain(top_k, temperature, draw),
    "top-p": chain(temperature, top_p, draw),
    "top-k-top-p": chain(top_k, temperature, top_p, draw),
    "min-p": chain(temperature, min_p, draw),
    "top-p-t1": chain(top_p, draw),
    "top-p-t1.5": chain(sampler("temp", 1.5), top_p, draw),
    "top-p-0.9-t0.7": chain(sampler("temp", 0.7), sampler("top_p", 0.9, 1), draw),
    "top-n-sigma": chain(temperature, sampler("top_n_sigma", 1.0), draw),
    "xtc": chain(temperature, sampler("xtc", 1.0, 0.1, 1, 1), draw),
    "typical-p": chain(temperature, sampler("typical", 0.95, 1), draw),
    "dynatemp": chain(sampler("temp_ext", 0.8, 0.5, 1.0), draw),
    "bias": chain(bias, temperature, top_p, draw),
    "repetition": chain(penalties(1.1, 0.0, 0.0), temperature, top_p, draw, has_history=True),
    "penalties": chain(penalties(1.1, 0.2, 0.1), temperature, top_p, draw, has_history=True),
}
