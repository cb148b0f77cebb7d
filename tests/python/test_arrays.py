"""Arrays are read where they lie, or refused by words that say why."""
import array

import numpy as np
from helping import CONTEXT, caught, logits_of

import tombola
from tombola import _arrays

VOCABULARY, ROWS = 300, 5
LOGITS = logits_of(ROWS, VOCABULARY)


class Tensor:
    """What offers DLPack and nothing else, as tensors of other packages do."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, stream=None):
        return self.array.__dlpack__()

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def drawn(logits, dtype="float32", **options):
    with tombola.Sampler(VOCABULARY, ROWS, dtype, CONTEXT) as sampler:
        return sampler.sample(logits, seed=9, **options).tokens.tolist()


def test_numpy_buffers_and_dlpack_give_the_same_and_are_not_copied():
    expected = drawn(LOGITS)
    flat = array.array("f", LOGITS.ravel().tolist())
    assert drawn(memoryview(flat).cast("B").cast("f", LOGITS.shape)) == expected
    assert drawn(memoryview(flat)[:VOCABULARY]) == expected[:1]
    assert drawn(Tensor(LOGITS)) == expected
    for same in (LOGITS, memoryview(LOGITS), Tensor(LOGITS)):
        view = _arrays.view_of(same)
        assert view.address == LOGITS.ctypes.data and view.shape == LOGITS.shape
        assert view.strides == (VOCABULARY, 1) and view.dtype == "float32"


def test_float16_and_bits_of_bfloat16_are_taken():
    halves = LOGITS.astype(np.float16)
    assert drawn(halves, np.float16) == drawn(halves.astype(np.float32)) == drawn(Tensor(halves), "float16")
    bits = (LOGITS.view(np.uint32) >> 16).astype(np.uint16)
    assert drawn(bits, "bfloat16") == drawn((bits.astype(np.uint32) << 16).view(np.float32))
    try:
        from ml_dtypes import bfloat16
    except ImportError:
        return
    assert drawn(bits.view(bfloat16), bfloat16) == drawn(bits, "bfloat16")


def test_rows_may_lie_apart_and_be_read_only():
    wide = np.zeros((2 * ROWS, VOCABULARY + 7), np.float32)
    wide[::2, 3:-4] = LOGITS
    assert drawn(wide[::2, 3:-4]) == drawn(Tensor(wide[::2, 3:-4])) == drawn(LOGITS)
    fixed = LOGITS.copy()
    fixed.flags.writeable = False
    assert drawn(fixed) == drawn(LOGITS)


def test_other_types_are_refused():
    swapped = LOGITS.astype(">f4")
    for logits, words in ((LOGITS.astype(float), "float64"), (LOGITS.astype(np.float16), "float16"),
                          (LOGITS.astype(int), "int64"), (swapped, "byte order"), (LOGITS.tolist(), "list"),
                          (Tensor(LOGITS.astype(float)), "logits are float64"), (None, "NoneType"), (3, "int")):
        assert words in str(caught(TypeError, drawn, logits)), words
    assert "none of" in str(caught(ValueError, tombola.Sampler, 4, 1, "float64"))


def test_masked_arrays_are_refused_since_their_mask_would_not_count():
    assert "masks=" in str(caught(TypeError, drawn, np.ma.masked_array(LOGITS, LOGITS > 0)))


def test_other_shapes_and_layouts_are_refused():
    bytes_apart = np.zeros(ROWS * VOCABULARY * 4 + 2, np.uint8)[2:].view(np.float32).reshape(ROWS, VOCABULARY)
    for logits, words in ((LOGITS[:, :-1], "(5, 299)"), (LOGITS[None], "(1, 5, 300)"), (np.float32(1), "shape ()"),
                          (np.asfortranarray(LOGITS), "5 elements apart"), (LOGITS[:, ::-1], "-1 elements apart"),
                          (LOGITS[::-1], "-300"), (np.broadcast_to(LOGITS[0], LOGITS.shape), "0 elements apart"),
                          (bytes_apart, "not aligned"), (LOGITS[:0], "0 rows"),
                          (np.concatenate([LOGITS, LOGITS]), "10 rows, not from 1 to max_rows 5")):
        assert words in str(caught((ValueError, TypeError), drawn, logits)), words


def test_columns_are_written_into_arrays_of_the_callers_or_these_are_refused():
    tokens = np.empty(ROWS, np.int32)
    assert drawn(LOGITS, out={"tokens": tokens}) == tokens.tolist() == drawn(LOGITS)
    fixed = np.empty(ROWS, np.int32)
    fixed.flags.writeable = False
    for out, words in ((fixed, "read-only"), (np.empty(2 * ROWS, np.int32)[::2], "not C-contiguous"),
                       (np.empty(ROWS + 1, np.int32), "shape (6,)"), (np.empty(ROWS, np.int64), "int64"),
                       ([0] * ROWS, "list")):
        assert words in str(caught((ValueError, TypeError), drawn, LOGITS, out={"tokens": out})), words
    caught(ValueError, drawn, LOGITS, out={"nothing": tokens})


def test_indices_pick_rows_and_must_be_there():
    expected = drawn(LOGITS)
    assert drawn(LOGITS, indices=[3, 0, 3]) == [expected[3], expected[0], expected[3]]
    for indices in ([5], [-1], [0.5], [[0]], []):
        caught((ValueError, TypeError), drawn, LOGITS, indices=indices)
