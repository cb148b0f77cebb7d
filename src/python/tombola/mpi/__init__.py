"""Tombola on the ranks of MPI, by mpi4py, which `pip install tombola[mpi]` brings: it compiles for the MPI at hand."""
from .ranks import allgather, shard

__all__ = ["allgather", "shard"]
