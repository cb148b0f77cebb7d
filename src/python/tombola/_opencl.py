"""OpenCL objects of the caller's, taken by their `int_ptr` as pyopencl's have it: arrays, buffers, queues, contexts."""
import numpy as np


def memory_of(array):
    """The OpenCL buffer that an array lies in, or that it is itself; None: it lies elsewhere."""
    memory = getattr(array, "base_data", array)
    return memory if hasattr(memory, "int_ptr") and hasattr(memory, "size") else None


def opencl_of(device):
    """(cl_context, cl_device) by address, of a queue, a context with one device, or a pair; None: it is none of these.

    ValueError: the context has several devices.
    """
    if isinstance(device, tuple) and len(device) == 2 and all(hasattr(part, "int_ptr") for part in device):
        return tuple(part.int_ptr for part in device)
    if not hasattr(device, "int_ptr"):
        return None
    if hasattr(device, "context") and hasattr(device, "device"):
        return device.context.int_ptr, device.device.int_ptr
    devices = getattr(device, "devices", ())
    if len(devices) != 1:
        raise ValueError(f"{device} is no queue, nor a context of one device: pass (context, device)")
    return device.int_ptr, devices[0].int_ptr


def events_of(arrays):
    """What has to be over before arrays are read or written, as they know it themselves."""
    return [event for array in arrays if type(array) is not np.ndarray for event in getattr(array, "events", ())]


def wait_for_arrays(arrays):
    """Waits until arrays may be read and written."""
    for event in events_of(arrays):
        event.wait()


def hand_on(event, arrays):
    """Tells arrays that what they take part in is over with an event."""
    for array in arrays:
        if hasattr(array, "add_event"):
            array.add_event(event)


def event_of(address):
    """An event that the library has given to its caller."""
    import pyopencl
    return pyopencl.Event.from_int_ptr(address, retain=False)
