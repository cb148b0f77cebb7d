"""Prompts from a file of JSON lines."""
from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from ..params import FIELDS


@dataclass
class Prompt:
    """A line of the file.

    prompt      text, or a list of tokens
    setting     parameters that it has of its own
    max_tokens  None: as many as others
    told        what is told with its texts: its "id", if it has one
    """

    prompt: str | list[int]
    setting: dict[str, Any] = field(default_factory=dict)
    max_tokens: int | None = None
    told: dict[str, Any] = field(default_factory=dict)


def _prompt_of(line: Any) -> Prompt:
    named = dict(line) if isinstance(line, dict) else {"prompt": line}
    if "prompt" not in named:
        raise ValueError("there is no \"prompt\"")
    prompt = Prompt(named.pop("prompt"))
    if isinstance(prompt.prompt, list):
        if not prompt.prompt or not all(type(token) is int and 0 <= token < 2**31 for token in prompt.prompt):
            raise ValueError("\"prompt\" is no list of tokens, nor text")
    elif not isinstance(prompt.prompt, str):
        raise ValueError(f"\"prompt\" is {json.dumps(prompt.prompt)}, no text, nor a list of tokens")
    if "id" in named:
        prompt.told["id"] = named.pop("id")
    if "max_tokens" in named:
        prompt.max_tokens = named.pop("max_tokens")
        if type(prompt.max_tokens) is not int or prompt.max_tokens < 1:
            raise ValueError(f"\"max_tokens\" is {json.dumps(prompt.max_tokens)}, no number from 1 on")
    for name, value in named.items():
        if name not in FIELDS:
            raise ValueError(f"there is no parameter \"{name}\"")
        if isinstance(value, list) and not FIELDS[name].dtype.shape:
            raise ValueError(f"\"{name}\" is {json.dumps(value)}, no single value")
        prompt.setting[name] = FIELDS[name].convert(value)
    return prompt


def read(path: str) -> tuple[list[Prompt], str]:
    """(the prompts, a hash of the file). ValueError: a line is none, or has what is unknown; it is named by its number.

    A line is a string, or an object with "prompt", text or a list of tokens, and perhaps "id", "max_tokens" and
    parameters by name.
    """
    with open(path, "rb") as file:
        content = file.read()
    prompts = []
    for number, line in enumerate(content.splitlines(), 1):
        if line.strip():
            try:
                prompts.append(_prompt_of(json.loads(line)))
            except (ValueError, TypeError) as error:
                raise ValueError(f"{path}, line {number}: {error}") from None
    if not prompts:
        raise ValueError(f"{path}: has no prompts")
    return prompts, hashlib.sha256(content).hexdigest()
