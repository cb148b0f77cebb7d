"""Results are what numpy makes of the same rows, and agree among themselves."""
import numpy as np
from helping import CONTEXT, caught, logits_of

import tombola

VOCABULARY, ROWS = 1000, 6
LOGITS = logits_of(ROWS, VOCABULARY)
SAMPLER = tombola.Sampler(VOCABULARY, 8, device=CONTEXT)
DRAW = dict(temperature=np.linspace(0.5, 1.5, ROWS), top_k=[0, 1, 5, 50, 999, 300], seed=np.arange(ROWS))


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def test_softmax_and_top_k_are_numpys():
    T = np.linspace(0.3, 2, ROWS)
    exact = softmax(LOGITS.astype(float) / T[:, None].astype(np.float32).astype(float))
    assert np.allclose(SAMPLER.softmax(LOGITS, temperature=T), exact, rtol=3e-6, atol=1e-9)
    tokens, logits, probabilities = SAMPLER.top_k(LOGITS, 10, temperature=T)
    best = np.argsort(-LOGITS, axis=1, kind="stable")[:, :10]
    assert (tokens == best).all() and (logits == np.take_along_axis(LOGITS, best, 1)).all()
    assert np.allclose(probabilities, np.take_along_axis(exact, best, 1), rtol=3e-6)


def test_every_column_can_be_asked_for_at_once_and_they_agree():
    want = tuple(tombola.COLUMNS)
    results = SAMPLER.sample(LOGITS, want=want, candidates=3, score_tokens=[[1, 2]] * ROWS, **DRAW)
    assert (results.status == tombola.OK).all()
    rows = np.arange(ROWS)
    kept = [results.kept_of(r) for r in rows]
    assert [len(k) for k in kept] == results.kept.tolist()
    assert results.kept.tolist() == [VOCABULARY, 1, 5, 50, 999, 300]
    for r in rows:
        assert results.tokens[r] in kept[r]
        assert (np.flatnonzero(results.processed_logits[r] > -np.inf) == kept[r]).all()
        assert results.boundary["logit"][r] == LOGITS[r][kept[r]].min()
    assert np.allclose(np.log(results.kept_probabilities[rows, results.tokens]), results.logprobs, atol=1e-5)
    assert np.allclose(np.log(softmax(LOGITS.astype(float))[rows, results.tokens]), results.raw_logprobs, atol=1e-4)
    assert (results.ranks == 1 + (LOGITS > LOGITS[rows, results.tokens][:, None]).sum(axis=1)).all()
    assert np.allclose(np.exp(results.log_probabilities), results.probabilities, rtol=1e-4, atol=1e-9)
    assert results.observed.tobytes() == results.logprobs.tobytes()
    assert results.margins[1] == np.inf and results.entropies[1] == 0
    assert results.candidate_raw_logprobs.shape == (ROWS, 3)
    assert results.scores_of(2, "raw_scores").shape == (2,)


def test_scores_are_the_log_probabilities_of_the_tokens_drawn():
    results = SAMPLER.sample(LOGITS, want="tokens logprobs", **DRAW)
    scores = SAMPLER.score(LOGITS, [[t] for t in results.tokens], **DRAW)
    assert scores.values.tobytes() == results.logprobs.tobytes()
    ragged = SAMPLER.score(LOGITS, tombola.Ragged.of([[1], [], [2, 3], [], [], [4]]))
    assert [len(ragged.row(r)) for r in range(ROWS)] == [1, 0, 2, 0, 0, 1]


def test_samples_are_draws_of_the_next_streams():
    many = SAMPLER.sample(LOGITS, want="tokens ranks", samples=4, **DRAW)
    assert many.tokens.shape == many.ranks.shape == (ROWS, 4)
    for j in range(4):
        assert many.tokens[:, j].tolist() == SAMPLER.sample(LOGITS, stream=j, **DRAW).tokens.tolist()


def test_kept_tokens_get_the_room_they_need_unless_told_otherwise():
    assert len(SAMPLER.sample(LOGITS, want="kept_tokens").kept_tokens) == ROWS * VOCABULARY
    some = SAMPLER.sample(LOGITS, want="kept_tokens", kept_capacity=10)
    assert some.kept_tokens.tolist() == list(range(10)) and some.kept_ends[-1] == ROWS * VOCABULARY


def test_a_token_is_the_same_alone_and_in_any_batch():
    whole = SAMPLER.sample(LOGITS, **DRAW).tokens
    for row in range(ROWS):
        one = {name: value[row] for name, value in DRAW.items()}
        assert SAMPLER.sample(LOGITS[row], **one).tokens[0] == whole[row]
    turned = {name: np.asarray(value)[::-1] for name, value in DRAW.items()}
    assert (SAMPLER.sample(LOGITS[::-1].copy(), **turned).tokens == whole[::-1]).all()


def test_params_serve_as_the_columns_do():
    params = tombola.Params(ROWS, **DRAW)
    whole = SAMPLER.sample(LOGITS, **DRAW).tokens.tolist()
    assert SAMPLER.sample(LOGITS, params).tokens.tolist() == whole
    assert SAMPLER.sample(LOGITS, params.array).tokens.tolist() == whole
    assert SAMPLER.sample(LOGITS, params, temperature=0).tokens.tolist() == LOGITS.argmax(axis=1).tolist()
    assert SAMPLER.sample(LOGITS, tombola.Params(1, temperature=0)).tokens.tolist() == LOGITS.argmax(axis=1).tolist()
    assert SAMPLER.sample(LOGITS, params).tokens.tolist() == whole
    caught(ValueError, SAMPLER.sample, LOGITS, params[:2])
    caught(TypeError, SAMPLER.sample, LOGITS, [1, 2])


def test_what_was_not_asked_for_is_told():
    results = SAMPLER.sample(LOGITS)
    assert "want" in str(caught(AttributeError, getattr, results, "logprobs"))
    assert "no column" in str(caught(AttributeError, getattr, results, "nothing"))
    assert "nothing" in str(caught(ValueError, SAMPLER.sample, LOGITS, want="nothing"))
    assert "tokens" in dir(results) and "tokens" in repr(results)
    bad = LOGITS.copy()
    bad[1, 7], bad[2] = np.nan, -np.inf
    assert SAMPLER.sample(bad).status[:3].tolist() == [tombola.OK, tombola.INVALID, tombola.EMPTY]
    assert SAMPLER.sample(bad).tokens[1:3].tolist() == [-1, -1]
