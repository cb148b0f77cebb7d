"""libtombola, loaded: its functions with their types, and its errors raised.

ctypes calls a function of a CDLL without the interpreter's lock.
"""
from __future__ import annotations

import ctypes
import os
import sys
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any

from . import _runtime, _structs
from .errors import error_of


def own_file(name: str) -> str | None:
    """The path of a file that the package has brought along; None: it has not.

    An editable package has two folders: its sources', and that of what was built.
    """
    folders = sys.modules[__name__.rpartition(".")[0]].__path__
    return next((path for path in (os.path.join(folder, name) for folder in folders) if os.path.isfile(path)), None)


def _path() -> str:
    """The library that $TOMBOLA_LIBRARY names, else the one in the package, else the system's."""
    return os.environ.get("TOMBOLA_LIBRARY") or own_file("libtombola.so") or "libtombola.so.0.1"


def _load() -> ctypes.CDLL:
    _runtime.offer()
    try:
        return ctypes.CDLL(path)
    except OSError as error:
        remedy = "install the package with pip, or name the library in TOMBOLA_LIBRARY"
        if "OpenCL" in str(error):
            remedy = ("the OpenCL loader is missing: on Debian `apt-get install ocl-icd-libopencl1 pocl-opencl-icd` "
                      "brings it and a driver for every CPU, by pip alone `pip install tombola[cpu]` does for x86")
        raise ImportError(f"{path} can't be loaded ({error}); {remedy}") from error


path = _path()
lib = _load()
_error = POINTER(_structs.Error)
for _name, _result, _arguments in (
    ("version_string", c_char_p, ()),
    ("contract", c_int, ()),
    ("device_list", c_int, (c_void_p, c_size_t, POINTER(c_size_t), _error)),
    ("context_open", c_int, (c_char_p, c_void_p, POINTER(c_void_p), _error)),
    ("context_open_cl", c_int, (c_void_p, c_void_p, c_void_p, POINTER(c_void_p), _error)),
    ("context_cl_context", c_void_p, (c_void_p,)),
    ("context_cl_device", c_void_p, (c_void_p,)),
    ("context_device", None, (c_void_p, c_void_p)),
    ("context_choice", c_char_p, (c_void_p,)),
    ("context_shape", None, (c_void_p, POINTER(c_uint32), POINTER(c_uint32), POINTER(c_uint32))),
    ("context_close", None, (c_void_p,)),
    ("sampler_create", c_int, (c_void_p, c_size_t, c_size_t, c_void_p, POINTER(c_void_p), _error)),
    ("sampler_release", None, (c_void_p,)),
    ("sampler_times", None, (c_void_p, c_void_p)),
    ("sampler_memory", None, (c_void_p, c_void_p)),
    ("sampler_sample", c_int, (c_void_p, c_void_p, c_void_p, _error)),
    ("sampler_submit", c_int, (c_void_p, c_void_p, c_void_p, POINTER(c_uint64), _error)),
    ("sampler_poll", c_int, (c_void_p, c_uint64, POINTER(c_int), _error)),
    ("sampler_wait", c_int, (c_void_p, c_uint64, _error)),
    ("sampler_enqueue", c_int, (c_void_p, c_void_p, c_void_p, c_void_p, c_uint32, c_void_p, POINTER(c_void_p),
                                _error)),
    ("sampler_generate", c_int, (c_void_p, c_void_p, c_size_t, c_void_p, c_void_p, c_void_p, _error)),
    ("shard_create", c_int, (c_void_p, c_size_t, c_size_t, c_size_t, c_size_t, c_void_p, POINTER(c_void_p), _error)),
    ("shard_release", None, (c_void_p,)),
    ("shard_begin", c_int, (c_void_p, c_void_p, c_void_p, _error)),
    ("shard_partial", c_int, (c_void_p, c_void_p, c_size_t, POINTER(c_size_t), _error)),
    ("shard_merge", c_int, (c_void_p, c_void_p, c_size_t, c_size_t, POINTER(c_int), _error)),
    ("shard_cancel", None, (c_void_p,)),
    ("shard_last_call", None, (c_void_p, c_void_p)),
    ("finish_string", c_char_p, (c_int,)),
    ("params_field", POINTER(_structs.Field), (c_size_t,)),
    ("params_preset", c_int, (c_char_p, c_void_p, _error)),
    ("params_preset_name", c_char_p, (c_size_t,)),
    ("params_observe", None, (c_void_p, ctypes.c_float)),
    ("watermark_seed", c_uint64, (c_uint64, c_void_p, c_size_t)),
    ("watermark_detect", c_int, (c_uint64, c_uint32, c_void_p, c_size_t, c_size_t, c_size_t, c_void_p, _error)),
):
    _function = getattr(lib, "tombola_" + _name)
    _function.restype, _function.argtypes = _result, _arguments


def text_of(told: bytes) -> str:
    """A string of the library's, which may have what a driver says in it."""
    return told.decode("utf-8", "replace")


def call(function: Any, *arguments: Any, error: _structs.Error | None = None) -> None:
    """Calls a function whose last argument is the error, and raises what it tells. error: a struct to use again."""
    if error is None:
        error = _structs.Error()
    status = function(*arguments, byref(error))
    if status:
        raise error_of(status, text_of(error.message))
