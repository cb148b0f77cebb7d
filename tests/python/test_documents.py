"""What the docstrings and the README show is what comes out."""
import doctest
import os
import re

from helping import ROOT

from tombola import ragged, sampler


def test_examples_in_docstrings_hold():
    for module in (ragged, sampler):
        found = doctest.testmod(module)
        assert found.attempted and not found.failed, module.__name__


def test_the_readmes_lines_run():
    with open(os.path.join(ROOT, "README.md")) as file:
        lines = re.search(r"```python\n(.*?)```", file.read(), re.S).group(1)
    names = {}
    exec(lines, names)
    assert names["results"].tokens.shape == (64,) and (names["results"].logprobs <= 0).all()
