"""generate() of Transformers with Tombola for the choice of tokens: all else stays Transformers' own."""
from __future__ import annotations

import copy
import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch

from .._arguments import names_of
from ..params import FIELDS
from ..results import Results
from ..torch._tensors import Samplers
from .choice import Choice

# The modes of generation in which a token isn't drawn from its row alone: their methods, and what asks for them.
_OTHER_MODES = {
    "beam_search": ("_beam_search", "num_beams"),
    "beam_sample": ("_beam_sample", "num_beams"),
    "group_beam_search": ("_group_beam_search", "num_beam_groups"),
    "constrained_beam_search": ("_constrained_beam_search", "constraints and force_words_ids"),
    "contrastive_search": ("_contrastive_search", "penalty_alpha"),
    "dola_generation": ("_dola_decoding", "dola_layers"),
    "assisted_generation": ("_assisted_decoding", "assistant_model and prompt_lookup_num_tokens"),
}


def _refuse(mode):
    """Raises ValueError unless a mode, a GenerationMode or its value, draws tokens from their rows alone."""
    mode = getattr(mode, "value", mode)
    if mode not in ("greedy_search", "sample"):
        _, option = _OTHER_MODES.get(mode, (None, "what asks for it"))
        raise ValueError(f"Tombola has no {mode.replace('_', ' ')}: it draws each token from its own row, greedily or "
                         f"with do_sample; leave out {option}")


