"""Ranks of MPI draw together, and hand out work among them."""
import doctest
import os
import subprocess
import sys

from helping import TESTS

from tombola.mpi import job, launch, lines, ranks

NEEDS = "mpi4py"


def mpirun(count, *command, **environment):
    """What becomes of a Python command on so many ranks; 1: without MPI. None in the environment: it lacks that."""
    launcher = [os.path.join(TESTS, "mpirun.sh"), str(count)] if count > 1 else []
    environment = {**os.environ, "POCL_MAX_PTHREAD_COUNT": "1", **environment}
    return subprocess.run([*launcher, sys.executable, "-B", *command], text=True, capture_output=True, timeout=120,
                          env={name: value for name, value in environment.items() if value is not None})


def test_examples_in_docstrings_hold():
    for module in (job, launch, lines, ranks):
        found = doctest.testmod(module)
        assert found.attempted and not found.failed, module.__name__


def test_shards_of_two_and_of_three_ranks_draw_what_one_device_draws_and_fail_together():
    ended = mpirun(3, os.path.join(TESTS, "python", "mpi_shards.py"))
    assert ended.returncode == 0 and "all ranks are right" in ended.stdout, ended.stdout + ended.stderr


def test_chunks_are_worked_off_by_whoever_is_free():
    ended = mpirun(3, os.path.join(TESTS, "python", "mpi_chunks.py"))
    assert ended.returncode == 0 and "all ranks are right" in ended.stdout, ended.stdout + ended.stderr
