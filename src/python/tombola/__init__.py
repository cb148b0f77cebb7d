"""Tombola draws the next token for every row of a batch of logits, and the same one on every OpenCL device.

>>> import numpy as np, tombola
>>> logits = np.array([[1, 3, 2, 0.5], [0.25, 0.5, 0.75, 1]], np.float32)
>>> with tombola.Sampler(vocabulary=4, max_rows=64) as sampler:
...     results = sampler.sample(logits, temperature=[0, 0.8], top_p=0.9, seed=[7, 8], want="tokens logprobs kept")
>>> results.tokens
array([1, 0], dtype=int32)
>>> results.kept
array([1, 4], dtype=uint32)
"""
from ._library import lib as _lib
from ._structs import BIAS, BOUNDARY
from .batch import Batch
from .context import Context, Device, devices
from .errors import (BuildFailed, Busy, DeviceFailed, Forked, InUse, InvalidArgument, ModelFailed, NoDevice,
                     OutOfMemory, SelfTestFailed, TombolaError, TransportFailed)
from .generation import Generation, Step
from .params import FIELDS, Params, params_dtype, presets
from .ragged import Ragged
from .results import COLUMNS, EMPTY, INVALID, OK, Results
from .sampler import Sampler
from .shard import Shard
from .watermark import Detection, watermark_detect, watermark_seed

#: The library's version, "0.1.0".
version: str = _lib.tombola_version_string().decode()
__version__ = version


def contract() -> int:
    """The number of the numeric contract: where it is the same, so are tokens."""
    return int(_lib.tombola_contract())


__all__ = ["BIAS", "BOUNDARY", "Batch", "BuildFailed", "Busy", "COLUMNS", "Context", "Detection", "Device",
           "DeviceFailed", "EMPTY", "FIELDS", "Forked", "Generation", "INVALID", "InUse", "InvalidArgument",
           "ModelFailed", "NoDevice", "OK", "OutOfMemory", "Params", "Ragged", "Results", "Sampler", "SelfTestFailed",
           "Shard", "Step", "TombolaError", "TransportFailed", "contract", "devices", "params_dtype", "presets",
           "version", "watermark_detect", "watermark_seed"]
