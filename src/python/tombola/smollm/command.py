"""`python -m tombola generate`: lets the model write, on a terminal."""
from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import shutil
import sys
from typing import Any

from .. import FIELDS, Sampler, presets
from ..errors import TombolaError
from ..generation import Generation
from ..mpi.launch import launched, launched_rank
from . import chat, file_job, options
from .model import Model
from .timing import Stopwatch
from .transcript import Transcript

TEMPERATURE = 0.8   # where neither an option nor a preset says another
CHUNK = 32          # texts: the model makes twice as many tokens a second for these as for 8, and hardly more for 64


def parser() -> argparse.ArgumentParser:
    """What the command line may have."""
    parser = argparse.ArgumentParser(
        prog="python -m tombola generate", allow_abbrev=False,
        usage="%(prog)s [--prompt TEXT]... [--chat] [OPTION]...\n       "
        "%(prog)s PROMPTS.jsonl --output FILE.jsonl [--resume] [OPTION]...",
        description="Writes on from prompts, or answers them, with SmolLM2-135M-Instruct: each token is drawn from the "
        "model's logits.", epilog="The same seed, stream and parameters write the same text, in any batch.")
    parser.add_argument("--prompt", action="append", metavar="TEXT", help="how a text begins; may be repeated")
    parser.add_argument("prompts", nargs="?", metavar="PROMPTS.jsonl",
                        help='a file with a prompt in each line, a string or an object with "prompt", text or a list '
                        'of tokens, and perhaps "id", "max_tokens" and parameters by name')
    parser.add_argument("--chat", action="store_true", help="answer the prompts, as an assistant does")
    parser.add_argument("--system", default=chat.SYSTEM, metavar="TEXT", help="what the assistant is told to be")
    parser.add_argument("--batch", type=int, default=1, metavar="N",
                        help="texts of each prompt and setting (default 1); all have streams 0, 1, ... of the seed")
    parser.add_argument("--max-tokens", type=int, default=128, metavar="N", help="tokens of a text (default 128)")
    parser.add_argument("--ignore-end", action="store_true", help="go on where the model ends a text")
    parser.add_argument("--preset", metavar="NAME", help="begin with the parameters of: " + ", ".join(presets()))
    parser.add_argument("--device", metavar="NAME", help="as the other commands have it")
    parser.add_argument("--model", metavar="FILE", help="another GGUF file of SmolLM2")
    parser.add_argument("--output-tokens", metavar="FILE",
                        help="also write the tokens to a file, a line for each text, as `tombola detect' reads them")
    files = parser.add_argument_group(
        "files", "Texts of the prompts of a file go into another. mpirun may start the command on several ranks: they "
        "generate chunks as they become free, and the file is the same.")
    files.add_argument("--output", metavar="FILE",
                       help="write a line of JSON for each text, in the order of the prompts. What is complete is kept "
                       "in FILE.part and told in FILE.part.jsonl until all of it is")
    files.add_argument("--chunk", type=int, default=CHUNK, metavar="N",
                       help="generate so many texts at a time, in a batch (default %(default)s)")
    files.add_argument("--resume", action="store_true", help="go on where an earlier run of the same options has ended "
                       "before its time; begin where there was none")
    files.add_argument("--quiet", action="store_true", help="no progress; else runs of more than a second tell it on "
                       "standard error: on a terminal in a line renewed in place, otherwise a line a minute")
    options.add_to(parser, temperature=TEMPERATURE)
    return parser


def head_of(setting: dict[str, Any], varied: list[str], number: int, batch: int) -> str:
    """What is written above one of several texts: how it differs from the others."""
    told = [f"{name.replace('_', '-')} {setting[name]:g}" if isinstance(setting[name], float) else
            f"{name.replace('_', '-')} {setting[name]}" for name in varied]
    return ", ".join(told + ([f"text {number + 1}"] if batch > 1 else []))


