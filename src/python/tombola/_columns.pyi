"""Types of parameters. Written by make_columns.py from the library's table of them: not to be edited."""
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

_PLessName = Literal["off", "p-less", "p-less-norm"]
_PLessValue = Union[_PLessName, int, Sequence[Union[_PLessName, int]], NDArray[Any]]

class _PLess(_Column):
    def __set__(self, instance: object, value: _PLessValue) -> None: ...

_MirostatName = Literal["0", "1", "2"]
_MirostatValue = Union[_MirostatName, int, Sequence[Union[_MirostatName, int]], NDArray[Any]]

class _Mirostat(_Column):
    def __set__(self, instance: object, value: _MirostatValue) -> None: ...

_PenaltyPromptName = Literal["repetition", "all", "none"]
_PenaltyPromptValue = Union[_PenaltyPromptName, int, Sequence[Union[_PenaltyPromptName, int]], NDArray[Any]]

class _PenaltyPrompt(_Column):
    def __set__(self, instance: object, value: _PenaltyPromptValue) -> None: ...

_MethodName = Literal["race", "inverse-cdf"]
_MethodValue = Union[_MethodName, int, Sequence[Union[_MethodName, int]], NDArray[Any]]

class _Method(_Column):
    def __set__(self, instance: object, value: _MethodValue) -> None: ...

_FiltersStep = Literal["end", "temperature", "top_k", "top_p", "min_p", "top_n_sigma", "xtc", "epsilon", "eta",
    "top_a", "typical_p", "top_h", "p_less", "min_k", "mirostat"]
_FiltersPreset = Literal["default", "temperature-first", "temperature-last"]
_FiltersValue = Union[_FiltersPreset, Sequence[Union[_FiltersStep, _FiltersPreset, int, Sequence[Union[_FiltersStep,
    int]]]], NDArray[Any]]

class _Filters(_Column):
    def __set__(self, instance: object, value: _FiltersValue) -> None: ...

class Columns(TypedDict, total=False):
    """Parameters by name, for all rows or one for each."""

    temperature: Numbers
    dynatemp_range: Numbers
    dynatemp_exponent: Numbers
    top_k: Union[int, Integers]
    top_p: Numbers
    min_p: Numbers
    top_n_sigma: Numbers
    xtc_probability: Numbers
    xtc_threshold: Numbers
    epsilon_cutoff: Numbers
    top_a: Numbers
    p_less: _PLessValue
    min_k: Numbers
    min_keep: Union[int, Integers]
    typical_p: Numbers
    eta_cutoff: Numbers
    top_h: Numbers
    mirostat: _MirostatValue
    mirostat_entropy: Numbers
    mirostat_rate: Numbers
    mirostat_mu: Numbers
    adaptive_target: Numbers
    adaptive_decay: Numbers
    adaptive_sum: Numbers
    adaptive_weight: Numbers
    repetition_penalty: Numbers
    penalty_window: Union[int, Integers]
    frequency_penalty: Numbers
    presence_penalty: Numbers
    penalty_prompt: _PenaltyPromptValue
    min_tokens: Union[int, Integers]
    dry_multiplier: Numbers
    dry_base: Numbers
    dry_allowed_length: Union[int, Integers]
    dry_window: Union[int, Integers]
    no_repeat_ngram: Union[int, Integers]
    length_penalty_start: Union[int, Integers]
    length_penalty_factor: Numbers
    forced_from: Union[int, Integers]
    thinking_budget: Union[int, Integers]
    seed: Union[int, Integers]
    offset: Union[int, Integers]
    stream: Union[int, Integers]
    method: _MethodValue
    filters: _FiltersValue
    watermark: Union[int, Integers]

class ParamsColumns:
    """What Params has a column of."""

    temperature: _Floats
    dynatemp_range: _Floats
    dynatemp_exponent: _Floats
    top_k: _Integers
    top_p: _Floats
    min_p: _Floats
    top_n_sigma: _Floats
    xtc_probability: _Floats
    xtc_threshold: _Floats
    epsilon_cutoff: _Floats
    top_a: _Floats
    p_less: _PLess
    min_k: _Floats
    min_keep: _Integers
    typical_p: _Floats
    eta_cutoff: _Floats
    top_h: _Floats
    mirostat: _Mirostat
    mirostat_entropy: _Floats
    mirostat_rate: _Floats
    mirostat_mu: _Floats
    adaptive_target: _Floats
    adaptive_decay: _Floats
    adaptive_sum: _Floats
    adaptive_weight: _Floats
    repetition_penalty: _Floats
    penalty_window: _Integers
    frequency_penalty: _Floats
    presence_penalty: _Floats
    penalty_prompt: _PenaltyPrompt
    min_tokens: _Integers
    dry_multiplier: _Floats
    dry_base: _Floats
    dry_allowed_length: _Integers
    dry_window: _Integers
    no_repeat_ngram: _Integers
    length_penalty_start: _Integers
    length_penalty_factor: _Floats
    forced_from: _Integers
    thinking_budget: _Integers
    seed: _Integers
    offset: _Integers
    stream: _Integers
    method: _Method
    filters: _Filters
    watermark: _Integers
