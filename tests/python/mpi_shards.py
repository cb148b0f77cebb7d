"""What test_mpi.py runs on three ranks: shards of two and of three of them beside one device."""
import sys
import traceback

import shard_mix
from helping import CONTEXT, caught
from mpi4py import MPI

import tombola
import tombola.mpi

WORLD = MPI.COMM_WORLD
VOCABULARY, ROWS = shard_mix.VOCABULARY, shard_mix.ROWS
SAMPLER = tombola.Sampler(VOCABULARY, ROWS, device=CONTEXT)


def told_by_all(comm, kind, call, *arguments, **options):
    """The error of that kind which a call raises on all ranks, in the same words."""
    error = caught(kind, call, *arguments, **options)
    words = comm.allgather((str(error), getattr(error, "argument", None), getattr(error, "row", None)))
    assert len(set(words)) == 1, words
    return error


def shard_of_last(comm):
    return tombola.Shard.cut(VOCABULARY, comm.Get_size(), comm.Get_size() - 1)[0]


def draw(comm):
    rank, last = comm.Get_rank(), comm.Get_size() - 1
    whose = f"the shard of columns {shard_of_last(comm)} to {VOCABULARY}: " if last else ""
    with tombola.mpi.shard(comm, VOCABULARY, ROWS, device=CONTEXT) as shard:
        assert shard.columns == shard.cut(VOCABULARY, comm.Get_size(), rank)

        def sample(seed, **changes):
            logits, options = shard_mix.batch(seed)
            options.update(changes)
            return shard.sample(logits[:, slice(*shard.columns)], **options)

        def right(seed):
            logits, options = shard_mix.batch(seed)
            shard_mix.same(sample(seed), SAMPLER.sample(logits, **options))

        for seed in range(4):
            right(seed)
        error = told_by_all(comm, tombola.InvalidArgument, sample, 5, **{"top_p": 2} if rank == last else {})
        assert str(error).startswith(f"{whose}params[0].top_p is 2") and error.argument == "top_p", error
        right(6)
        if last:
            told_by_all(comm, tombola.InvalidArgument, sample, 5, samples=1 + (rank == last))
        right(7)
    cuts = [0, 256, 256, VOCABULARY]
    with tombola.mpi.shard(comm, VOCABULARY, ROWS, (cuts[rank], cuts[rank + 1]) if last == 2 else None,
                           device=CONTEXT) as shard:
        right(8)
    error = told_by_all(comm, tombola.NoDevice, tombola.mpi.shard, comm, VOCABULARY, ROWS,
                        device="no such device" if rank == last else CONTEXT)
    assert str(error).startswith(whose) and "no such device" in str(error), error


def main():
    pair = WORLD.Split(0 if WORLD.Get_rank() < 2 else MPI.UNDEFINED)
    for comm in (pair, WORLD, MPI.COMM_SELF):
        if comm != MPI.COMM_NULL:
            draw(comm)
    WORLD.Barrier()
    if WORLD.Get_rank() == 0:
        print("all ranks are right")


if __name__ == "__main__":
    try:
        main()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        WORLD.Abort(1)
