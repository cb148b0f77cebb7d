"""Shards in one process draw what a Sampler draws of the whole row, and fail together."""
import threading

import numpy as np
import shard_mix
from helping import CONTEXT, caught, logits_of

import tombola
from tombola._messages import HEAD, Exchange
from tombola._structs import SHARD_HEAD

VOCABULARY, ROWS = shard_mix.VOCABULARY, shard_mix.ROWS
SAMPLER = tombola.Sampler(VOCABULARY, ROWS, device=CONTEXT)
CUTS = ([0, VOCABULARY], [0, 256, VOCABULARY], [0, 0, 1024, 1024, 1280, VOCABULARY])
GROUPS = [[tombola.Shard(VOCABULARY, ROWS, columns, device=CONTEXT) for columns in zip(cuts, cuts[1:])]
          for cuts in CUTS]
SHARDS = GROUPS[-1]
LOGITS = logits_of(ROWS, VOCABULARY)


def part(shard, logits):
    return logits[:, slice(*shard.columns)]


def drawn(shards, logits, random, **options):
    """What comes of a call whose messages go round in one process, in another order for each shard."""
    for shard in shards:
        shard.begin(part(shard, logits), **options)
    done = [False]
    while not done[0]:
        messages = [shard.partial() for shard in shards]
        done = []
        for shard in shards:
            random.shuffle(messages)
            done.append(shard.merge([bytes(message) for message in messages]))
    assert len(set(done)) == 1
    return [shard.results for shard in shards]


def test_mixed_batches_are_drawn_as_one_device_draws_them():
    random = np.random.default_rng(1)
    for seed in range(12):
        logits, options = shard_mix.batch(seed)
        right = SAMPLER.sample(logits, **options)
        assert (right.status == tombola.OK).sum() > ROWS / 2
        for results in drawn(GROUPS[seed % len(GROUPS)], logits, random, **options):
            shard_mix.same(results, right)


def test_greedy_rows_take_one_round_of_48_bytes_each_and_others_as_the_header_has_it():
    random = np.random.default_rng(2)
    for options, rounds, size in ((dict(temperature=0), 1, 48), ({}, 1, 48), (dict(top_k=50), 2, None),
                                  (dict(top_p=0.5, temperature=0.3), 2, None)):
        drawn(SHARDS, LOGITS, random, **options)
        told = SHARDS[2].last_call
        assert told["rounds"] == rounds and told["bytes"] <= rounds * told["most"], (options, told)
        assert size is None or told["bytes"] == HEAD + ROWS * size, (options, told)


def test_types_inputs_and_rows_by_index_are_as_a_samplers():
    halves = LOGITS.astype(np.float16)
    for dtype, rows in (("float16", halves), ("bfloat16", (LOGITS.view(np.uint32) >> 16).astype(np.uint16))):
        with tombola.Sampler(VOCABULARY, ROWS, dtype, CONTEXT) as sampler:
            right = sampler.sample(rows, indices=[3, 1, 3], seed=[1, 2, 3]).tokens.tolist()
        shards = [tombola.Shard(VOCABULARY, ROWS, columns, dtype, CONTEXT) for columns in ((0, 512), (512, VOCABULARY))]
        results = drawn(shards, rows, np.random.default_rng(3), indices=[3, 1, 3], seed=[1, 2, 3])
        assert [r.tokens.tolist() for r in results] == [right] * 2
    out = [np.empty(ROWS, np.int32) for _ in SHARDS]
    for shard, array in zip(SHARDS, out):
        shard.begin(part(shard, LOGITS), temperature=0, out={"tokens": array}, want=())
    messages = np.stack([shard.partial() for shard in SHARDS])
    assert all([shard.merge(messages) for shard in SHARDS])
    assert all((array == LOGITS.argmax(axis=1)).all() for array in out)


