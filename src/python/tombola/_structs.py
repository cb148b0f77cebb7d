"""The structs of tombola.h and tombola_shard.h but for tombola_params, whose fields come from the library's table.

tests/python/test_structs.py has a C compiler compare sizes and offsets with the headers. Pointers are plain addresses:
ctypes converts these fastest.
"""
import ctypes
from ctypes import c_char, c_double, c_int, c_size_t, c_uint8, c_uint32, c_uint64, c_void_p
from typing import Any

import numpy as np


class Struct(ctypes.Structure):
    """A struct that begins with its size, as all that may grow do."""

    c_name = ""

    def __init__(self, **fields: Any) -> None:
        super().__init__(ctypes.sizeof(self), **fields)


class Array(ctypes.Structure):
    _fields_ = [("host", c_void_p), ("buffer", c_void_p), ("offset", c_size_t)]


class Error(Struct):
    c_name = "tombola_error"
    _fields_ = [("struct_size", c_uint32), ("status", c_int), ("message", c_char * 1024)]


class Device(Struct):
    c_name = "tombola_device"
    _fields_ = [
        ("struct_size", c_uint32), ("index", c_uint32), ("type", c_int), ("is_default", c_int),
        ("platform", c_char * 128), ("name", c_char * 256), ("version", c_char * 128), ("driver", c_char * 128),
        ("memory", c_uint64), ("compute_units", c_uint32), ("is_in_thread", c_int),
    ]


class ContextOptions(Struct):
    c_name = "tombola_context_options"
    _fields_ = [
        ("struct_size", c_uint32), ("lanes", c_uint32), ("width", c_uint32), ("teams", c_uint32),
        ("build_options", ctypes.c_char_p), ("cache", c_int),
    ]


class SamplerOptions(Struct):
    c_name = "tombola_sampler_options"
    _fields_ = [
        ("struct_size", c_uint32), ("type", c_int), ("input", c_int), ("dispatch", c_int), ("transfer", c_int),
        ("timed", c_int), ("in_flight", c_uint32), ("max_candidates", c_uint32), ("probabilities", c_int),
        ("in_thread", c_int), ("masks", c_int), ("max_biases", c_size_t), ("max_history", c_size_t),
    ]


class Times(Struct):
    c_name = "tombola_times"
    _fields_ = [
        ("struct_size", c_uint32), ("reserved", c_uint32), ("calls", c_uint64), ("row_dispatches", c_uint64),
        ("spread_dispatches", c_uint64), ("in_place_calls", c_uint64), ("staged_calls", c_uint64),
        ("device_calls", c_uint64), ("parts", c_uint64), ("bytes_uploaded", c_uint64), ("bytes_read", c_uint64),
        ("upload_seconds", c_double), ("kernel_seconds", c_double), ("read_seconds", c_double),
        ("in_thread_calls", c_uint64),
    ]


class Memory(Struct):
    c_name = "tombola_memory"
    _fields_ = [("struct_size", c_uint32), ("reserved", c_uint32), ("device_bytes", c_uint64), ("host_bytes", c_uint64)]


class Preset(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("filters", c_uint8 * 16)]


class Field(Struct):
    c_name = "tombola_field"
    _fields_ = [
        ("struct_size", c_uint32), ("kind", c_int), ("name", ctypes.c_char_p), ("offset", c_size_t),
        ("low", c_double), ("high", c_double), ("neutral", c_double), ("help", ctypes.c_char_p),
        ("values", ctypes.POINTER(ctypes.c_char_p)), ("presets", ctypes.POINTER(Preset)), ("filter", c_uint32),
        ("needs", c_uint32),
    ]


class Rows(Struct):
    c_name = "tombola_rows"
    _fields_ = [
        ("struct_size", c_uint32), ("reserved", c_uint32), ("count", c_size_t), ("logits", Array),
        ("stride", c_size_t), ("indices", c_void_p), ("params", c_void_p), ("masks", Array),
        ("mask_stride", c_size_t), ("mask_count", c_size_t), ("mask_of_row", c_void_p), ("biases", c_void_p),
        ("bias_ends", c_void_p), ("history", c_void_p), ("history_ends", c_void_p), ("prompt_lengths", c_void_p),
        ("end_tokens", c_void_p), ("end_token_ends", c_void_p), ("words", c_void_p), ("word_ends", c_void_p),
        ("banned_ends", c_void_p), ("breakers", c_void_p), ("breaker_ends", c_void_p),
        ("breaker_row_ends", c_void_p), ("forced", c_void_p), ("forced_ends", c_void_p),
        ("thinking_start", c_void_p), ("thinking_start_count", c_size_t), ("thinking_end", c_void_p),
        ("thinking_end_count", c_size_t), ("score_tokens", c_void_p), ("score_ends", c_void_p),
    ]


