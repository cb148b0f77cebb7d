"""Writes GGUF files, and reads what is in a block of quantised elements one by one, as the format has it."""
import struct

import numpy as np

F32, F16, Q4_1, Q8_0 = 0, 1, 3, 8
FIELDS = {int: (4, "<I"), float: (6, "<f"), bool: (7, "<?")}


def text(value):
    return struct.pack("<Q", len(value.encode())) + value.encode()


def field(value):
    """A value with its type before it."""
    if isinstance(value, str):
        return struct.pack("<I", 8) + text(value)
    if isinstance(value, list):
        one = field(value[0])[:4]
        return struct.pack("<I", 9) + one + struct.pack("<Q", len(value)) + b"".join(field(v)[4:] for v in value)
    number, letters = FIELDS[type(value)]
    return struct.pack("<I", number) + struct.pack(letters, value)


def write(path, fields, tensors):
    """tensors: {name: (type, shape, bytes)}"""
    head, data = [b"GGUF", struct.pack("<IQQ", 3, len(tensors), len(fields))], b""
    head += [text(name) + field(value) for name, value in fields.items()]
    for name, (kind, shape, content) in tensors.items():
        head.append(text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape[::-1], kind, len(data)))
        data += content + bytes(-len(content) % 32)
    head = b"".join(head)
    with open(path, "wb") as file:
        file.write(head + bytes(-len(head) % 32) + data)


def of_floats(array):
    """A tensor as write takes it."""
    return F32, array.shape, array.astype("<f4").tobytes()


def q4_1(block):
    """The 32 values of 20 bytes."""
    scale, least = np.frombuffer(block[:4], "<f2").astype(np.float32)
    halves = [byte & 15 for byte in block[4:]] + [byte >> 4 for byte in block[4:]]
    return [np.float32(np.float32(half) * scale) + least for half in halves]


def q8_0(block):
    """The 32 values of 34 bytes."""
    scale, = np.frombuffer(block[:2], "<f2").astype(np.float32)
    return [np.float32(value) * scale for value in struct.unpack("32b", block[2:])]
