"""Several ranks write the file that one process writes, and nothing complete is lost where one dies."""
import os
import tempfile

from helping import TESTS
from test_mpi import mpirun
from test_write import text_of

NEEDS = "mpi4py"

PROGRAM = os.path.join(TESTS, "python", "mpi_job.py")
JOB = "50", "4"


def test_ranks_write_what_one_process_writes_also_where_one_was_killed():
    with tempfile.TemporaryDirectory() as folder:
        whole, killed = os.path.join(folder, "whole"), os.path.join(folder, "killed")
        ended = mpirun(2, PROGRAM, whole, *JOB, "fail=1:8")
        assert ended.returncode == 0, ended.stderr
        assert "job: rank 1 on" in ended.stderr and "this device is broken; it does no more, and others" in ended.stderr
        ended = mpirun(3, PROGRAM, killed, *JOB, "die=0:12")   # the one that writes
        assert ended.returncode != 0 and not os.path.exists(killed)
        ended = mpirun(2, PROGRAM, killed, *JOB, "resume", "die=1:24")
        assert "were not complete when the last run ended: they were with rank 0 on" in ended.stderr, ended.stderr
        assert ended.returncode != 0 and "which has died (process" in ended.stderr, ended.stderr
        assert "50 prompts are complete; --resume goes on with the others" in ended.stderr, ended.stderr
        ended = mpirun(2, PROGRAM, killed, *JOB, "resume")
        assert ended.returncode == 0 and text_of(killed) == text_of(whole), ended.stderr
        assert text_of(whole).count("\n") == 50 and sorted(os.listdir(folder)) == ["killed", "whole", "whole.gone"]
