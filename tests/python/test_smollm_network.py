"""The network computes what the formulas of a Llama say, for a small one of random weights."""
import os
import tempfile

import numpy as np

import gguf_file
from helping import caught
from tombola.smollm import gguf
from tombola.smollm.network import Network

SEED = 20262
WIDTH, HEADS, CACHED, FEED, LAYERS, VOCABULARY, CONTEXT = 24, 6, 2, 40, 3, 50, 96
HEAD = WIDTH // HEADS
FIELDS = {"general.architecture": "llama", "llama.embedding_length": WIDTH, "llama.context_length": CONTEXT,
          "llama.attention.head_count": HEADS, "llama.attention.head_count_kv": CACHED, "llama.block_count": LAYERS,
          "llama.attention.layer_norm_rms_epsilon": 1e-5, "llama.rope.freq_base": 10000.0}
SHAPES = {"attn_norm": (WIDTH,), "ffn_norm": (WIDTH,), "attn_q": (WIDTH, WIDTH), "attn_k": (CACHED * HEAD, WIDTH),
          "attn_v": (CACHED * HEAD, WIDTH), "attn_output": (WIDTH, WIDTH), "ffn_gate": (FEED, WIDTH),
          "ffn_up": (FEED, WIDTH), "ffn_down": (WIDTH, FEED)}


def weights():
    random = np.random.default_rng(SEED)
    shapes = {"token_embd": (VOCABULARY, WIDTH), "output_norm": (WIDTH,)}
    shapes.update({f"blk.{i}.{name}": shape for i in range(LAYERS) for name, shape in SHAPES.items()})
    return {name: (random.normal(size=shape) * 0.4).astype(np.float32) for name, shape in shapes.items()}


def network():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.gguf")
        gguf_file.write(path, FIELDS, {n + ".weight": gguf_file.of_floats(w) for n, w in weights().items()})
        return Network(gguf.File(path))


def by_the_formulas(tokens):
    """Logits after each token of one sequence, in float64, a token and a head at a time, with nothing cached."""
    w = {name: array.astype(np.float64) for name, array in weights().items()}

    def norm(x, weight):
        return x / np.sqrt(np.mean(x * x) + 1e-5) * weight

    def rotate(x, position):
        angles = position * 10000.0 ** (-np.arange(0, HEAD, 2) / HEAD)
        turned = (x[0::2] + 1j * x[1::2]) * np.exp(1j * angles)
        return np.stack([turned.real, turned.imag], 1).ravel()

    states = [w["token_embd"][token] for token in tokens]
    for i in range(LAYERS):
        layer = {name: w[f"blk.{i}.{name}"] for name in SHAPES}
        inputs = [norm(x, layer["attn_norm"]) for x in states]
        for place in range(len(states)):
            heads = []
            for head in range(HEADS):
                shared = head // (HEADS // CACHED) * HEAD   # where the head that it looks keys and values up in begins
                query = rotate((layer["attn_q"] @ inputs[place])[head * HEAD:(head + 1) * HEAD], place)
                keys = [(layer["attn_k"] @ x)[shared:shared + HEAD] for x in inputs[:place + 1]]
                keys = [rotate(key, position) for position, key in enumerate(keys)]
                values = [(layer["attn_v"] @ x)[shared:shared + HEAD] for x in inputs[:place + 1]]
                shares = np.exp([query @ key / np.sqrt(HEAD) for key in keys])
                heads.append(shares / shares.sum() @ np.array(values))
            states[place] = states[place] + layer["attn_output"] @ np.concatenate(heads)
        for place, x in enumerate(states):
            y = norm(x, layer["ffn_norm"])
            gate = layer["ffn_gate"] @ y
            states[place] = x + layer["ffn_down"] @ (gate / (1 + np.exp(-gate)) * (layer["ffn_up"] @ y))
    return np.array([w["token_embd"] @ norm(x, w["output_norm"]) for x in states])


def sequences(*lengths):
    random = np.random.default_rng(SEED + 1)
    return [random.integers(0, VOCABULARY, length).tolist() for length in lengths]


def near(found, expected, what):
    assert np.abs(found - expected).max() < 1e-4, f"seed {SEED}: {what} by {np.abs(found - expected).max()}"


def test_the_logits_after_each_token_are_those_of_the_formulas():
    net, (tokens,) = network(), sequences(9)
    near(net.logits(net.hidden(net.cache(), [0], [tokens])), by_the_formulas(tokens), "logits of a chunk")


def test_chunks_give_what_single_tokens_give():
    net, (tokens,) = network(), sequences(9)
    cache, found = net.cache(), []
    for chunk in (tokens[:1], tokens[1:4], tokens[4:5], tokens[5:]):
        found.append(net.logits(net.hidden(cache, [0], [chunk])))
    near(np.concatenate(found), by_the_formulas(tokens), "logits of chunks")


def test_sequences_of_a_batch_know_nothing_of_each_other():
    net, texts = network(), sequences(9, 4, 7, 1)
    cache, rows = net.cache(), [5, 0, 3, 2]
    begun = net.logits(net.hidden(cache, rows, [text[:-1] or text for text in texts]))
    near(begun[-1], by_the_formulas(texts[3])[-1], "the sequence of one token")
    further = net.logits(net.hidden(cache, rows[2::-1], [text[-1:] for text in texts[2::-1]]))
    for text, logits in zip(texts[2::-1], further):
        near(logits, by_the_formulas(text)[-1], f"the sequence of {len(text)} tokens")


def test_a_row_begins_anew_or_with_what_another_has():
    net, (long, short) = network(), sequences(9, 4)
    cache = net.cache()
    net.hidden(cache, [0, 1], [long, long])
    cache.clear(0)
    net.hidden(cache, [0], [short[:-1]])
    cache.copy(0, 1)
    for row in (0, 1):
        near(net.logits(net.hidden(cache, [row], [short[-1:]])), by_the_formulas(short)[-1], f"row {row}")


def test_the_cache_grows_up_to_the_context():
    net, (tokens,) = network(), sequences(CONTEXT)
    cache = net.cache()
    for begin in range(0, CONTEXT, 12):
        logits = net.logits(net.hidden(cache, [0], [tokens[begin:begin + 12]]))
    near(logits[-1], by_the_formulas(tokens)[-1], "the last token of the context")
    assert "context" in str(caught(ValueError, lambda: net.hidden(cache, [0], [[1]])))


def test_another_architecture_is_refused():
    class Other:
        path, fields = "other.gguf", {"general.architecture": "mamba"}

    assert "mamba" in str(caught(ValueError, lambda: Network(Other)))
