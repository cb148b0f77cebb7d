#!/usr/bin/env python3
"""Runs the tests of files, or of all beside it, where there is no pytest: each function whose name begins with test_.

    PYTHONPATH=src/python TOMBOLA_LIBRARY=build/libtombola.so python3 tests/python/run.py [FILE...]
"""
import importlib
import os
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))


def main(files):
    sys.path.insert(0, HERE)
    failed = 0
    for file in files or sorted(f for f in os.listdir(HERE) if f.startswith("test_") and f.endswith(".py")):
        module = importlib.import_module(os.path.basename(file)[:-len(".py")])
        for name, test in vars(module).items():
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
