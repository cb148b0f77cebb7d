"""Devices, and contexts: a device with its compiled kernels."""
import ctypes
import os
from ctypes import byref, c_size_t, c_uint32, c_void_p
from dataclasses import dataclass

from . import _structs
from ._handle import Handle
from ._library import call, lib, text_of
from ._opencl import opencl_of

_TYPES = ("cpu", "gpu", "other")
_CACHES = {"auto": 0, "off": 1}


@dataclass(frozen=True)
class Device:
    """An OpenCL device. memory is in bytes; is_default marks the one that is tried first when none is named."""

    index: int
    type: str
    is_default: bool
    platform: str
    name: str
    version: str
    driver: str
    memory: int
    compute_units: int

    @classmethod
    def _of(cls, device):
        return cls(device.index, _TYPES[device.type], bool(device.is_default), text_of(device.platform),
                   text_of(device.name), text_of(device.version), text_of(device.driver), device.memory,
                   device.compute_units)


def devices():
    """The devices of every OpenCL platform, a list of Device, possibly empty."""
    count = c_size_t()
    call(lib.tombola_device_list, None, 0, byref(count))
    array = (_structs.Device * count.value)(*(_structs.Device() for _ in range(count.value)))
    if count.value:
        call(lib.tombola_device_list, array, count.value, byref(count))
    return [Device._of(device) for device in array[:min(count.value, len(array))]]


class Context(Handle):
    """A device with its compiled kernels. Serves samplers on any number of threads; a context manager.

    device         an index, "cpu", "gpu", "pocl" or a part of the device's name; None: $TOMBOLA_DEVICE, else the first
                   GPU that passes the known answers, else the first CPU. Or OpenCL objects of the caller's, as pyopencl
                   has them: a queue, a context of one device, or (context, device)
    lanes, width, teams, build_options   how kernels are compiled: the speed changes, never a token
    cache          "off" keeps no compiled kernels on disk
    Raises NoDevice; for a named device also BuildFailed, SelfTestFailed, DeviceFailed; Forked.
    """

    _noun, _release = "context", lib.tombola_context_close

    def __init__(self, device=None, *, lanes=0, width=0, teams=0, build_options=None, cache="auto"):
        if cache not in _CACHES:
            raise ValueError(f"cache is '{cache}', none of: " + ", ".join(_CACHES))
        options = _structs.ContextOptions(
            lanes=lanes, width=width, teams=teams, cache=_CACHES[cache],
            build_options=None if build_options is None else os.fsencode(build_options))
        handle = c_void_p()
        opencl = opencl_of(device)
        if opencl is not None:
            call(lib.tombola_context_open_cl, *opencl, ctypes.addressof(options), byref(handle))
        else:
            call(lib.tombola_context_open, None if device is None else str(device).encode(),
                 ctypes.addressof(options), byref(handle))
        self._handle = handle

    @property
    def device(self):
        """The Device that was taken."""
        device = _structs.Device()
        lib.tombola_context_device(self.handle, ctypes.addressof(device))
        return Device._of(device)

    @property
    def choice(self):
        """Why it was taken, and others were not: a sentence a line."""
        return text_of(lib.tombola_context_choice(self.handle))

    @property
    def shape(self):
        """(lanes, width, teams) in force."""
        lanes, width, teams = c_uint32(), c_uint32(), c_uint32()
        lib.tombola_context_shape(self.handle, byref(lanes), byref(width), byref(teams))
        return lanes.value, width.value, teams.value

    @property
    def cl_context(self):
        """Its pyopencl.Context, for queues and arrays to be used with it."""
        import pyopencl
        return pyopencl.Context.from_int_ptr(lib.tombola_context_cl_context(self.handle))

    @property
    def cl_device(self):
        """Its pyopencl.Device."""
        import pyopencl
        return pyopencl.Device.from_int_ptr(lib.tombola_context_cl_device(self.handle))

    def close(self):
        """Gives the device back, once the samplers on it are closed too."""
        super().close()
