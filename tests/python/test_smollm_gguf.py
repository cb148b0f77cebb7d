"""GGUF files are read as the format has them."""
import os
import struct
import tempfile

import numpy as np

import gguf_file
from helping import caught
from tombola.smollm import gguf

SEED = 20261


def read(fields, tensors, cut=None):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.gguf")
        gguf_file.write(path, fields, tensors)
        if cut is not None:
            os.truncate(path, cut(os.path.getsize(path)))
        return gguf.File(path)


def test_fields_are_what_was_written():
    fields = {"a.text": "Größe", "a.number": 7, "a.share": 0.5, "a.switch": True, "a.texts": ["x", "", "yz"],
              "a.numbers": [1, 2, 2**31]}
    assert read(fields, {}).fields == fields


def test_quantised_tensors_are_what_their_blocks_mean():
    random = np.random.default_rng(SEED)
    scales = random.normal(size=(6, 2)).astype("<f2")
    fours = [scales[i].tobytes() + random.bytes(16) for i in range(6)]
    eights = [scales[i, :1].tobytes() + random.bytes(32) for i in range(6)]
    file = read({}, {"four": (gguf_file.Q4_1, (3, 64), b"".join(fours)),
                     "eight": (gguf_file.Q8_0, (2, 96), b"".join(eights))})
    for name, shape, values in (("four", (3, 64), sum(map(gguf_file.q4_1, fours), [])),
                                ("eight", (2, 96), sum(map(gguf_file.q8_0, eights), []))):
        tensor = file.tensor(name)
        assert tensor.dtype == np.float32 and tensor.shape == shape
        assert np.array_equal(tensor.ravel(), np.array(values, np.float32)), f"seed {SEED}, {name}"


def test_tensors_of_floats_are_what_was_written():
    random = np.random.default_rng(SEED)
    single, half = random.normal(size=(5, 3)).astype("<f4"), random.normal(size=7).astype("<f2")
    file = read({}, {"single": gguf_file.of_floats(single), "half": (gguf_file.F16, (7,), half.tobytes())})
    assert np.array_equal(file.tensor("single"), single) and np.array_equal(file.tensor("half"), half)
    assert "half" in file and "third" not in file


def test_a_file_that_is_none_or_ends_early_is_refused():
    tensors = {"one": gguf_file.of_floats(np.zeros((8, 8)))}
    assert "no GGUF file" in str(caught(ValueError, lambda: read({"a": "b"}, tensors, cut=lambda size: 20)))
    assert "ends within one" in str(caught(ValueError, lambda: read({}, tensors, lambda size: size - 4).tensor("one")))
    assert "type 2" in str(caught(ValueError, lambda: read({}, {"one": (2, (32,), bytes(18))}).tensor("one")))
    with tempfile.NamedTemporaryFile() as other:
        other.write(bytes(100))
        other.flush()
        assert "no GGUF file" in str(caught(ValueError, lambda: gguf.File(other.name)))
        other.seek(0)
        other.write(b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**64 - 1))   # a name of so many bytes
        other.flush()
        assert "no GGUF file" in str(caught(ValueError, lambda: gguf.File(other.name)))


def test_what_a_file_lacks_is_named():
    file = read({"a": 1}, {"one": gguf_file.of_floats(np.zeros((8, 8)))})
    assert "has no field b" in str(caught(ValueError, lambda: file.fields["b"])) and file.fields.get("b", 3) == 3
    assert "has no tensor two" in str(caught(ValueError, lambda: file.tensor("two")))
