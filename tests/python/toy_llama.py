"""A small Llama of random weights whose tokens are bytes, and a package in place of PyPI's tokenizers for it."""
import os

import gguf_file
import numpy as np

from tombola.smollm.tokenizer import _bytes_of_letters

WIDTH, FEED, VOCABULARY = 32, 64, 258
BEGIN, END = 256, 257
FIELDS = {"general.architecture": "llama", "llama.embedding_length": WIDTH, "llama.context_length": 64,
          "llama.attention.head_count": 4, "llama.attention.head_count_kv": 2, "llama.block_count": 1,
          "llama.attention.layer_norm_rms_epsilon": 1e-5, "llama.rope.freq_base": 10000.0,
          "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "smollm", "tokenizer.ggml.merges": ["a b"],
          "tokenizer.ggml.tokens": [*sorted(_bytes_of_letters(), key=_bytes_of_letters().get), "<|endoftext|>",
                                    "<|im_end|>"],
          "tokenizer.ggml.token_type": [1] * 256 + [3] * 2, "tokenizer.ggml.eos_token_id": END}
SHAPES = {"attn_norm": (WIDTH,), "ffn_norm": (WIDTH,), "attn_q": (WIDTH, WIDTH), "attn_k": (WIDTH // 2, WIDTH),
          "attn_v": (WIDTH // 2, WIDTH), "attn_output": (WIDTH, WIDTH), "ffn_gate": (FEED, WIDTH),
          "ffn_up": (FEED, WIDTH), "ffn_down": (WIDTH, FEED)}
TOKENIZERS = '''
class Tokenizer:
    def __init__(self, model):
        self.vocabulary = model

    def encode(self, text, **options):
        letters = {byte: letter for letter, byte in BYTES.items()}
        self.ids = [self.vocabulary[letters[byte]] for byte in text.encode()]
        return self


class models:
    def BPE(vocab, merges):
        return vocab


class pre_tokenizers:
    Sequence = Digits = ByteLevel = lambda *given, **options: None


BYTES = '''


def write(folder):
    """Leaves model.gguf and tokenizers.py in a folder, and gives the model's path."""
    random, path = np.random.default_rng(20263), os.path.join(folder, "model.gguf")
    shapes = {"token_embd": (VOCABULARY, WIDTH), "output_norm": (WIDTH,)}
    shapes.update({f"blk.0.{name}": shape for name, shape in SHAPES.items()})
    gguf_file.write(path, FIELDS, {
        name + ".weight": gguf_file.of_floats(random.normal(size=shape).astype(np.float32) * 0.3)
        for name, shape in shapes.items()})
    with open(os.path.join(folder, "tokenizers.py"), "w") as file:
        file.write(TOKENIZERS + repr(_bytes_of_letters()))
    return path
