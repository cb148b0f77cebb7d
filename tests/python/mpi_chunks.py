"""What test_mpi.py runs on several ranks: work in chunks, by whoever is free."""
import os
import sys
import tempfile
import time
import traceback
import warnings

import toy
from helping import caught
from mpi4py import MPI

import tombola
import tombola.mpi
from tombola.mpi import hands
from tombola.mpi.launch import from_first, on_first

WORLD = MPI.COMM_WORLD
RANK, SIZE = WORLD.Get_rank(), WORLD.Get_size()
PROMPTS = [[i, 3, i % 7] for i in range(23)]
OPTIONS = dict(max_tokens=[i % 5 + 1 for i in range(23)], temperature=1, end_tokens=[7], want="logprobs")


def told(generation):
    return (toy.listed(generation.tokens), generation.finish, toy.listed(generation.logprobs),
            generation.params.array.tobytes())


def chunks_are_each_given_once_and_to_whoever_is_free():
    own = []
    for rows in tombola.mpi.chunks(WORLD, 50, 4):
        own.append(rows)
        time.sleep(0.1 if RANK == 0 else 0.005)   # the slow one gets fewer
    every = WORLD.allgather(own)
    assert sorted(i for ranges in every for rows in ranges for i in rows) == list(range(50)), every
    assert len(every[0]) < sum(map(len, every[1:])), every


def chunks_of_a_rank_that_leaves_go_to_others():
    own = []
    try:
        for rows in tombola.mpi.chunks(WORLD, 12, 2):
            if RANK == SIZE - 1:
                raise OSError("the disk")
            own.append(rows)
            time.sleep(0.01)
    except OSError:
        assert not own
    every = WORLD.allgather(own)
    assert sorted(i for ranges in every for rows in ranges for i in rows) == list(range(12)), every


def generations_are_those_of_one_process():
    for options, chunk in ((OPTIONS, None), (OPTIONS, 5), (dict(max_tokens=3, seed=9), 1)):
        right = toy.SAMPLER.generate(toy.model, PROMPTS, **options)
        got = tombola.mpi.generate(WORLD, toy.SAMPLER, toy.model, PROMPTS, chunk=chunk, **options)
        assert toy.listed(got.tokens) == toy.listed(right.tokens) and got.finish == right.finish
        assert got.params.array.tobytes() == right.params.array.tobytes()
        further = tombola.mpi.generate(WORLD, toy.SAMPLER, toy.model, got, chunk=4, max_tokens=2)
        right = toy.SAMPLER.generate(toy.model, right, max_tokens=2)
        assert toy.listed(further.tokens) == toy.listed(right.tokens) and further.finish == right.finish
    assert told(tombola.mpi.generate(WORLD, toy.SAMPLER, toy.model, PROMPTS, **OPTIONS)) == told(
        toy.SAMPLER.generate(toy.model, PROMPTS, **OPTIONS))


def a_chunk_that_fails_goes_to_another_rank():
    mark = os.path.join(tempfile.gettempdir(), f"tombola_mpi_chunks_{WORLD.bcast(os.getpid())}")

    def model(step):
        if RANK == SIZE - 1:
            open(mark, "w").close()
            raise OSError("this device is broken")
        while not os.path.exists(mark):
            time.sleep(0.002)
        return toy.model(step)

    with warnings.catch_warnings(record=True) as caught_warnings:
        warnings.simplefilter("always")
        got = tombola.mpi.generate(WORLD, toy.SAMPLER, model, PROMPTS, chunk=4, **OPTIONS)
    assert told(got) == told(toy.SAMPLER.generate(toy.model, PROMPTS, **OPTIONS))
    if RANK == SIZE - 1:
        os.remove(mark)
        assert "this device is broken" in str(caught_warnings[0].message), caught_warnings


