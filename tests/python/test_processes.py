"""Processes that fork, before and after OpenCL was used, and multiprocessing."""
import multiprocessing
import os
import subprocess
import sys
import threading
import time

import numpy as np
from helping import CONTEXT, caught, logits_of

import tombola

VOCABULARY, ROWS = 2000, 8
LOGITS = logits_of(ROWS, VOCABULARY)


def drawn(seed):
    with tombola.Sampler(VOCABULARY, ROWS) as sampler:
        return sampler.sample(LOGITS, seed=seed).tokens.tolist()


def in_a_fork(work):
    """Whether a forked child has come to the end of `work` within a minute."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    for _ in range(600):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.1)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return False


def test_a_forked_child_gets_a_clear_exception_from_every_call_and_ends():
    sampler = tombola.Sampler(VOCABULARY, ROWS)
    expected = sampler.sample(LOGITS).tokens.tolist()
    batch, queued = sampler.submit(LOGITS), sampler.submit(LOGITS)

    def work():
        for call in (lambda: sampler.sample(LOGITS), lambda: sampler.submit(LOGITS), batch.result, queued.done,
                     lambda: sampler.generate(lambda step: LOGITS, [[1]], max_tokens=1), tombola.Context,
                     lambda: tombola.Sampler(VOCABULARY, 1, device=CONTEXT), tombola.devices):
            error = caught(tombola.Forked, call)
            assert "forked from process" in error.message
        assert tombola.watermark_detect(1, 2, [3, 4, 5], 100).scored == 3   # needs no device
        sampler.close()

    assert in_a_fork(work)
    assert batch.result().tokens.tolist() == queued.result().tokens.tolist() == expected
    assert sampler.sample(LOGITS).tokens.tolist() == expected
    sampler.close()


def test_a_fork_while_another_thread_draws_is_told_the_same():
    logits = np.zeros((64, 50000), np.float32)
    with tombola.Sampler(50000, 64, device=CONTEXT) as sampler:
        goes_on = [True]

        def draw():
            while goes_on[0]:
                sampler.sample(logits)

        thread = threading.Thread(target=draw)
        thread.start()
        try:
            for _ in range(5):
                assert in_a_fork(lambda: caught(tombola.Forked, sampler.sample, logits))
        finally:
            goes_on[0] = False
            thread.join()


def test_spawned_processes_draw_the_same():
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(drawn, range(4)) == [drawn(seed) for seed in range(4)]


def test_processes_forked_before_opencl_is_used_draw_the_same():
    script = ("import multiprocessing, sys\nimport numpy as np, tombola\n"
              "logits = np.arange(6000, dtype=np.float32).reshape(3, 2000) % 7\n"
              "def drawn(seed):\n"
              "    with tombola.Sampler(2000, 3) as sampler:\n"
              "        return sampler.sample(logits, seed=seed).tokens.tolist()\n"
              "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
              "    of_children = pool.map(drawn, range(4))\n"
              "assert of_children == [drawn(seed) for seed in range(4)]\n")
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
