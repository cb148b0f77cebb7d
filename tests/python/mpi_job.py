"""What test_mpi_write.py and test_write.py run: a job that writes a file of lines, as a command does.

usage: mpi_job.py FILE COUNT CHUNK [resume] [die=RANK:PROMPT] [fail=RANK:PROMPT] [other]

From that prompt on the rank dies by SIGKILL, or its work raises, and the others wait until it has left FILE.gone.
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
    comm, mark = tombola.mpi.world(), path + ".gone"
    rank = comm.Get_rank() if comm else 0
    gone, at = map(int, named.get("die", named.get("fail", "-1:0")).split(":"))
    if rank == 0 and os.path.exists(mark):
        os.remove(mark)

    def work(prompts):
        if gone >= 0 and prompts.start >= at:
            if rank == gone:
                open(mark, "w").close()
                if "die" in named:
                    os.kill(os.getpid(), signal.SIGKILL)
                raise OSError("this device is broken")
            until = time.monotonic() + 30
            while not os.path.exists(mark) and time.monotonic() < until:
                time.sleep(0.002)
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
