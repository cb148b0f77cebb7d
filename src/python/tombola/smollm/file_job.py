"""`python -m tombola generate PROMPTS.jsonl`: texts of a file of prompts into another, by one process or many."""
from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from .. import mpi
from ..mpi.launch import from_first, names_of
from ..params import FIELDS
from ..sampler import Sampler
from . import options
from .model import Model, find
from .prompts_file import Prompt, read

PREFIX = "tombola generate: "
_ARGUMENTS = ("preset", "chat", "system", "batch", "max_tokens", "ignore_end")   # of what texts depend on


class Writer:
    """What a rank makes texts with.

    texts  (prompt, setting) of each
    """

    def __init__(self, arguments: argparse.Namespace, texts: list[tuple[Prompt, dict[str, Any]]],
                 device: str | int | None) -> None:
        self._arguments, self._texts = arguments, texts
        self.model = Model(arguments.model)
        self._sampler = Sampler(self.model.vocabulary, min(arguments.chunk, len(texts)), device=device)
        self._ends = [] if arguments.ignore_end else self.model.end_tokens

    def _tokens_of(self, prompt: Prompt) -> list[int]:
        if isinstance(prompt.prompt, list):
            return prompt.prompt
        if self._arguments.chat:
            return self.model.chat(prompt.prompt, system=self._arguments.system)
        return self.model.encode(prompt.prompt)

    def __call__(self, which: range) -> tuple[list[str], int]:
        """The lines of some texts, and how many tokens they have."""
        texts = self._texts[which.start:which.stop]
        params = options.params_of([setting for _, setting in texts], self._arguments.preset, which.start)
        limits = [prompt.max_tokens or self._arguments.max_tokens for prompt, _ in texts]
        generation = self._sampler.generate(self.model, [self._tokens_of(prompt) for prompt, _ in texts], params,
                                            max_tokens=limits, end_tokens=self._ends)
        lines = []
        for (prompt, _), begin, tokens, finish in zip(texts, generation.prompts, generation.tokens, generation.finish):
            shown = tokens[:-1] if finish == "end token" else tokens
            lines.append(json.dumps({**prompt.told, "prompt": begin.tolist(), "output": tokens.tolist(),
                                     "text": self.model.decode(shown), "finish": finish}, ensure_ascii=False))
        return lines, sum(map(len, generation.tokens))


def _job(arguments: argparse.Namespace, content: str) -> dict[str, Any]:
    """All that the texts depend on."""
    named = vars(arguments)
    model = arguments.model or find()
    job = {"--" + name.replace("_", "-"): named[name] for name in _ARGUMENTS}
    job.update(("--" + name.replace("_", "-"), named[name]) for name in FIELDS if named[name] is not None)
    return {f"the file {os.path.basename(arguments.prompts)}": content, **job,
            "the model": [os.path.basename(model), os.path.getsize(model)]}


def run(arguments: argparse.Namespace, settings: list[dict[str, Any]]) -> None:
    """Writes the texts of all prompts with all settings. All ranks call it at once."""
    comm = mpi.world()
    prompts, content = from_first(comm, lambda: read(arguments.prompts))
    texts = [(prompt, {**setting, **prompt.setting}) for prompt in prompts for setting in settings
             for _ in range(arguments.batch)]
    writer, fault = None, None
    try:
        place = mpi.device(comm)
        writer = Writer(arguments, texts, place if arguments.device is None else arguments.device)
    except Exception as error:
        fault = error
    faults = comm.allgather(None if fault is None else str(fault)) if comm is not None else [fault]
    if all(faults) and fault is not None:
        raise fault
    names = names_of(comm)
    for rank, words in enumerate(faults):
        if words is not None and (comm is None or comm.Get_rank() == 0):
            print(f"{PREFIX}rank {rank} on {names[rank][0]}: {words}; it takes no part", file=sys.stderr)
    job = from_first(comm, lambda: _job(arguments, content))
    mpi.write(comm, arguments.output, len(texts), writer or (lambda which: ([], 0)), chunk=arguments.chunk, job=job,
              resume=arguments.resume, quiet=arguments.quiet,
              nouns=("texts" if len(texts) > len(prompts) else "prompts", "tokens"), prefix=PREFIX,
              works=writer is not None)
