"""Generation with a model of Python's equals a loop of sample calls, and goes on."""
import numpy as np
from helping import CONTEXT, caught
from toy import COUNT, PROMPTS, ROWS, SAMPLER, TABLE, VOCABULARY, listed, model, row_of

import tombola
import tombola.mpi


def by_hand(prompt, length, params, end_tokens=(), **options):
    """What a loop of sample calls draws behind one prompt, and its log-probabilities."""
    drawn, logprobs = [], []
    for step in range(length):
        found = SAMPLER.sample(row_of(prompt + drawn), params, history=[prompt + drawn], prompt_lengths=[len(prompt)],
                               end_tokens=[end_tokens], want="tokens logprobs observed", **options)
        params.offset += 1
        params.observe(found.observed)
        drawn.append(int(found.tokens[0]))
        logprobs.append(found.logprobs[0])
        if drawn[-1] in end_tokens:
            break
    return drawn, logprobs


COLUMNS = {"temperature": [0.7, 1, 1.2, 0, 0.9, 1.5], "top_p": 0.95, "repetition_penalty": 1.1, "seed": 3,
           "stream": np.arange(COUNT), "mirostat": [2, 0, 0, 0, 2, 1], "adaptive_target": [-1, 0.3, -1, -1, -1, -1],
           "min_tokens": 2, "no_repeat_ngram": 2}


def test_generate_draws_what_a_loop_of_sample_calls_draws():
    ends = [[3, 4], [], [9], [10, 11, 12], [], [200]]
    params = tombola.Params(COUNT, **COLUMNS)
    found = SAMPLER.generate(model, PROMPTS, params, max_tokens=[30, 25, 20, 15, 10, 5], end_tokens=ends,
                             want="logprobs")
    for i, (prompt, limit) in enumerate(zip(PROMPTS, (30, 25, 20, 15, 10, 5))):
        own = params[i].copy()
        drawn, logprobs = by_hand(prompt, limit, own, ends[i])
        assert found.tokens[i].tolist() == drawn and found.logprobs[i].tolist() == logprobs, i
        assert found.finish[i] == ("end token" if drawn[-1] in ends[i] else "limit")
        assert found.params[i].array.tobytes() == own.array.tobytes()
        assert found.prompts[i].tolist() == prompt
    assert found.raw_logprobs is None and len(found) == COUNT and len({len(t) for t in found.tokens}) > 2
    assert (params.offset == 0).all()   # the caller's own stay


def test_a_sequence_draws_alone_what_it_draws_in_a_batch():
    whole = SAMPLER.generate(model, PROMPTS, max_tokens=12, temperature=1.1, want="raw_logprobs")
    assert len(set(map(tuple, listed(whole.tokens)))) == COUNT
    for i, prompt in enumerate(PROMPTS):
        alone = SAMPLER.generate(model, [prompt], max_tokens=12, temperature=1.1, stream=i, want=["raw_logprobs"])
        assert alone.tokens[0].tolist() == whole.tokens[i].tolist()
        assert alone.raw_logprobs[0].tobytes() == whole.raw_logprobs[i].tobytes()


def test_a_generation_goes_on_as_one_call_would():
    rules = dict(end_tokens=[3, 44], stop=[[[5, 6]], [], [], [[10, 11]], [], []],
                 forced=[[], [8, 9, 10], [], [], [], []], biases={17: 1.5}, banned_words=[[20], [30, 31]],
                 forced_from=4, want=("logprobs", "raw_logprobs"))
    whole = SAMPLER.generate(model, PROMPTS, max_tokens=40, **COLUMNS, **rules)
    first = SAMPLER.generate(model, PROMPTS, max_tokens=7, **COLUMNS, **rules)
    kept = listed(first.tokens)
    for _ in range(2):   # the first one stays as it is
        parts = SAMPLER.generate(model, SAMPLER.generate(model, first, max_tokens=12), max_tokens=21)
        assert listed(parts.tokens) == listed(whole.tokens) and parts.finish == whole.finish
        assert listed(parts.logprobs) == listed(whole.logprobs)
        assert listed(parts.raw_logprobs) == listed(whole.raw_logprobs)
        assert parts.params.array.tobytes() == whole.params.array.tobytes()
    assert listed(first.tokens) == kept and whole.tokens[1][4:7].tolist() == [8, 9, 10]
    done = SAMPLER.generate(model, PROMPTS, max_tokens=1, end_tokens=range(VOCABULARY))
    assert set(done.finish) == {"end token"} and SAMPLER.generate(None, done, max_tokens=5) is done
    for options in (dict(temperature=1), dict(end_tokens=[1]), dict(params=tombola.Params(1))):
        assert "goes on by its own" in str(caught(TypeError, SAMPLER.generate, model, first, max_tokens=1, **options))


