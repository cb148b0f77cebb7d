#!/usr/bin/env python3
"""Runs the tests of files, or of all beside it, where there is no pytest: each function whose name begins with test_.

    PYTHONPATH=src/python TOMBOLA_LIBRARY=build/libtombola.so python3 tests/python/run.py [FILE...]
"""
import importlib
import os
import sys
import traceback
from fnmatch import fnmatch

HERE = os.path.dirname(os.path.abspath(__file__))


def all_files():
    """The names of all files of tests, but for those that need a package that is missing."""
    left_out = importlib.import_module("conftest").collect_ignore_glob
    return [file for file in os.listdir(HERE) if fnmatch(file, "test_*.py")
            and not any(fnmatch(file, pattern) for pattern in left_out)]


def main(files):
    sys.path.insert(0, HERE)
    failed = 0
    for file in files or sorted(all_files()):
        module = importlib.import_module(os.path.basename(file)[:-len(".py")])
        for name, test in list(vars(module).items()):   # warnings are noted in modules meanwhile
            if not name.startswith("test_") or not callable(test):
                continue
            try:
                test()
                print("ok     ", file, name, flush=True)
            except Exception:
                failed += 1
                print("FAILED ", file, name, flush=True)
                traceback.print_exc()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
