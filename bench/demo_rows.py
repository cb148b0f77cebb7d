"""What there is to see where the language model can't be had: rows of logits that it has left. Run by demo.sh."""
import argparse
import json
import os

import numpy as np

import demo_times
import tombola
from demo_page import WIDTH, say, table, title, write

SHOWN = (4, 9)   # one of the sharper rows, and one of the flatter ones
SETTINGS = (
    ("greedy", {"temperature": 0}), ("temperature 0.3", {"temperature": 0.3}),
    ("temperature 0.7", {"temperature": 0.7}), ("temperature 1", {"temperature": 1}),
    ("temperature 1.5", {"temperature": 1.5}),
    ("1.5, top-k 10", {"temperature": 1.5, "top_k": 10}), ("1.5, top-p 0.5", {"temperature": 1.5, "top_p": 0.5}),
    ("1.5, min-p 0.1", {"temperature": 1.5, "min_p": 0.1}),
)
DRAWS = 12


def load(folder):
    """(bits of bfloat16, uint16 (rows, vocabulary); the texts of tokens by id)."""
    with open(os.path.join(folder, "real_rows_tokens.json")) as file:
        texts = {int(token): text for token, text in json.load(file).items()}
    return np.load(os.path.join(folder, "real_rows_bf16.npy")), texts


def word_of(texts, token):
    """A token as one word of a list."""
    text = texts.get(token)
    return f"#{token}" if text is None else text.strip() if text.strip().isprintable() and text.strip() else repr(text)


def line_of(words, width):
    """As many words as a line has room for."""
    line = ""
    for word in words:
        if len(line) + 2 + len(word) > width:
            break
        line += ", " * bool(line) + word
    return line


def draws(sampler, logits, texts):
    title("A row of logits, and what is drawn from it", "After some text the model has a probability for every token "
          "that could come next. Temperature and filters say which of them are drawn; those without a text here are "
          "told by number.")
    for row in SHOWN:
        found = sampler.sample(logits[row], want="candidate_tokens candidate_probabilities", candidates=8)
        likely = zip(found.candidate_tokens[0].tolist(), found.candidate_probabilities[0].tolist())
        write("\n" if row != SHOWN[0] else "")
        say(f"Row {row}. Most likely: " + ", ".join(f"{word_of(texts, token)} {share:.1%}" for token, share in likely))
        lines = [["drawn with", "tokens kept", "of them, by seeds 0, 1, ..."]]
        for name, columns in SETTINGS:
            found = sampler.sample(np.repeat(logits[row:row + 1], DRAWS, axis=0), seed=np.arange(DRAWS),
                                   want="tokens kept", **columns)
            words = [word_of(texts, token) for token in found.tokens.tolist()]
            lines.append([name, str(found.kept[0]), line_of(words, WIDTH - 36)])
        write("\n")
        table([[name, words, kept] for name, kept, words in lines], left=2)


def same_seeds(sampler, logits, texts):
    title("The same seed draws the same token", "Every row alone, and in batches of other sizes and another order.")
    seeds = 1000 + np.arange(len(logits))
    alone = [int(sampler.sample(row, seed=seed).tokens[0]) for row, seed in zip(logits, seeds)]
    batches = 0
    for size in (2, 5, 16):
        order = np.random.default_rng(size).permutation(len(logits))
        for begin in range(0, len(logits), size):
            rows = order[begin:begin + size]
            together = sampler.sample(np.ascontiguousarray(logits[rows]), seed=seeds[rows]).tokens.tolist()
            if together != [alone[row] for row in rows]:
                raise SystemExit(f"rows {rows.tolist()} have drawn other tokens together than alone, which is a bug")
            batches += 1
    say(" | ".join(word_of(texts, token) for token in alone))
    write("\n")
    say(f"{len(logits)} rows: the same tokens alone and in {batches} batches of 2, 5 and 16. The same logits draw the "
        "same token, always, on any device.")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="that of the rows")
    logits, texts = load(parser.parse_args().folder)
    with tombola.Sampler(logits.shape[1], 64, dtype="bfloat16") as sampler:
        title("Rows of a language model")
        say(f"{len(logits)} rows of {logits.shape[1]} logits, as SmolLM2-135M-Instruct has left them after prose, "
            f"code, chat and lists. Tombola {tombola.version} draws from them, on {sampler.context.device.name}.")
        draws(sampler, logits, texts)
        same_seeds(sampler, logits, texts)
        demo_times.show_rows(sampler, logits)


if __name__ == "__main__":
    main()
