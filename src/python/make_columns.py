#!/usr/bin/env python3
"""Writes tombola/_columns.pyi, the types of parameters, from the library's table of them.

    PYTHONPATH=src/python TOMBOLA_LIBRARY=build/libtombola.so python3 src/python/make_columns.py
"""
import os

HERE = os.path.dirname(os.path.abspath(__file__))
STUB = os.path.join(HERE, "tombola", "_columns.pyi")
HEAD = '''"""Types of parameters. Written by make_columns.py from the library's table of them: not to be edited."""
from collections.abc import Sequence
from typing import Any, Literal, TypedDict, Union, overload

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

Numbers = Union[float, Sequence[float], NDArray[Any]]
Integers = Union[Sequence[int], NDArray[Any]]

class _Column:
    """A column of Params: more may be set than is read, one value for all rows or one for each."""

    @overload
    def __get__(self, instance: None, owner: Any) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: Any) -> NDArray[Any]: ...

class _Floats(_Column):
    def __set__(self, instance: object, value: Numbers) -> None: ...

class _Integers(_Column):
    def __set__(self, instance: object, value: Union[int, Integers]) -> None: ...
'''


def _class_of(field):
    return "_" + "".join(word.capitalize() for word in field.name.split("_"))


def _names(values):
    return "Literal[" + ", ".join(f'"{value}"' for value in values) + "]"


def _own_types(field):
    """A type of its own for a parameter that is taken by names, and the class of its column."""
    name = _class_of(field)
    if field.presets:
        lines = [f"{name}Step = {_names(field.values)}", f"{name}Preset = {_names(field.presets)}",
                 f"{name}Value = Union[{name}Preset, Sequence[Union[{name}Step, {name}Preset, int, "
                 f"Sequence[Union[{name}Step, int]]]], NDArray[Any]]"]
    else:
        lines = [f"{name}Name = {_names(field.values)}",
                 f"{name}Value = Union[{name}Name, int, Sequence[Union[{name}Name, int]], NDArray[Any]]"]
    return "\n".join(_wrapped(line) for line in lines) + f"""

class {name}(_Column):
    def __set__(self, instance: object, value: {name}Value) -> None: ...
"""


def _wrapped(line):
    """The line, broken behind commas before it has more than 120 characters."""
    broken = []
    while len(line) > 120:
        cut = line.rindex(", ", 0, 120) + 1
        broken.append(line[:cut])
        line = "    " + line[cut + 1:]
    return "\n".join([*broken, line])


def stub(fields):
    """The text of the file, of tombola.FIELDS."""
    parts, columns, properties = [HEAD], [], []
    for field in fields.values():
        if field.values:
            parts.append(_own_types(field))
            value, column = _class_of(field) + "Value", _class_of(field)
        elif field.dtype.kind == "f":
            value, column = "Numbers", "_Floats"
        else:
            value, column = "Union[int, Integers]", "_Integers"
        columns.append(f"    {field.name}: {value}\n")
        properties.append(f"    {field.name}: {column}\n")
    parts.append('class Columns(TypedDict, total=False):\n'
                 '    """Parameters by name, for all rows or one for each."""\n\n' + "".join(columns))
    parts.append('class ParamsColumns:\n    """What Params has a column of."""\n\n' + "".join(properties))
    return "\n".join(parts)


if __name__ == "__main__":
    import tombola
    with open(STUB, "w") as file:
        file.write(stub(tombola.FIELDS))
