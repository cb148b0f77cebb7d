"""A file of lines is written chunk by chunk, and gone on with where a run has ended before its time."""
import contextlib
import dataclasses
import errno
import fcntl
import io
import json
import os
import resource
import subprocess
import sys
import tempfile

import numpy as np
from helping import TESTS, caught

import tombola
import tombola.mpi
from tombola.mpi import launch
from tombola.mpi.journal import Extent
from tombola.mpi.ledger import Ledger
from tombola.mpi.part import Part
from tombola.mpi.progress import Progress

COUNT, CHUNK = 40, 3
RIGHT = "".join(f"line {i} {'x' * (i % 7)}\n" for i in range(COUNT))


def lines(things):
    return [f"line {i} {'x' * (i % 7)}" for i in things], len(things)


def until(last, error=OSError("the model is gone")):
    """Work that fails from a thing on."""
    def work(things):
        if things.start >= last:
            raise error
        return lines(things)

    return work


def write(path, work=lines, chunk=CHUNK, **options):
    """What is said while a job is done."""
    with contextlib.redirect_stderr(io.StringIO()) as said:
        tombola.mpi.write(None, path, COUNT, work, chunk=chunk, prefix="job: ", **options)
    return said.getvalue()


def text_of(path):
    with open(path) as file:
        return file.read()


def failing(path, work, kind=OSError, **options):
    with contextlib.redirect_stderr(io.StringIO()) as said:
        error = caught(kind, tombola.mpi.write, None, path, COUNT, work, chunk=CHUNK, **options)
    return str(error), said.getvalue()


def in_folder(test):
    def run():
        with tempfile.TemporaryDirectory() as folder:
            test(os.path.join(folder, "out.jsonl"))

    return run


@in_folder
def test_the_file_is_the_same_for_every_work_and_nothing_else_is_left(path):
    for _ in range(2):   # what is there is replaced
        assert write(path) == "" and text_of(path) == RIGHT
        os.chmod(path, 0o640)
    assert os.stat(path).st_mode & 0o777 == 0o640
    link = path + ".link"
    os.symlink(path, link)
    assert write(link, lambda things: lines(things)[0], chunk=100) == "" and text_of(path) == RIGHT
    assert os.path.islink(link) and sorted(os.listdir(os.path.dirname(path))) == ["out.jsonl", "out.jsonl.link"]


@in_folder
def test_what_is_complete_is_kept_where_work_fails_and_gone_on_with(path):
    told, said = failing(path, until(18))
    assert told == "the model is gone" and said == "18 of 40 prompts are complete; --resume goes on with the others\n"
    assert text_of(path + ".part") == RIGHT[:RIGHT.index("line 18")] and not os.path.exists(path)
    assert "give --resume to go on" in failing(path, lines, ValueError)[0]
    begun = []

    def work(things):
        begun.append(things.start)
        return lines(things)

    said = write(path, work, resume=True)
    assert said == "job: prompts 18 to 20 were not complete when the last run ended: they were with rank 0 on " \
        f"{launch.names_of(None)[0][0]}\n"
    assert text_of(path) == RIGHT and begun == list(range(18, COUNT, CHUNK))
    assert os.listdir(os.path.dirname(path)) == ["out.jsonl"]


@in_folder
def test_a_job_that_has_done_nothing_leaves_nothing_and_resume_begins_where_there_is_nothing(path):
    assert failing(path, until(0)) == ("the model is gone", "")
    assert os.listdir(os.path.dirname(path)) == []
    assert write(path, resume=True) == "" and text_of(path) == RIGHT


@in_folder
def test_a_job_of_other_parameters_is_not_gone_on_with(path):
    failing(path, until(18), job={"--seed": 7, "--model": "a"})
    for options, told in ((dict(job={"--seed": 8, "--model": "a"}), "--resume: --seed was 7 for the run that began"),
                          (dict(job={"--seed": 7}, chunk=4), "--chunk was 3 for"), ({}, None),
                          (dict(job={"--seed": 7, "--model": "a", "new": 1}), "new was not there for")):
        if told:
            with contextlib.redirect_stderr(io.StringIO()):
                error = caught(ValueError, write, path, resume=True, **options)
            assert told in str(error) and "say the same again, or remove that file" in str(error)
    journal = path + ".part.jsonl"
    text = text_of(journal)
    for other, told in ((text.replace('"the contract":2', '"the contract":1'), "the contract was 1"),
                        (text.replace('journal":1', 'journal":9'), "of another version"),
                        ("nonsense\n", "is no journal of this command's")):
        with open(journal, "w") as file:
            file.write(other)
        assert told in failing(path, lines, ValueError, resume=True)[0], told
    with open(journal, "w") as file:
        file.write(text)
    with open(path + ".part", "r+") as file:
        file.truncate(10)
    assert "is shorter than" in failing(path, lines, ValueError, resume=True, job={"--seed": 7, "--model": "a"})[0]


