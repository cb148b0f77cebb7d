#!/usr/bin/env python3
"""Runs the tests of files, or of all beside it, where there is no pytest: each function whose name begins with test_.

    PYTHONPATH=src/python TOMBOLA_LIBRARY=build/libtombola.so python3 tests/python/run.py [--list | FILE...]

A file whose tests need more than numpy says so in a line `NEEDS = "torch", "transformers"`, the names of modules. It is
run, and --list names it, only where this Python has them and numpy.
"""
import ast
import importlib
import importlib.util
import os
import re
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))


def needs(file):
    """The modules that a file's tests need: numpy, and those of its line NEEDS, which is read without importing it."""
    with open(os.path.join(HERE, file), encoding="utf-8") as text:
        line = re.search(r"^NEEDS = (.*)$", text.read(), re.M)
    value = ast.literal_eval(line.group(1)) if line else ()
    return ("numpy", *((value,) if isinstance(value, str) else value))


def test_files():
    """The files of tests for which this Python has what they need; and those for which it has not."""
    files = sorted(f for f in os.listdir(HERE) if f.startswith("test_") and f.endswith(".py"))
    here = [f for f in files if all(importlib.util.find_spec(name) for name in needs(f))]
    return here, sorted(set(files) - set(here))


def run(file):
    """How many tests of a file passed, and how many failed."""
    counts = [0, 0]
    module = importlib.import_module(os.path.basename(file)[:-len(".py")])
    for name, test in list(vars(module).items()):   # warnings are noted in modules meanwhile
        if not name.startswith("test_") or not callable(test):
            continue
        try:
            test()
            print("ok     ", file, name, flush=True)
            counts[0] += 1
        except Exception:
            print("FAILED ", file, name, flush=True)
            traceback.print_exc()
            counts[1] += 1
    return counts


def main(arguments):
    sys.path.insert(0, HERE)
    files, lacking = test_files()
    if arguments == ["--list"]:
        print("\n".join(files))
        return 0
    counts = [run(file) for file in arguments or files]
    passed, failed = map(sum, zip(*counts))
    if not arguments and lacking:
        print("not run, as what they need is not installed:", " ".join(lacking))
    print(f"{passed} tests passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