def test_columns_are_cut_evenly():
    for vocabulary, shards in ((1, 1), (1000, 3), (128256, 8), (300, 5), (2**23, 7)):
        cuts = [tombola.Shard.cut(vocabulary, shards, index) for index in range(shards)]
        assert cuts[0][0] == 0 and cuts[-1][1] == vocabulary
        assert all(last == first for (_, last), (first, _) in zip(cuts, cuts[1:]))
        sizes = [-(-(last - first) // 256) for first, last in cuts]
        assert max(sizes) - min(sizes) <= 1 and all(first % 256 == 0 or first == vocabulary for first, _ in cuts)
    assert "there are 3 shards" in str(caught(ValueError, tombola.Shard.cut, 1000, 3, 3))


# ---------------------------------------------------------------------- sample, with threads as ranks


class Ranks:
    """Shards on a thread each, whose messages meet in an allgather of this process."""

    def __init__(self, cuts):
        self.barrier, self.parts = threading.Barrier(len(cuts) - 1), [None] * (len(cuts) - 1)
        self.bytes = []   # what a call of the first one's allgather brought
        self.shards = [tombola.Shard(VOCABULARY, ROWS, columns, device=CONTEXT, allgather=self.gather(rank))
                       for rank, columns in enumerate(zip(cuts, cuts[1:]))]

    def gather(self, rank):
        def gather(message):
            self.parts[rank] = message.copy()
            self.barrier.wait(60)
            parts = list(self.parts)
            self.barrier.wait(60)
            assert len({len(part) for part in parts}) == 1, "an allgather of equally many bytes"
            if rank == 0:
                self.bytes.append(len(message))
            return parts

        return gather

    def run(self, *works):
        """What works(shard) of each rank comes to, a result or an exception. One work: that of all."""
        results = [None] * len(self.shards)

        def run(rank):
            try:
                results[rank] = works[rank % len(works)](self.shards[rank])
            except BaseException as error:
                results[rank] = error

        threads = [threading.Thread(target=run, args=(rank,)) for rank in range(len(self.shards))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    def sample(self, logits=LOGITS, **options):
        return self.run(lambda shard: shard.sample(part(shard, logits), **options))


RANKS = Ranks([0, 512, 512, VOCABULARY])


def test_sample_draws_what_a_sampler_draws_and_soon_with_one_exchange_a_round():
    for seed in range(20, 26):
        logits, options = shard_mix.batch(seed)
        right = SAMPLER.sample(logits, **options)
        for results in RANKS.sample(logits, **options):
            shard_mix.same(results, right)
    for i in range(3):
        RANKS.bytes.clear()
        RANKS.sample(top_k=20, seed=i)
        told = RANKS.shards[0].last_call
        assert told["collectives"] == len(RANKS.bytes) and told["rounds"] == 2
    assert told["collectives"] == told["rounds"]
    for _ in range(40):
        RANKS.sample(top_k=20)
    RANKS.bytes.clear()
    RANKS.sample(top_k=20)
    assert sum(RANKS.bytes) <= 1.2 * RANKS.shards[0].last_call["bytes"], (RANKS.bytes, RANKS.shards[0].last_call)


def right_again():
    tokens = SAMPLER.sample(LOGITS, top_p=0.8, seed=5).tokens.tolist()
    assert [results.tokens.tolist() for results in RANKS.sample(top_p=0.8, seed=5)] == [tokens] * 3


def test_what_goes_wrong_with_one_is_raised_by_all_in_the_same_words_and_the_next_call_works():
    def wrong(shard, **options):
        return shard.sample(part(shard, options.pop("logits", LOGITS)), **options)

    def right(shard):
        return wrong(shard, seed=5)

    last = "the shard of columns 512 to 2000"
    for work, told, argument, row in (
            (lambda s: wrong(s, top_p=[2] + [1] * (ROWS - 1)), f"{last}: params[0].top_p is 2, not", "top_p", 0),
            (lambda s: wrong(s, top_q=1), f"{last}: there is no parameter top_q", None, None),
            (lambda s: wrong(s, logits=LOGITS.astype(float)), f"{last}: logits are float64", None, None),
            (lambda s: s.sample(LOGITS), f"{last}: logits have the shape", "logits", None),
            (lambda s: wrong(s, history=[[1]] * 3 + [None] * (ROWS - 3), frequency_penalty=1, want="nothing"),
             f"{last}: want has 'nothing'", "want", None)):
        errors = RANKS.run(right, right, work)
        assert [str(error).startswith(told) for error in errors] == [True] * 3, errors
        assert len({str(error) for error in errors}) == 1
        assert {(type(error), error.argument, error.row) for error in errors} == {(tombola.InvalidArgument, argument,
                                                                                   row)}, errors
        right_again()
    errors = RANKS.sample(top_p=2)   # with all of them, they say what a sampler says
    assert {str(error) for error in errors} == {str(caught(tombola.InvalidArgument, SAMPLER.sample, LOGITS, top_p=2))}
    assert [type(error) for error in RANKS.sample(LOGITS.astype(float))] == [TypeError] * 3
    right_again()


def test_each_shard_has_what_there_is_for_each_token_of_its_columns_and_all_have_candidates():
    want = "tokens kept_ends kept_tokens probabilities kept_probabilities processed_logits candidate_tokens " \
           "candidate_logprobs"
    options = dict(want=want, seed=5, top_p=0.8, temperature=[0.7] * (ROWS - 1) + [np.inf], candidates=9)
    right, shares = SAMPLER.sample(LOGITS, **options), RANKS.sample(**options)
    for name in ("tokens", "candidate_tokens", "candidate_logprobs"):
        assert all(share.columns[name].tobytes() == right.columns[name].tobytes() for share in shares), name
    for name in ("probabilities", "kept_probabilities", "processed_logits"):
        assert np.hstack([share.columns[name] for share in shares]).tobytes() == right.columns[name].tobytes(), name
    assert len(right.kept_of(ROWS - 1)) == 0.8 * VOCABULARY
    for row in range(ROWS):
        assert np.hstack([share.kept_of(row) for share in shares]).tolist() == right.kept_of(row).tolist(), row
    assert sum(len(share.kept_tokens) for share in shares) == len(right.kept_tokens)


def test_a_device_that_fails_between_rounds_is_told_of_in_the_next():
    for failing in ("_merge", "_partial"):
        def fail(*_):
            delattr(RANKS.shards[1], failing)
            raise tombola.DeviceFailed("clFinish gave -5")

        setattr(RANKS.shards[1], failing, fail)
        errors = RANKS.sample(top_k=20)
        assert {(type(error), str(error)) for error in errors} == {
            (tombola.DeviceFailed, "the shard of columns 512 to 512: clFinish gave -5")}, errors
        right_again()


def test_shards_that_disagree_say_so_together():
    def work(**options):
        return lambda shard: shard.sample(part(shard, options.pop("logits", LOGITS)), **options)

    for one, told in ((dict(temperature=0.5), "other parameters"), (dict(logits=LOGITS[:5]), "another number of rows"),
                      (dict(samples=3), "other samples or results"), (dict(top_k=300, seed=5), "other parameters"),
                      (dict(want="tokens logprobs"), "other samples or results")):
        errors = RANKS.run(work(seed=5), work(seed=5), work(**one))
        assert {type(error) for error in errors} == {tombola.InvalidArgument}, errors
        assert len({str(error) for error in errors}) == 1 and told in str(errors[0]), errors
        right_again()


def test_a_shard_that_is_interrupted_does_not_leave_the_others_waiting():
    class Interrupted:
        def __len__(self):
            raise KeyboardInterrupt

    def interrupted(shard):
        return shard.sample(part(shard, LOGITS), history=Interrupted(), frequency_penalty=1)

    errors = RANKS.run(interrupted, lambda shard: shard.sample(part(shard, LOGITS)))
    assert [type(error) for error in errors] == [tombola.TombolaError] * 3
    assert [type(error.__cause__) for error in errors] == [KeyboardInterrupt, type(None), KeyboardInterrupt]
    right_again()


def test_calls_out_of_turn_and_messages_that_are_none_are_refused():
    shard, other = SHARDS[3], SHARDS[4]
    assert "out of turn" in str(caught(tombola.InvalidArgument, shard.partial))
    assert "no allgather" in str(caught(TypeError, shard.sample, part(shard, LOGITS)))
    assert "no call" in str(caught(tombola.InvalidArgument, lambda: tombola.Shard(512, 1, (0, 512),
                                                                                  device=CONTEXT).results))
    for columns, told in (((0, 100), "multiple"), ((256, 4000), "4000"), ((-1, 256), "columns is -1")):
        assert told in str(caught(ValueError, tombola.Shard, VOCABULARY, 1, columns, device=CONTEXT)), columns
    caught(TypeError, tombola.Shard, VOCABULARY, 1, 256, device=CONTEXT)
    for each in SHARDS:
        each.begin(part(each, LOGITS), temperature=0.5)
    caught(tombola.Busy, shard.begin, part(shard, LOGITS))
    messages = [each.partial().copy() for each in SHARDS]
    caught(tombola.InvalidArgument, shard.partial)
    assert "less than one with a head" in str(caught(ValueError, shard.merge, []))
    assert "one of 100 bytes" in str(caught(ValueError, shard.merge, [*messages[1:], messages[0][:100]]))
    assert "but are of" in str(caught(ValueError, shard.merge, np.stack(messages)[:, :104]))
    assert "no shard has columns 0 to 1024" in str(caught(ValueError, shard.merge, messages[2:]))
    assert other.merge(np.stack(messages)[::-1])   # whose rows lie backwards
    assert (other.results.tokens == SAMPLER.sample(LOGITS, temperature=0.5).tokens).all()
    for each in SHARDS:
        each.cancel()


def test_an_allgather_that_fails_ends_the_call():
    def broken(message):
        raise OSError("no route")

    with tombola.Shard(VOCABULARY, ROWS, (0, 512), device=CONTEXT, allgather=broken) as shard:
        assert "no route" in str(caught(OSError, shard.sample, LOGITS[:, :512]))
        assert "no route" in str(caught(OSError, shard.sample, LOGITS[:, :512]))
    with tombola.Shard(VOCABULARY, ROWS, (0, 512), device=CONTEXT, allgather=lambda part: [part[:8]] * 2) as shard:
        assert "messages" in str(caught(tombola.InvalidArgument, shard.sample, LOGITS[:, :512]))
    with tombola.Shard(VOCABULARY, ROWS, (0, VOCABULARY), device=CONTEXT) as shard:
        assert (shard.sample(LOGITS, seed=3).tokens == SAMPLER.sample(LOGITS, seed=3).tokens).all()


def test_an_exchange_takes_a_second_call_only_where_sizes_grow():
    sizes = []

    def gather(message):
        sizes.append(len(message))
        return message[None]

    exchange = Exchange(gather)
    for more, calls in ((0, [HEAD]), (8, [HEAD, 8]), (8, [HEAD + 8]), (16, [HEAD + 8, 8]), (800, [HEAD + 16, 784]),
                        (400, [HEAD + 800]), (400, [HEAD + 696])):
        message = np.random.default_rng(more).integers(256, size=HEAD + more).astype(np.uint8)
        message[:HEAD].view(SHARD_HEAD)["size"], message[:HEAD].view(SHARD_HEAD)["status"] = len(message), 0
        brought, heads = exchange.bring(0, message)
        assert brought[0, :len(message)].tobytes() == message.tobytes() and heads["size"] == len(message)
        assert sizes == calls, more
        sizes.clear()
    assert exchange.bring(1, message)[0].shape == (1, HEAD + 400) and sizes == [HEAD, 400]   # another round