def rows_of(arguments: argparse.Namespace, settings: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any], str]]:
    """The texts to write, (prompt, setting, heading) each."""
    prompts = arguments.prompt or [""]
    varied = [name for name in settings[0] if len({repr(setting[name]) for setting in settings}) > 1]
    return [(prompt, setting, head_of(setting, varied, number, arguments.batch))
            for prompt in prompts for setting in settings for number in range(arguments.batch)]


def write_tokens(path: str, generation: Generation) -> None:
    """A line of JSON for each sequence."""
    with open(path, "w") as file:
        for prompt, tokens in zip(generation.prompts, generation.tokens):
            file.write(json.dumps({"prompt": prompt.tolist(), "output": tokens.tolist()}) + "\n")


def check(arguments: argparse.Namespace) -> None:
    """That options go together. ValueError: they don't."""
    if arguments.prompts is None:
        for name in ("output", "resume"):
            if vars(arguments)[name]:
                raise ValueError(f"--{name} is for the texts of a file PROMPTS.jsonl, and there is none")
        if launched() > 1:
            raise ValueError("several ranks need a file PROMPTS.jsonl, and --output")
        if arguments.chat and not arguments.prompt:
            raise ValueError("--chat needs a --prompt to answer")
    elif arguments.output is None:
        raise ValueError(f"{arguments.prompts} needs an --output for its texts")
    elif arguments.prompt or arguments.output_tokens:
        raise ValueError(f"--{'prompt' if arguments.prompt else 'output-tokens'} is not for the texts of a file")
    for name in ("batch", "max_tokens", "chunk"):
        if vars(arguments)[name] < 1:
            raise ValueError(f"{name} is {vars(arguments)[name]}, less than 1")


def run(arguments: argparse.Namespace) -> None:
    """Carries a parsed command line out."""
    check(arguments)
    texts = {name: vars(arguments)[name] for name in FIELDS if vars(arguments)[name] is not None}
    settings = options.settings_of(texts)
    if not arguments.preset:
        settings = [{"temperature": TEMPERATURE, **setting} for setting in settings]
    if arguments.prompts is not None:
        file_job.run(arguments, settings)
    else:
        show(arguments, settings)


def show(arguments: argparse.Namespace, settings: list[dict[str, Any]]) -> None:
    """Writes texts on standard output as they come."""
    rows = rows_of(arguments, settings)
    params = options.params_of([setting for _, setting, _ in rows], arguments.preset)
    model = Model(arguments.model)
    if arguments.chat:
        prompts = [model.chat(prompt, system=arguments.system) for prompt, _, _ in rows]
    else:
        prompts = [model.encode(prompt) for prompt, _, _ in rows]

    def write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    bold, plain = ("\x1b[1m", "\x1b[0m") if width else ("", "")
    with Sampler(model.vocabulary, len(rows), device=arguments.device) as sampler:
        heads = [(f"{bold}== {heading}{plain}\n" if len(rows) > 1 else "", "" if arguments.chat else prompt)
                 for prompt, _, heading in rows]
        ends = [] if arguments.ignore_end else model.end_tokens
        transcript = Transcript(write, model.tokenizer, heads, arguments.max_tokens, ends, width)
        watch = Stopwatch(model)
        try:
            with watch:
                generation = sampler.generate(watch.model, prompts, params, max_tokens=arguments.max_tokens,
                                              end_tokens=ends, on_token=transcript)
        finally:
            transcript.end()
        if arguments.output_tokens:
            write_tokens(arguments.output_tokens, generation)
        if sys.stderr.isatty():
            print(f"{watch}, on {sampler.context.device.name}", file=sys.stderr)


def main(words: list[str]) -> int:
    """Carries a command line out, and gives the exit status."""
    is_first = launched_rank() == 0   # which alone says what is wrong
    with contextlib.ExitStack() as silence:
        for redirect in () if is_first else (contextlib.redirect_stdout, contextlib.redirect_stderr):
            silence.enter_context(redirect(io.StringIO()))
        arguments = parser().parse_args(words)
    try:
        run(arguments)
    except (TombolaError, ValueError, TypeError, OSError, ImportError) as error:
        if isinstance(error, BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())   # else the interpreter complains at its end
            return 1
        if is_first:
            print(f"tombola generate: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0
