"""Tombola on the ranks of MPI, with communicators of mpi4py's: `pip install tombola[mpi]`.

shard        a rank's columns of rows that all ranks draw from together
allgather    what brings messages of shards to all ranks
generate     Sampler.generate by all ranks, which take chunks of the prompts as they become free
chunks       the same for work of your own
"""
from .job import chunks, generate
from .hands import JobFailed
from .ranks import allgather, shard

__all__ = ["JobFailed", "allgather", "chunks", "generate", "shard"]
