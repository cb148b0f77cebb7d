"""`python -m tombola`: the command, which is a program of its own, but for `generate`, which runs a language model."""
from __future__ import annotations

import os
import shutil
import sys

from ._library import own_file


def command() -> str | None:
    """The path of the command: what $TOMBOLA_COMMAND names, else the package's own, else the first on $PATH."""
    return os.environ.get("TOMBOLA_COMMAND") or own_file("tombola") or shutil.which("tombola")


if __name__ == "__main__":
    if sys.argv[1:2] == ["generate"]:
        from .mpi.launch import shared_cores
        from .smollm import command as generate

        cores = shared_cores()
        if cores:   # which numpy has to know before it is loaded
            os.environ.update(cores)
            os.execv(sys.executable, getattr(sys, "orig_argv", [sys.executable, "-m", "tombola", *sys.argv[1:]]))
        sys.exit(generate.main(sys.argv[2:]))
    path = command()
    if path is None:
        sys.exit("the command tombola is not installed: the package brings it along if libjansson-dev and libcsv-dev "
                 "are there when pip builds it; or build it with CMake (README.md), and put it on the PATH or name it "
                 "in TOMBOLA_COMMAND")
    if sys.argv[1:] in (["--help"], ["-?"]):
        print("Besides what follows there is `generate', by which a language model writes:\n"
              "`python -m tombola generate --help' tells more about it.\n", flush=True)
    os.execv(path, ["tombola", *sys.argv[1:]])