def what_fails_on_two_ranks_ends_the_job():
    def model(step):
        if 9 in step.sequences:
            raise OSError(f"no logits on {RANK}")
        return toy.model(step)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        error = caught(Exception, tombola.mpi.generate, WORLD, toy.SAMPLER, model, PROMPTS, chunk=4, **OPTIONS)
    kinds = WORLD.allgather(type(error).__name__)
    assert kinds.count("OSError") == 2 and set(kinds) <= {"OSError", "JobFailed"}, kinds
    assert type(error) is OSError or "prompts 8 to 11 failed on rank" in str(error) and "no logits on" in str(error)


def what_rank_0_cannot_take_ends_the_job():
    def full(piece, rank, result):
        if piece == 5:
            raise OSError("no space left")

    def work():
        own = hands.Hands(WORLD, range(1000), given=full)
        for piece in own:
            own.give(piece)

    error = caught(Exception, work)
    if RANK == 0:
        assert type(error) is OSError, error
    else:
        assert str(error) == "rank 0 has failed: OSError: no space left", error


def what_is_wrong_everywhere_is_not_tried_again():
    error = caught(tombola.TombolaError, tombola.mpi.generate, WORLD, toy.SAMPLER, toy.model, PROMPTS, chunk=23,
                   max_tokens=2, top_p=2)
    kinds = WORLD.allgather(type(error).__name__)
    assert kinds.count("InvalidArgument") == 1 and kinds.count("JobFailed") == SIZE - 1, kinds
    assert "top_p is 2, not from 0 to 1" in str(error), error


def what_is_wrong_with_the_arguments_of_one_rank_is_told_to_all():
    with tempfile.TemporaryDirectory() as folder:
        for rank in (0, SIZE - 1):
            def or_else(right, wrong):
                return wrong if RANK == rank else right

            def generate(prompts=PROMPTS, **options):
                tombola.mpi.generate(WORLD, toy.SAMPLER, toy.model, prompts, **{**OPTIONS, **options})

            def write(**options):
                tombola.mpi.write(WORLD, os.path.join(folder, "x"), 9, lambda rows: ["x"], **options)

            for words, call in (
                    ("TypeError: prompts[0] has type", lambda: generate(or_else(PROMPTS, [["x"]]))),
                    ("InvalidArgument: chunk is 0", lambda: generate(chunk=or_else(4, 0))),
                    ("TypeError", lambda: generate(**or_else({}, {"top_q": 1}))),
                    ("InvalidArgument: chunk is 0", lambda: list(tombola.mpi.chunks(WORLD, 9, or_else(1, 0)))),
                    ("InvalidArgument: chunk is 0", lambda: write(chunk=or_else(2, 0))),
                    ("TypeError", lambda: write(chunk=2, job=or_else({}, 7)))):
                error = caught(Exception, call)
                if RANK == rank:
                    assert f"{type(error).__name__}: {error}".startswith(words), error
                else:
                    assert type(error) is tombola.mpi.JobFailed, error
                    assert str(error).startswith(f"rank {rank} has failed: {words}"), error


def a_rank_that_is_interrupted_leaves_its_work_to_the_others():
    for kind in (KeyboardInterrupt, SystemExit):
        for rank in (0, SIZE - 1):
            interrupted = []

            def or_interrupted(made):
                if RANK == rank and not interrupted:
                    interrupted.append(True)
                    raise kind
                time.sleep(.01)   # so that each rank gets some
                return made

            def raised(call):
                try:
                    return call()
                except kind as error:
                    assert RANK == rank and interrupted, (error, RANK)

            with tempfile.TemporaryDirectory() as folder:
                path = WORLD.bcast(os.path.join(folder, "x"))
                raised(lambda: tombola.mpi.write(WORLD, path, 30, lambda rows: or_interrupted([str(i) for i in rows]),
                                                 chunk=1, quiet=True))
                WORLD.Barrier()
                with open(path) as file:
                    assert file.read().split() == [str(i) for i in range(30)]
                WORLD.Barrier()
            was_interrupted = WORLD.allreduce(len(interrupted))
            interrupted.clear()
            made = raised(lambda: tombola.mpi.generate(WORLD, toy.SAMPLER, lambda step: or_interrupted(toy.model(step)),
                                                       PROMPTS, **{**OPTIONS, "chunk": 1}))
            assert made is None or told(made) == told(tombola.mpi.generate(
                None, toy.SAMPLER, toy.model, PROMPTS, **{**OPTIONS, "chunk": 1}))
            assert was_interrupted == 1 and WORLD.allreduce(len(interrupted)) == 1


