"""`python -m tombola`: the command, which is a program of its own, but for `generate`, which runs a language model."""
import os
import shutil
import sys


def command():
    """The path of the command: what $TOMBOLA_COMMAND names, else the package's own, else the first on $PATH."""
    own = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tombola")
    return os.environ.get("TOMBOLA_COMMAND") or (own if os.path.exists(own) else shutil.which("tombola"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["generate"]:
        from .smollm import command as generate

        sys.exit(generate.main(sys.argv[2:]))
    path = command()
    if path is None:
        sys.exit("the command tombola is not installed: build it with CMake (README.md), and put it on the PATH or "
                 "name it in TOMBOLA_COMMAND")
    os.execv(path, ["tombola", *sys.argv[1:]])
