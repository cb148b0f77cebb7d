"""What the docstrings and the README show is what comes out."""
import contextlib
import doctest
import io
import os
import re

from helping import ROOT

import tombola
import tombola.mpi
from tombola import batch, context, errors, generation, params, ragged, results, sampler, shard, watermark


def test_examples_in_docstrings_hold():
    for module in (tombola, batch, context, errors, generation, params, ragged, results, sampler, shard, watermark):
        found = doctest.testmod(module)
        assert found.attempted and not found.failed, module.__name__


def test_all_that_is_public_has_a_docstring():
    for module, name in [(module, name) for module in (tombola, tombola.mpi) for name in module.__all__]:
        thing = getattr(module, name)
        if not callable(thing):
            continue
        assert thing.__doc__, name
        for part, value in vars(thing).items() if isinstance(thing, type) else ():
            if not part.startswith("_") and (callable(value) or isinstance(value, (property, classmethod))):
                assert value.__doc__, f"{name}.{part}"


def test_the_readmes_lines_run():
    with open(os.path.join(ROOT, "README.md")) as file:
        section = re.search(r"\n## From Python\n(.*?)\n## ", file.read(), re.S).group(1)
    names = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for lines in re.findall(r"```python\n(.*?)```", section, re.S):
            if not re.search("torch|transformers|smollm", lines):   # what needs more than numpy
                exec(lines, names)
    assert names["results"].tokens.shape == (64,) and (names["results"].logprobs <= 0).all()
    assert len(names["texts"]) == 2 and set(names["texts"].finish) <= {"end token", "limit"}