def ranks_that_disagree_are_told_so():
    with tempfile.TemporaryDirectory() as folder:
        last = RANK == SIZE - 1
        for others, count, chunk in (("8 THINGS in chunks of 4", 9 - last, 4),
                                     ("9 THINGS in chunks of 3", 9, 4 - last)):
            for things, call in (
                    ("rows", lambda: list(tombola.mpi.chunks(WORLD, count, chunk))),
                    ("prompts", lambda: tombola.mpi.generate(WORLD, toy.SAMPLER, toy.model, PROMPTS[:count],
                                                             **{**OPTIONS, "max_tokens": 1, "chunk": chunk})),
                    ("prompts", lambda: tombola.mpi.write(WORLD, os.path.join(folder, "x"), count, lambda rows: ["x"],
                                                          chunk=chunk))):
                error = caught(tombola.mpi.JobFailed, call)
                assert str(error) == (f"ranks disagree: rank {SIZE - 1} has {others}, rank 0 9 THINGS in chunks of 4"
                                      .replace("THINGS", things)), error
        error = caught(tombola.mpi.JobFailed, tombola.mpi.write, WORLD, os.path.join(folder, "x"), 9, lambda rows: ["x"],
                       chunk=4, job={"--model": "a", "--seed": 7 + last})
        assert str(error) == f"ranks disagree: rank {SIZE - 1} has --seed 8, rank 0 --seed 7", error


def what_rank_0_alone_finds_wrong_is_told_to_all():
    assert from_first(WORLD, lambda: {"rank": RANK}) == {"rank": 0}
    assert on_first(WORLD, lambda: "own") == ("own" if RANK == 0 else None)
    error = caught(Exception, on_first, WORLD, lambda: open("/nowhere/x"))
    assert "No such file" in str(error) and type(error) is (FileNotFoundError if RANK == 0 else tombola.mpi.JobFailed)


def rank_0_hands_out_alone_where_threads_may_not_share():
    before = MPI.Query_thread
    for level in (MPI.THREAD_FUNNELED, MPI.THREAD_SERIALIZED):
        MPI.Query_thread = lambda level=level: level
        own = list(tombola.mpi.chunks(WORLD, 10, 2))
        MPI.Query_thread = before
        every_chunk_went_to_others_than_rank_0(own)
    every_chunk_went_to_others_than_rank_0([range(i, i + 1) for i in hands.Hands(WORLD, range(10), works=RANK != 0)])


def every_chunk_went_to_others_than_rank_0(own):
    every = WORLD.allgather(own)
    assert sorted(i for ranges in every for rows in ranges for i in rows) == list(range(10)), every
    assert not every[0]


def main():
    chunks_are_each_given_once_and_to_whoever_is_free()
    generations_are_those_of_one_process()
    what_rank_0_cannot_take_ends_the_job()
    chunks_of_a_rank_that_leaves_go_to_others()
    a_chunk_that_fails_goes_to_another_rank()
    what_fails_on_two_ranks_ends_the_job()
    what_is_wrong_everywhere_is_not_tried_again()
    what_is_wrong_with_the_arguments_of_one_rank_is_told_to_all()
    a_rank_that_is_interrupted_leaves_its_work_to_the_others()
    ranks_that_disagree_are_told_so()
    what_rank_0_alone_finds_wrong_is_told_to_all()
    rank_0_hands_out_alone_where_threads_may_not_share()
    assert list(tombola.mpi.chunks(MPI.COMM_SELF, 5, 4)) == [range(0, 4), range(4, 5)]
    chunks_are_each_given_once_and_to_whoever_is_free()
    WORLD.Barrier()
    if RANK == 0:
        print("all ranks are right")


if __name__ == "__main__":
    try:
        main()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        WORLD.Abort(1)
