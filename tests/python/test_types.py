"""The package's types, strictly: in itself, for a program that is right, and for the mistakes of one that is not."""
import glob
import os
import re
import subprocess
import sys
import tempfile
from importlib.metadata import version

import typed_program

import tombola

NEEDS = "mypy"

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.dirname(os.path.abspath(tombola.__file__))


def complaints(*files):
    """(file's name, line, code) of each complaint of mypy's, and all that it says."""
    flags = ["--strict", "--follow-imports=silent", "--hide-error-context", "--no-error-summary", "--show-error-codes"]
    # Keywords by Unpack, and an ignored complaint that others do not make: both are standard by now.
    if tuple(map(int, version("mypy").split(".")[:2])) < (1, 7):
        flags += ["--enable-incomplete-feature=Unpack", "--no-warn-unused-ignores"]
    with tempfile.TemporaryDirectory() as folder:
        environment = {"MYPY_CACHE_DIR": folder, **os.environ, "MYPYPATH": os.path.dirname(PACKAGE)}
        found = subprocess.run([sys.executable, "-m", "mypy", *flags, *files], text=True, capture_output=True,
                               env=environment)
    assert found.returncode in (0, 1), found.stderr
    told = re.findall(r"^(.*?):(\d+): error: .*\[([\w-]+)\]$", found.stdout, re.M)
    return [(os.path.basename(file), int(line), code) for file, line, code in told], found.stdout


def test_the_package_and_a_program_are_right_and_mistakes_are_found():
    own = [file for pattern in ("*.py", "*.pyi", "mpi/*.py", "smollm/*.py")
           for file in glob.glob(os.path.join(PACKAGE, pattern))]
    mistakes = os.path.join(HERE, "typed_mistakes.py")
    found, told = complaints(*own, os.path.join(HERE, "typed_program.py"), mistakes)
    with open(mistakes) as file:
        marked = [(number, re.search(r"   # ([\w-]+)$", line)) for number, line in enumerate(file, 1)]
    expected = [("typed_mistakes.py", number, mark.group(1)) for number, mark in marked if mark]
    assert len(expected) > 10 and sorted(set(found)) == sorted(expected), told


def test_the_program_runs():
    assert all(value is not None for value in typed_program.main())


def test_the_package_says_that_it_has_types():
    assert os.path.exists(os.path.join(PACKAGE, "py.typed"))
