"""What test_mpi_write.py and test_write.py run: a job that writes a file of lines, as a command does.

usage: mpi_job.py FILE COUNT CHUNK [resume] [die=RANK:CHUNK] [fail=RANK] [wait=SECONDS] [other]
"""
import json
import os
import signal
import sys
import time

import tombola
import tombola.mpi


def main(path, count, chunk, *options):
    named = dict(option.partition("=")[::2] for option in options)
    comm = tombola.mpi.world()
    rank = comm.Get_rank() if comm else 0
    dies, at = map(int, named.get("die", "-1:0").split(":"))

    def work(prompts):
        time.sleep(float(named.get("wait", 0)))
        if rank == dies and prompts.start >= at:
            os.kill(os.getpid(), signal.SIGKILL)
        if "fail" in named and rank == int(named["fail"]):
            raise OSError("this device is broken")
        return [json.dumps({"prompt": i, "output": [i * i] * (i % 5)}) for i in prompts], 5

    try:
        tombola.mpi.write(comm, path, int(count), work, chunk=int(chunk), job={"other": "other" in named},
                          resume="resume" in named, prefix="job: ")
    except (tombola.TombolaError, ValueError, OSError) as error:
        if rank == 0:
            print(f"job: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
