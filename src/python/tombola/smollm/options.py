"""The sampler's parameters as options of a command line, made from the library's own table."""
from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..params import FIELDS, Params


def add_to(parser: argparse.ArgumentParser, **defaults: float) -> None:
    """Adds an option for each parameter to an argparse parser. defaults: of those that don't have the library's."""
    group = parser.add_argument_group(
        "parameters", "Each takes a value for all texts, or several with commas between them: every prompt is then "
        "continued with each, side by side.")
    for field in FIELDS.values():
        what = field.help[0].upper() + field.help[1:]
        default = defaults.get(field.name, field.default)
        told = "" if field.dtype.shape or field.values else f" (default {default:g})"
        metavar = "NAME" if field.values else "X" if field.dtype.kind == "f" else "N"
        group.add_argument("--" + field.name.replace("_", "-"), dest=field.name, metavar=metavar,
                           help=(what + told).replace("%", "%%"))


def values_of(name: str, text: str) -> Any:
    """The values that an option gives to a parameter: a list, or for the order of the filters the order.

    ValueError: it has one that is no number, or none that the parameter can be.
    """
    field = FIELDS[name]
    if field.dtype.shape:
        return field.convert(text if text in field.presets else text.split(","))
    values: list[Any] = text.split(",")
    if not field.values:
        read = float if field.dtype.kind == "f" else int
        try:
            values = [read(value) for value in values]
        except ValueError:
            raise ValueError(f"{name} is {text}, which is no {'number' if read is float else 'whole number'}") from None
    return field.convert(values).tolist()


def settings_of(texts: dict[str, str]) -> list[dict[str, Any]]:
    """What the options of a command line ask for: a list of dicts {parameter: value}, one for each setting.

    texts   {parameter: text of its option}
    ValueError: as values_of; some parameters have several values, but not equally many.
    """
    listed = {name: values_of(name, text) for name, text in texts.items()}
    listed = {name: values if isinstance(values, list) else [values] for name, values in listed.items()}
    counts = {name: len(values) for name, values in listed.items() if len(values) > 1}
    if len(set(counts.values())) > 1:
        raise ValueError(" and ".join(f"{name} has {count} values" for name, count in counts.items()))
    return [{name: values[i % len(values)] for name, values in listed.items()}
            for i in range(max(counts.values(), default=1))]


def params_of(settings: Sequence[dict[str, Any]], preset: str | None = None, first: int = 0) -> Params:
    """Params of as many sequences as there are settings; those that name no stream have one each: their places.

    first   the place of the first
    """
    params = Params.preset(preset, len(settings)) if preset else Params(len(settings))
    params.stream = np.arange(first, first + len(settings)).astype(np.uint32)
    for i, setting in enumerate(settings):
        for name, value in setting.items():
            params.array[name][i] = value
    return params