@in_folder
def test_half_a_line_counts_as_none_and_what_was_not_synced_only_while_the_machine_has_run_on(path):
    for tail in '{"done":[18,3,1', "\0" * 20 + '\n{"done":[18,3,0,9]}\n':
        failing(path, until(18))
        with open(path + ".part.jsonl", "a") as file:
            file.write(tail)
        with open(path + ".part", "a") as file:
            file.write("half of what" * 1000)
        write(path, resume=True)
        assert text_of(path) == RIGHT
    failing(path, until(18))
    text = text_of(path + ".part.jsonl")
    told = [json.loads(line) for line in text.splitlines()]
    lines_before = text.splitlines(keepends=True)
    synced = [i for i, line in enumerate(told) if "done" in line][2] + 1
    with open(path + ".part.jsonl", "w") as file:   # by a machine that was started since
        file.write("".join(lines_before[:synced] + ['{"synced":true}\n'] + lines_before[synced:])
                   .replace(told[1]["run"], "another"))
    begun = []

    def work(things):
        begun.append(things.start)
        return until(12)(things) if len(begun) == 2 else lines(things)

    failing(path, work, resume=True)
    write(path, work, resume=True)
    assert begun == [9, 12, *range(12, COUNT, CHUNK)] and text_of(path) == RIGHT


@in_folder
def test_a_full_disk_keeps_what_is_complete(path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))   # it is as one that has no room for larger files
    try:
        told, said = failing(path, lambda things: [line * 4 for line in lines(things)[0]])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "cannot write" in told and "File too large" in told and "complete; --resume goes on" in said, (told, said)
    write(path, lambda things: [line * 4 for line in lines(things)[0]], resume=True)
    assert text_of(path) == "".join(line * 4 + "\n" for line in RIGHT.splitlines())


@in_folder
def test_a_part_is_left_whole_where_its_lines_can_not_be_put_in_order(path):
    part, extents = Part(path), [Extent(0, 1, 6, 6), Extent(1, 1, 0, 6)]
    part.open([])
    assert [part.put(text) for text in (b"second", b"first ")] == [0, 6]
    for limit, amount, told in ((resource.RLIMIT_NOFILE, 0, "Too many open files"),
                                (resource.RLIMIT_FSIZE, 1, "File too large")):
        soft, hard = resource.getrlimit(limit)
        resource.setrlimit(limit, (amount, hard))
        try:
            error = caught(OSError, part.complete, extents)
        finally:
            resource.setrlimit(limit, (soft, hard))
        assert (error.strerror, error.filename) == (f"cannot write: {told}", path + ".part.sorted")
        assert os.listdir(os.path.dirname(path)) == ["out.jsonl.part"]
    part.complete(extents)
    part.close()
    assert text_of(path) == "first second" and os.listdir(os.path.dirname(path)) == ["out.jsonl"]


@in_folder
def test_a_file_that_only_lacks_its_name_gets_it_without_further_work(path):
    def work(things):
        if things.stop == COUNT:
            os.mkdir(path)   # in the file's place
        return lines(things)

    for has_its_name in (False, True):
        assert failing(path, work)[1].startswith("40 of 40 prompts are complete")
        os.rmdir(path)
        if has_its_name:   # and what tells of the part was left
            os.rename(path + ".part", path)
        assert write(path, until(0), resume=True) == "" and text_of(path) == RIGHT
        assert os.listdir(os.path.dirname(path)) == ["out.jsonl"]
        os.unlink(path)


