"""Tests of what goes with an optional package are left out where that is missing."""
from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("torch") and find_spec("transformers") else [
    "test_torch*.py", "test_transformers*.py"]
