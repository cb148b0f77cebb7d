"""Tombola in the place of Transformers' own sampling. Needs torch and Transformers 4.40 or newer.

    import tombola.transformers

    ids = tombola.transformers.generate(model, **inputs, do_sample=True, top_p=0.9, seeds=range(8))

or, where Transformers has `custom_generate` callables:

    decoder = tombola.transformers.Decoder()
    ids = model.generate(**inputs, do_sample=True, top_p=0.9, custom_generate=decoder, seeds=range(8))

The GenerationConfig is read as it stands. Processors that Tombola lacks, one's own among them, Transformers runs before
Tombola draws. Logits in host memory are read where they lie; those on a GPU are copied.
"""
from .decoder import Decoder, generate

__all__ = ["Decoder", "generate"]
