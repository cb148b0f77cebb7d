"""Masks, biases, histories and the other lists of rows: every form that they are taken in says the same."""
from types import MappingProxyType

import numpy as np
from helping import CONTEXT, caught, logits_of

import tombola
from tombola import BIAS, Ragged

VOCABULARY, ROWS = 100, 4
LOGITS = logits_of(ROWS, VOCABULARY)
SAMPLER = tombola.Sampler(VOCABULARY, ROWS, device=CONTEXT)
BEST = LOGITS.argmax(axis=1)


class Array:
    """A tensor as other packages have them: no array of numpy's, with elements that are no integers."""

    def __init__(self, array):
        self._array = array

    def __array__(self, dtype=None, copy=None):
        return self._array

    def __len__(self):
        return len(self._array)

    def __getitem__(self, place):
        return Array(self._array[place])

    def __dlpack__(self, **_):
        raise RuntimeError("Bool type is not supported by dlpack")


def effective(**options):
    return SAMPLER.sample(LOGITS, want="processed_logits", **options).processed_logits


def greedy(**options):
    return SAMPLER.sample(LOGITS, temperature=0, **options).tokens.tolist()


def test_masks_are_flags_or_bits():
    flags = np.random.default_rng(1).random((2, VOCABULARY)) < 0.5
    words = np.zeros((2, 4), np.uint32)
    for mask, token in np.argwhere(flags):
        words[mask, token // 32] |= np.uint32(1) << np.uint32(token % 32)
    which = [1, -1, 0, 1]
    expected = LOGITS.copy()
    for row, mask in enumerate(which):
        if mask >= 0:
            expected[row, ~flags[mask]] = -np.inf
    for masks in (flags, words, words.view(np.int32), np.hstack([words, words])):
        assert (effective(masks=masks, mask_of_row=which) == expected).all()
    assert (effective(masks=flags[0]) == np.where(flags[0], LOGITS, -np.inf)).all()
    assert (effective(masks=flags[[0, 1, 0, 1]]) == np.where(flags[[0, 1, 0, 1]], LOGITS, -np.inf)).all()
    for options in (dict(masks=flags[:, 1:]), dict(masks=words[:, 1:]), dict(masks=words.astype(float)),
                    dict(mask_of_row=which), dict(masks=flags, mask_of_row=[0]),
                    dict(masks=flags, mask_of_row=[0, 0, 0, 2]), dict(masks=flags)):
        caught((ValueError, TypeError), effective, **options)


def test_biases_are_dicts_pairs_or_ragged():
    expected = LOGITS.copy()
    expected[0, 5] += np.float32(1.5)
    expected[2, 7], expected[2, 9] = -np.inf, expected[2, 9] - 2
    forms = ([{5: 1.5}, None, {7: -np.inf, 9: -2}, {}], [[(5, 1.5)], [], [(7, -np.inf), (9, -2)], []],
             Ragged(np.array([(5, 1.5), (7, -np.inf), (9, -2)], BIAS), [1, 1, 3, 3]))
    for biases in forms:
        assert (effective(biases=biases) == expected).all()
    assert (effective(biases={3: 1})[:, 3] == LOGITS[:, 3] + 1).all()
    error = caught(tombola.InvalidArgument, effective, biases=[{}, {}, {5: np.nan}, {}])
    assert (error.argument, error.row) == ("biases", 2) and "nan" in error.message
    for biases in ([{}], Ragged(np.zeros(1, np.int32), [1, 1, 1, 1]), Ragged(np.zeros(1, BIAS), [1, 1, 1, 2]),
                   Ragged(np.zeros(3, BIAS), [2, 1, 3, 3])):
        caught((ValueError, TypeError), effective, biases=biases)


def test_biases_may_be_arrays_or_any_mapping_of_whole_tokens():
    array = np.array([(5, 1.5), (7, -2)], BIAS)
    expected = effective(biases={5: 1.5, 7: -2})
    for biases in ([array] * ROWS, MappingProxyType({5: 1.5, 7: -2}), {np.int64(5): np.float32(1.5), 7: -2}):
        assert (effective(biases=biases) == expected).all()
    for biases in ({5.7: 1}, {2**32 + 5: 1}, [[(5.5, 1)]] * ROWS):
        assert "biases" in str(caught(ValueError, effective, biases=biases))


def test_arrays_of_other_packages_serve_as_lists_and_masks():
    flags = np.arange(VOCABULARY) < 3
    assert (effective(masks=Array(flags)) == effective(masks=flags)).all()
    assert greedy(end_tokens=Array(BEST), history=[[]] * ROWS, min_tokens=1) == greedy(
        end_tokens=BEST, history=[[]] * ROWS, min_tokens=1)


def test_histories_are_lists_or_ragged_or_one_for_all():
    history = [[1, 2, 2], [], [3], [int(BEST[3])]]
    expected = LOGITS.copy()
    for row, tokens in enumerate(history):
        for token in tokens:
            expected[row, token] -= np.float32(0.5)
    for form in (history, Ragged.of(history), [np.array(h, np.int64) for h in history], [[1, 2, 2], None, (3,),
                                                                                      [BEST[3]]]):
        assert np.allclose(effective(history=form, frequency_penalty=0.5), expected, atol=1e-6)
    same = effective(history=[4, 5], presence_penalty=1)
    assert np.allclose(same[:, 4:6], LOGITS[:, 4:6] - 1) and (same[:, 6:] == LOGITS[:, 6:]).all()
    assert (effective(history=[4, 5], prompt_lengths=2, presence_penalty=1) == LOGITS).all()
    error = caught(tombola.InvalidArgument, effective, history=history, prompt_lengths=[0, 1, 0, 0])
    assert (error.argument, error.row) == ("prompt_lengths", 1)
    error = caught(tombola.InvalidArgument, effective, presence_penalty=[0, 0, 1, 0])
    assert (error.argument, error.row) == ("presence_penalty", 2)
    for options in (dict(history=[[1]]), dict(history=[[0.5]] * ROWS), dict(prompt_lengths=0),
                    dict(history=[[VOCABULARY]] * ROWS, presence_penalty=1), dict(history=[[2**40]] * ROWS)):
        caught((ValueError, TypeError), effective, **options)


def test_end_tokens_forced_tokens_words_and_thinking_rule():
    ends = [[int(b)] for b in BEST]
    assert all(t != b for t, b in zip(greedy(end_tokens=ends, history=[[]] * ROWS, min_tokens=1), BEST))
    assert greedy(end_tokens=ends, history=[[1]] * ROWS, min_tokens=1) == BEST.tolist()
    assert greedy(forced=[8, 9], history=[[1]] * ROWS) == [9] * ROWS
    assert greedy(forced=[[8], [], [7], []], history=[[]] * ROWS) == [8, BEST[1], 7, BEST[3]]
    words = [[[1, int(BEST[0])]], [], [[int(BEST[2])]], [[2, int(BEST[3])]]]
    found = greedy(banned_words=words, history=[[1]] * ROWS)
    assert found[0] != BEST[0] and found[1] == BEST[1] and found[2] != BEST[2] and found[3] == BEST[3]
    for_all = effective(banned_words=[[5], [1, 6]], history=[[1]] * ROWS)
    assert (for_all[:, 5:7] == -np.inf).all() and (np.delete(for_all, [5, 6], 1) > -np.inf).all()
    assert greedy(thinking=([1], [2, 3]), history=[[1, 4, 4], [4, 4, 4], [1, 4, 2], [1, 2, 3]],
                  thinking_budget=2) == [2, BEST[1], 3, BEST[3]]


def test_what_is_no_list_is_refused_by_its_name():
    for options, words in ((dict(end_tokens=5), "end_tokens is 5, no list"), (dict(history=np.int64(5)), "history is "),
                           (dict(banned_words=5), "banned_words is 5"),
                           (dict(banned_words=[5, 6]), "banned_words[0] is 5, no list"),
                           (dict(biases=5), "biases is 5, no list"), (dict(breakers=7), "breakers is 7, no list")):
        assert words in str(caught(TypeError, effective, **options))
    for prompts in (3, effective):
        assert "prompts is " in str(caught(TypeError, SAMPLER.generate, effective, prompts, max_tokens=1))


def test_breakers_end_what_dry_sees():
    history = [[7, 8, 9, 7, 8]] * ROWS
    assert (effective(history=history, dry_multiplier=1)[:, 9] < LOGITS[:, 9]).all()
    assert (effective(history=history, dry_multiplier=1, breakers=[[8]]) == LOGITS).all()
    mixed = effective(history=history, dry_multiplier=1, breakers=[[[8]], [], None, [[3]]])
    assert (mixed[0] == LOGITS[0]).all() and (mixed[1:, 9] < LOGITS[1:, 9]).all()


def test_ragged_lists_have_rows():
    ragged = Ragged.of([[5, 6], [], [7]])
    assert [ragged.row(r).tolist() for r in range(3)] == [[5, 6], [], [7]]
    assert "lists[1]" in str(caught(TypeError, Ragged.of, [[1], [0.5]]))