@in_folder
def test_what_did_not_reach_the_disk_is_taken_back(path):
    def broken(names):
        """The file, and what is told where files with these ends can't be brought to the disk."""
        def fdatasync(file):
            if os.readlink(f"/proc/self/fd/{file}").endswith(names):
                raise OSError(errno.EIO, "it is broken")
            before(file)

        before, os.fdatasync = os.fdatasync, fdatasync
        try:
            return failing(path, lines, resume=True)
        finally:
            os.fdatasync = before

    for names in (".part", ".jsonl"):
        told, said = broken(names)
        assert "cannot write: it is broken" in told and said == "", (told, said)
        assert os.listdir(os.path.dirname(path)) == []
        failing(path, until(18))
        with open(path + ".part.jsonl", "a") as file:
            file.write('{"synced":true}\n')
        before = text_of(path + ".part.jsonl")
        assert "18 of 40 prompts are complete; --resume goes on" in broken(names)[1]
        assert text_of(path + ".part.jsonl") == before
        with open(path + ".part", "r+") as file:   # as it may be then
            file.truncate(RIGHT.index("line 18"))
        write(path, resume=True)
        assert text_of(path) == RIGHT
        os.remove(path)


@in_folder
def test_two_runs_are_not_at_one_file_and_only_files_are_written(path):
    def work(things):
        if things.start == 9:
            assert "another run is at it" in failing(path, lines, ValueError, resume=True)[0]
        return lines(things)

    write(path, work)
    assert text_of(path) == RIGHT
    assert "is no file, but a device" in failing("/dev/full", lines, ValueError)[0]
    caught(FileNotFoundError, write, path + ".folder/x")
    caught(ValueError, write, path, chunk=0)


@in_folder
def test_a_journal_that_another_run_removes_before_it_is_locked_is_made_anew(path):
    def flock(file, operation):
        fcntl.flock = before
        os.remove(path + ".part.jsonl")
        before(file, operation)

    def work(things):
        if things.start == 9:
            assert "another run is at it" in failing(path, lines, ValueError, resume=True)[0]
        return lines(things)

    before, fcntl.flock = fcntl.flock, flock
    assert write(path, work) == "" and text_of(path) == RIGHT and fcntl.flock is before


def test_a_process_that_is_killed_has_lost_no_chunk_that_was_complete():
    program = [sys.executable, "-B", os.path.join(TESTS, "python", "mpi_job.py")]
    with tempfile.TemporaryDirectory() as folder:
        killed, whole = os.path.join(folder, "killed"), os.path.join(folder, "whole")
        assert subprocess.run([*program, whole, "30", "4"]).returncode == 0
        assert subprocess.run([*program, killed, "30", "4", "die=0:16"]).returncode == -9
        assert text_of(killed + ".part").count("\n") == 16
        ended = subprocess.run([*program, killed, "30", "4", "resume"], capture_output=True, text=True)
        assert ended.returncode == 0 and "prompts 16 to 19 were not complete" in ended.stderr, ended
        assert text_of(killed) == text_of(whole)


# ---------------------------------------------------------------------- parts


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_told_in_a_line_renewed_on_a_terminal_and_elsewhere_a_line_a_minute():
    progress = Progress(1024, 100, ("prompts", "tokens"), None)
    assert progress.describe(356, 5000, 8.0) == \
        "356 of 1024 prompts (34%), 32 prompts/s, 625 tokens/s, 0:21 left"
    assert progress.describe(110, 5, 8.0) == "110 of 1024 prompts (10%), 1.25 prompts/s, 0.62 tokens/s, 12:11 left"
    assert progress.describe(101, 0, 8.0) == "101 of 1024 prompts (9%), 0.12 prompts/s, 2:03:04 left"
    assert progress.describe(100, 0, 8.0) == "100 of 1024 prompts (9%)"
    for stream, seconds, written in ((Terminal(), 0.9, ""), (Terminal(), 1.1, "\r5 of 10 rows"),
                                     (io.StringIO(), 50, ""), (io.StringIO(), 61, "job: 5 of 10 rows")):
        progress = Progress(10, 0, ("rows", "tokens"), stream, "job: ")
        progress._began = progress._told = progress._began - seconds
        progress.tell(5, 0)
        progress.tell(6, 0)   # too soon
        assert stream.getvalue().startswith(written) and bool(stream.getvalue()) == bool(written)
        progress.say("something else")
        assert stream.getvalue().endswith(("\r\x1b[K" if "\r" in written else "") + "job: something else\n")