class Decoder:
    """Draws the tokens of model.generate(): `decoder.generate(model, ...)`, or `custom_generate=decoder`.

    seeds    an integer for each prompt, whose sequences are streams 0, 1, ... of it; one: all rows are its streams.
             None: a number for each row from torch's generator, as torch.manual_seed has set it
    offsets  tokens that each prompt's sequence has drawn before, where it goes on; one for all
    device   as Sampler takes it
    want     more columns of results, as sample takes them: `results` has one Results for each step
    params   Tombola's parameters, one value for all rows or one for each; they go before the GenerationConfig's

    A token depends on its row's logits, history, seed and place in its sequence, and on nothing else: not on the batch,
    nor on the padding, which is no part of the history. Used by one thread at a time. A context manager.
    """

    def __init__(self, seeds: Iterable[int] | int | None = None, *, offsets: Iterable[int] | int = 0,
                 device: Any = None, want: str | Iterable[str] = (), **params: Any):
        self._seeds, self._offsets, self._params = seeds, offsets, params
        self._want = names_of(want)
        self._samplers = Samplers(device)
        self.results: list[Results] = []

    def generate(self, model: Any, *arguments: Any, **options: Any) -> Any:
        """model.generate(*arguments, **options), with its tokens drawn by Tombola. For Transformers 4.40 and newer.

        Raises ValueError for beams, assistants and other modes that draw no token from each row, by their options.
        """
        base, decoder, drawn = type(model), self, []
        if not hasattr(base, "_sample"):   # it wraps a model, as PEFT's do, and hands on what it is given
            return model.generate(*arguments, custom_generate=self, **options)

        def sample(own, input_ids, *rest, **kinds):
            drawn.append(True)
            return decoder._decode(base, own, input_ids, *rest, **kinds)

        def refusal(mode):
            return lambda *_, **__: _refuse(mode)

        members = {method: refusal(mode) for mode, (method, _) in _OTHER_MODES.items() if hasattr(base, method)}
        members["_sample"] = sample
        if "generation_config" not in inspect.signature(base._sample).parameters:   # 4.40: each has its own method
            members["_greedy_search"] = lambda *rest, **kinds: sample(*rest, greedy=True, **kinds)
        if hasattr(base, "_get_deprecated_gen_repo"):   # of modes that have left Transformers
            members["_get_deprecated_gen_repo"] = lambda own, mode, *_, **__: _refuse(mode)
        # The model, by another class: one that has the same attributes, as it shares them.
        own = object.__new__(type(base.__name__, (base,), members))
        object.__setattr__(own, "__dict__", model.__dict__)
        told = own.generate(*arguments, **options)
        if not drawn:
            raise ValueError("generate() has gone a way of its own, and not asked Tombola for tokens: leave out "
                             "custom_generate, cache_implementation='paged' and the like")
        return told

    def __call__(self, model, input_ids, logits_processor=None, stopping_criteria=None, generation_config=None,
                 seeds=None, offsets=None, **options):
        """What generate(custom_generate=decoder) calls. seeds, offsets: these, for this call.

        Such a call gets no streamer: with one, use decoder.generate.
        """
        return self._decode(type(model), model, input_ids, logits_processor=logits_processor,
                            stopping_criteria=stopping_criteria, generation_config=generation_config, seeds=seeds,
                            offsets=offsets, **options)

    def close(self):
        """Closes the samplers."""
        self._samplers.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ------------------------------------------------------------------ parts

    def _decode(self, base, model, input_ids, *, logits_processor, stopping_criteria, logits_warper=None,
                generation_config=None, greedy=False, seeds=None, offsets=None, **options):
        """The loop of `base`, with a Choice for its processors."""
        settings = options   # 4.40 has no generation_config here
        if generation_config is not None:
            _refuse(generation_config.get_generation_mode())
            greedy = not generation_config.do_sample
            generation_config = copy.copy(generation_config)
            generation_config.do_sample = False   # the loop takes the argmax: of what is drawn
            settings = vars(generation_config)
        processors = [*logits_processor, *(logits_warper or ())]
        ends = next((criterion.eos_token_id for criterion in stopping_criteria if hasattr(criterion, "eos_token_id")),
                    None)
        rows = len(input_ids)
        seeds, streams = self._rows("seeds", self._seeds if seeds is None else seeds, rows)
        offsets, _ = self._rows("offsets", self._offsets if offsets is None else offsets, rows)
        has_scores = bool(settings.get("return_dict_in_generate") and settings.get("output_scores"))
        choice = Choice(self._samplers, processors, input_ids, self._mask(model, input_ids, options),
                        params=self._params, seeds=seeds, streams=streams, offsets=offsets,
                        ends=None if ends is None else torch.as_tensor(ends).tolist(), greedy=greedy, want=self._want,
                        has_scores=has_scores)
        self.results = choice.results
        options.update(logits_processor=choice, stopping_criteria=choice.watch(stopping_criteria))
        if generation_config is None:
            told = base._greedy_search(model, input_ids, **options)
        else:
            told = base._sample(model, input_ids, generation_config=generation_config, **options)
        if choice.scores:
            told.scores = tuple(choice.scores)
        return told

    @staticmethod
    def _rows(name, values, rows):
        """A number for each row, and which of its prompt's sequences each row is."""
        if values is None:
            values = torch.randint(2**63 - 1, (rows,)).numpy()
        if isinstance(values, Iterable) and not hasattr(values, "__array__"):
            values = list(values)
        values = np.atleast_1d(FIELDS[name[:-1]].convert(values)).astype(np.uint64)
        if values.ndim != 1 or len(values) == 0 or rows % len(values):
            raise ValueError(f"{name} has the shape {values.shape}, but there are {rows} rows")
        each = rows // len(values)
        return np.repeat(values, each), np.arange(rows, dtype=np.uint32) % np.uint32(each)

    @staticmethod
    def _mask(model, input_ids, options):
        """Which of the ids are none of padding, where that is known."""
        name = "decoder_attention_mask" if model.config.is_encoder_decoder else "attention_mask"
        mask = options.get(name)
        return mask if getattr(mask, "shape", None) == input_ids.shape else None


def generate(model: Any, *arguments: Any, seeds: Iterable[int] | int | None = None, offsets: Iterable[int] | int = 0,
             device: Any = None, params: Mapping[str, Any] | None = None, **options: Any) -> Any:
    """model.generate(*arguments, **options), with its tokens drawn by Tombola. For Transformers 4.40 and newer.

    seeds, offsets, device   as Decoder takes them; params: Tombola's parameters, a dict
    Raises ValueError for beams, assistants and other modes that draw no token from each row, by their options.
    """
    with Decoder(seeds, offsets=offsets, device=device, **(params or {})) as decoder:
        return decoder.generate(model, *arguments, **options)