class Results(Struct):
    c_name = "tombola_results"
    _fields_ = [
        ("struct_size", c_uint32), ("candidate_count", c_uint32), ("tokens", Array), ("status", Array),
        ("kept", Array), ("probabilities", Array), ("log_probabilities", Array), ("probability_stride", c_size_t),
        ("candidate_tokens", Array), ("candidate_logits", Array), ("candidate_probabilities", Array),
        ("boundary", Array), ("logprobs", Array), ("raw_logprobs", Array), ("ranks", Array), ("margins", Array),
        ("entropies", Array), ("scores", Array), ("raw_scores", Array), ("kept_probabilities", Array),
        ("processed_logits", Array), ("kept_ends", Array), ("kept_tokens", Array), ("kept_capacity", c_size_t),
        ("samples", c_uint32), ("reserved", c_uint32), ("observed", Array), ("candidate_logprobs", Array),
        ("candidate_raw_logprobs", Array),
    ]


class Detection(Struct):
    c_name = "tombola_detection"
    _fields_ = [
        ("struct_size", c_uint32), ("reserved", c_uint32), ("scored", c_uint64), ("numbers", c_uint64),
        ("score", c_double), ("p_value", c_double),
    ]


class Sequence(Struct):
    c_name = "tombola_sequence"
    _fields_ = [
        ("struct_size", c_uint32), ("finish", c_int), ("tokens", c_void_p), ("length", c_size_t),
        ("max_new_tokens", c_size_t), ("end_tokens", c_void_p), ("end_token_count", c_size_t), ("params", c_void_p),
        ("forced", c_void_p), ("forced_count", c_size_t), ("generated", c_size_t), ("logprobs", c_void_p),
        ("raw_logprobs", c_void_p),
    ]


class Step(Struct):
    c_name = "tombola_step"
    _fields_ = [
        ("struct_size", c_uint32), ("reserved", c_uint32), ("sequences", c_void_p), ("rows", c_size_t),
        ("live", c_void_p), ("cache_rows", c_void_p), ("logits", c_void_p), ("stride", c_size_t), ("batch", c_void_p),
    ]


class Model(Struct):
    c_name = "tombola_model"
    _fields_ = [
        ("struct_size", c_uint32), ("reserved", c_uint32), ("user", c_void_p), ("forward", c_void_p),
        ("begin", c_void_p), ("end", c_void_p),
    ]


class ShardCall(Struct):
    c_name = "tombola_shard_call"
    _fields_ = [("struct_size", c_uint32), ("rounds", c_uint32), ("bytes", c_uint64), ("most", c_uint64)]


BIAS = np.dtype([("token", np.int32), ("value", np.float32)])
BOUNDARY = np.dtype([("logit", np.float32), ("token", np.int32)])
# tombola_shard_head, which is little-endian everywhere.
SHARD_HEAD = np.dtype([("magic", "<u4"), ("layout", "<u4"), ("contract", "<u4"), ("status", "<u4"), ("size", "<u8"),
                       ("agreed", "<u8"), ("kinds", "<u8"), ("places", "<u8"), ("masks", "<u8"), ("rows", "<u4"),
                       ("round", "<u4"), ("vocabulary", "<u4"), ("input", "<u4"), ("first", "<u4"), ("last", "<u4")])

# What each column of the results holds, and what it has one of: a row, a sample of each row, a candidate of each row,
# a token of the vocabulary for each row, a token to score, or a token kept.
COLUMNS = {
    "tokens": (np.dtype(np.int32), "sample"),
    "status": (np.dtype(np.int32), "row"),
    "kept": (np.dtype(np.uint32), "row"),
    "probabilities": (np.dtype(np.float32), "vocabulary"),
    "log_probabilities": (np.dtype(np.float32), "vocabulary"),
    "candidate_tokens": (np.dtype(np.int32), "candidate"),
    "candidate_logits": (np.dtype(np.float32), "candidate"),
    "candidate_probabilities": (np.dtype(np.float32), "candidate"),
    "boundary": (BOUNDARY, "row"),
    "logprobs": (np.dtype(np.float32), "sample"),
    "raw_logprobs": (np.dtype(np.float32), "sample"),
    "ranks": (np.dtype(np.uint32), "sample"),
    "margins": (np.dtype(np.float32), "sample"),
    "entropies": (np.dtype(np.float32), "row"),
    "scores": (np.dtype(np.float32), "score"),
    "raw_scores": (np.dtype(np.float32), "score"),
    "kept_probabilities": (np.dtype(np.float32), "vocabulary"),
    "processed_logits": (np.dtype(np.float32), "vocabulary"),
    "kept_ends": (np.dtype(np.uint64), "row"),
    "kept_tokens": (np.dtype(np.int32), "kept"),
    "observed": (np.dtype(np.float32), "sample"),
    "candidate_logprobs": (np.dtype(np.float32), "candidate"),
    "candidate_raw_logprobs": (np.dtype(np.float32), "candidate"),
}

STRUCTS = (Error, Device, ContextOptions, SamplerOptions, Times, Memory, Field, Rows, Results, Detection, Sequence,
           Step, Model, ShardCall)
