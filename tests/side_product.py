"""Tombola, by its command: what is left of rows, and with which probabilities."""
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from side_cases import END_TOKENS, WORDS

NEUTRAL = {"temperature": 1, "top_k": 0, "top_p": 1, "min_p": 0, "top_n_sigma": 0, "xtc_probability": 0,
           "xtc_threshold": 0.1, "epsilon_cutoff": 0, "eta_cutoff": 0, "typical_p": 1, "top_h": 0, "min_keep": 0,
           "repetition_penalty": 1, "frequency_penalty": 0, "presence_penalty": 0, "penalty_window": 0, "min_tokens": 0,
           "no_repeat_ngram": 0, "length_penalty_start": 0, "length_penalty_factor": 1, "dry_multiplier": 0,
           "dry_base": 1.75, "dry_allowed_length": 2, "dry_window": 0, "dynatemp_range": 0, "dynatemp_exponent": 1,
           "penalty_prompt": "repetition", "mirostat": 0, "mirostat_mu": 10, "adaptive_target": -1}


class Row:
    """A row, its history, and parameters where they are not neutral. `words` stands among them, though it is none: the
    words are the same for all rows of a call."""

    def __init__(self, logits, past, params):
        self.logits, self.past, self.params = logits, past, params


def write_lines(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def call(command, preset, rows, words, breakers):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "logits.npy", np.stack([row.logits for row in rows]))
        lines = [",".join(NEUTRAL)]
        lines += [",".join(str(row.params.get(name, value)) for name, value in NEUTRAL.items()) for row in rows]
        (folder / "params.csv").write_text("\n".join(lines) + "\n")
        write_lines(folder / "pasts.jsonl", [{"prompt": row.past.prompt, "output": row.past.output} for row in rows])
        options = ["--preset", preset, "--params", "params.csv", "--histories", "pasts.jsonl",
                   "--end-tokens", ",".join(map(str, END_TOKENS)),
                   "--kept-probabilities", "probabilities.npy", "--processed-logits", "processed.npy"]
        for option, sequences in (("--banned-words", words), ("--dry-breakers", breakers)):
            if sequences:
                write_lines(folder / (option[2:] + ".jsonl"), sequences)
                options += [option, option[2:] + ".jsonl"]
        subprocess.run([command, "sample", "logits.npy", *options], check=True, cwd=folder, stdout=subprocess.DEVNULL)
        return np.load(folder / "processed.npy") > -np.inf, np.load(folder / "probabilities.npy")


def sample(command, preset, rows, breakers=None, at_once=512):
    """For each row which tokens are kept and all probabilities. Rows with the same vocabulary and words go together."""
    groups = {}
    for place, row in enumerate(rows):
        groups.setdefault((len(row.logits), "words" in row.params), []).append(place)
    told = [None] * len(rows)
    for (_, has_words), places in groups.items():
        for first in range(0, len(places), at_once):
            part = places[first:first + at_once]
            results = call(command, preset, [rows[place] for place in part], WORDS if has_words else None, breakers)
            for place, result in zip(part, zip(*results)):
                told[place] = result
    return told