def test_the_model_is_told_who_begins_and_ends_and_which_rows_are_theirs():
    seen, rows, live = {}, {}, set()

    def cached(step):
        for sequence in step.ended:
            live.remove(sequence)
            del rows[sequence]
        live.update(step.began)
        assert step.sequences == sorted(live) and len(step) == len(live) <= ROWS
        assert len(set(step.cache_rows)) == len(step) and max(step.cache_rows) < ROWS
        for sequence, row, new, all_of_it in zip(step.sequences, step.cache_rows, step.new_tokens, step.tokens):
            assert rows.setdefault(sequence, row) == row
            seen[sequence] = seen.get(sequence, []) + new.tolist()
            assert seen[sequence] == all_of_it.tolist()
        if all(len(tokens) for tokens in step.tokens):
            assert step.last_tokens.tolist() == [tokens[-1] for tokens in step.tokens]
        assert caught(ValueError, step.tokens[0].fill, 0)
        return model(step)

    found = SAMPLER.generate(cached, PROMPTS, max_tokens=[3, 9, 4, 2, 6, 7])
    assert listed(found.tokens) == listed(SAMPLER.generate(model, PROMPTS, max_tokens=[3, 9, 4, 2, 6, 7]).tokens)


def test_a_step_may_be_constrained_and_what_all_go_by_holds_else():
    def constrained(step):
        if len(step.tokens[0]) == 4:
            step.constrain(masks=np.isin(np.arange(VOCABULARY), [50 + step.sequences[0], 99]), biases={99: -np.inf})
        return model(step)

    found = SAMPLER.generate(constrained, [[1, 2, 3], [3, 2, 1]], max_tokens=3, biases={60: 50})
    assert listed(found.tokens) == [[60, 50, 60], [60, 50, 60]]
    masks = np.zeros((2, VOCABULARY), bool)
    masks[0, 4] = masks[1, 5] = True

    def masked(step):
        step.constrain(masks=masks, mask_of_row=[1, 0], banned_words=[[], [[1]]])
        return model(step)

    assert listed(SAMPLER.generate(masked, [[1], [1]], max_tokens=2).tokens) == [[5, 5], [4, 4]]
    budget = SAMPLER.generate(model, [[1, 100]], max_tokens=5, thinking=([100], [101, 102]), thinking_budget=2)
    assert budget.tokens[0][2:4].tolist() == [101, 102]


def test_sequences_stop_behind_stop_sequences_and_as_on_token_says():
    free = SAMPLER.generate(model, PROMPTS, max_tokens=20)
    heard = []

    def on_token(sequence, token):
        heard.append((sequence, token))
        return sequence == 2 and sum(s == 2 for s, _ in heard) == 3

    stop = [[free.tokens[i][5:7].tolist(), [VOCABULARY - 1] * 4] if i in (0, 5) else [] for i in range(COUNT)]
    found = SAMPLER.generate(model, PROMPTS, max_tokens=20, stop=stop, on_token=on_token)
    for i in range(COUNT):
        length = {0: 7, 5: 7, 2: 3}.get(i, 20)
        assert found.tokens[i].tolist() == free.tokens[i][:length].tolist()
        assert found.finish[i] == ("limit" if length == 20 else "stopped")
        assert [token for sequence, token in heard if sequence == i] == found.tokens[i].tolist()
    assert heard[:5] == [(i, found.tokens[i][0]) for i in range(4)] + [(0, found.tokens[0][1])]
    at_limit = SAMPLER.generate(model, PROMPTS[:1], max_tokens=7, stop=stop[:1])
    assert at_limit.finish == ["stopped"]
    prompt_and_first = [[PROMPTS[0][-1], int(free.tokens[0][0])]]
    assert SAMPLER.generate(model, PROMPTS[:1], max_tokens=5, stop=[prompt_and_first]).finish == ["limit"]
    assert "empty" in str(caught(ValueError, SAMPLER.generate, model, [[1]], max_tokens=1, stop=[[[]]]))


def test_sixteen_bit_logits_may_come_from_the_model():
    halves = TABLE.astype(np.float16)
    with tombola.Sampler(VOCABULARY, 2, np.float16, CONTEXT) as sampler:
        found = sampler.generate(lambda step: halves[[t[-1] for t in step.tokens]], [[1], [2]], max_tokens=6)
    same = SAMPLER.generate(lambda step: halves[[t[-1] for t in step.tokens]].astype(np.float32), [[1], [2]],
                            max_tokens=6)
    assert listed(found.tokens) == listed(same.tokens)


def test_a_chunk_of_sequences_copies_the_parameters_of_no_others():
    prompts, copied, copy = [[1, i % 7] for i in range(64)], [], tombola.Params.copy
    tombola.Params.copy = lambda params: copied.append(len(params)) or copy(params)
    try:
        found = tombola.mpi.generate(None, SAMPLER, model, prompts, chunk=4, max_tokens=3, seed=5)
    finally:
        tombola.Params.copy = copy
    right = SAMPLER.generate(model, prompts, max_tokens=3, seed=5)
    assert listed(found.tokens) == listed(right.tokens) and (found.params.array == right.params.array).all()
    assert sum(copied) <= 2 * len(prompts)