def test_a_ledger_hands_out_each_piece_once_whatever_ranks_do():
    for seed in range(200):
        random = np.random.default_rng(seed)
        ranks, pieces = int(random.integers(1, 5)), int(random.integers(0, 12))
        ledger, done, busy, here = Ledger(range(pieces), ranks), [], {}, set(range(ranks))
        events = [(rank, None) for rank in here]
        told = set()
        while events or busy:
            if events and (not busy or random.random() < 0.5):
                rank, _ = events.pop(int(random.integers(len(events))))
                answers = ledger.ask(rank)
            else:
                rank = int(random.choice(list(busy)))
                piece = busy.pop(rank)
                if len(here) > 1 and random.random() < 0.2:
                    here.remove(rank)
                    waits = bool(random.integers(2))
                    answers = ledger.leave(rank, "it broke" if seed % 2 == 0 and waits else None, waits)
                    told |= set() if waits else {rank}
                else:
                    done.append(piece)
                    answers = ledger.ask(rank)
            for other, piece in answers:
                assert other not in busy and other not in told
                if piece is None:
                    told.add(other)
                else:
                    assert other in here
                    busy[other] = piece
        assert told == set(range(ranks)) and ledger.is_over, seed
        assert ledger.fault is not None or sorted(done) == list(range(pieces)), seed
        assert len(set(done)) == len(done)
        assert seed % 2 == 0 or ledger.fault is None


def test_launchers_are_known_by_what_they_leave_in_the_environment():
    before = dict(os.environ)
    try:
        for told, count, rank in (({}, 1, 0), ({"OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "3"}, 4, 3),
                                  ({"PMI_SIZE": "2", "PMI_RANK": "1"}, 2, 1), ({"SLURM_PROCID": "1"}, 1, 0),
                                  ({"SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "3"}, 3, 1),
                                  ({"SLURM_STEP_NUM_TASKS": "3"}, 1, 0)):
            os.environ.clear()
            os.environ.update(told)
            assert (launch.launched(), launch.launched_rank()) == (count, rank), told
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_ranks_of_a_machine_share_its_cores_unless_somebody_has_seen_to_that():
    before = dict(os.environ), os.cpu_count, os.sched_getaffinity
    os.cpu_count = lambda: 8
    try:
        for told, bound, share in (({}, 8, None),
                                   ({"OMPI_COMM_WORLD_SIZE": "6", "OMPI_COMM_WORLD_LOCAL_SIZE": "3"}, 8, "2"),
                                   ({"PMI_SIZE": "20"}, 8, "1"), ({"PMI_SIZE": "2"}, 4, None),
                                   ({"PMI_SIZE": "2", "OMP_NUM_THREADS": "3"}, 8, None)):
            os.environ.clear()
            os.environ.update(told)
            os.sched_getaffinity = lambda process, bound=bound: set(range(bound))
            shares = launch.shared_cores()
            assert set(shares.values()) == {share} - {None}, told
            os.environ.update(shares)
            assert launch.shared_cores() == {}, told
    finally:
        os.environ.clear()
        os.environ.update(before[0])
        os.cpu_count, os.sched_getaffinity = before[1:]


def test_ranks_take_turns_at_the_gpus_of_their_machine():
    class Comm:
        def __init__(self, rank):
            self.Get_rank = lambda: rank

        def allgather(self, own):
            return [("a", 1), ("b", 1), ("a", 2), ("a", 3), ("b", 2)]

    one = tombola.devices()[0]
    before = launch.devices
    try:
        for kinds, right in (("gpu cpu gpu", [0, 0, 2, 0, 2]), ("cpu gpu", [None] * 5), ("cpu", [None] * 5)):
            launch.devices = lambda: [dataclasses.replace(one, index=i, type=kind)
                                      for i, kind in enumerate(kinds.split())]
            assert [launch.device(Comm(rank)) for rank in range(5)] == right
    finally:
        launch.devices = before


def test_words_of_failures_that_several_ranks_have():
    ledger = Ledger(range(3), 2, "piece {}".format)
    for rank in range(2):
        ledger.ask(rank)
    assert ledger.leave(1, "no luck", True) == []
    assert ledger.ask(0) == [(0, 1)] and ledger.fault is None   # the piece that failed, before the others
    assert ledger.leave(0, "none here either", True) == [(1, None), (0, None)]
    assert ledger.fault == "piece 1 failed on rank 0: none here either" and ledger.is_over
