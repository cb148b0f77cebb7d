"""Tombola on the ranks of MPI, with communicators of mpi4py's: `pip install tombola[mpi]`.

shard        a rank's columns of rows that all ranks draw from together
allgather    what brings messages of shards to all ranks
generate     Sampler.generate by all ranks, which take chunks of the prompts as they become free
write        one file of lines by all ranks, which a later run goes on with where one was killed
chunks       work of your own by ranks as they become free
world        the communicator of all ranks, None where no launcher has started several: all of these take that
device       the device for a rank, where a machine has several GPUs
"""
from .job import chunks, generate
from .hands import JobFailed
from .launch import device, world
from .lines import write
from .ranks import allgather, shard

__all__ = ["JobFailed", "allgather", "chunks", "device", "generate", "shard", "world", "write"]
