#!/usr/bin/env python3
"""Measures how often a token stays the same where logits differ a little, by race and by inverse CDF.

    stability.py TOMBOLA [DEVICE]    TOMBOLA: the command, as build/tombola; prints a table in Markdown

Rows are those of the benchmark's workload lm; every one is drawn from with REPEATS streams and SEEDS seeds at
temperature 1, without and with Gaussian noise on its logits. No pair of draws can agree more often than in 1 - the
total variation distance of the two rows' softmax, which is the last column.
"""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

ROWS, VOCABULARY, REPEATS, SEEDS = 64, 32000, 16, 4
NOISES = 0.003, 0.02, 0.1


def draw(command, path, method):
    tokens = []
    for seed in range(SEEDS):
        options = ["sample", path, "--json", "--method", method, "--seed", str(seed)]
        output = subprocess.run(command[:1] + options + command[1:], check=True, stdout=subprocess.PIPE,
                                text=True).stdout
        tokens += [json.loads(line)["token"] for line in output.splitlines()]
    return np.array(tokens)


def softmax(rows):
    weights = np.exp(rows.astype(np.float64) - rows.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def main(arguments):
    if len(arguments) not in (1, 2):
        return __doc__
    command = arguments[:1] + [f"--device={name}" for name in arguments[1:]]
    random = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        clean, noisy = os.path.join(folder, "clean.npy"), os.path.join(folder, "noisy.npy")
        subprocess.run(command[:1] + ["bench", "--shapes", f"{ROWS}x{VOCABULARY}", "--workloads", "lm", "--configs",
                                      "greedy", "--repeats", "1", "--save-logits", clean] + command[1:],
                       check=True, stdout=subprocess.DEVNULL)
        rows = np.load(clean).reshape(-1, VOCABULARY)[:ROWS].repeat(REPEATS, axis=0)
        np.save(clean, rows)
        before = {method: draw(command, clean, method) for method in ("race", "inverse-cdf")}
        print("| noise | race | inverse CDF | possible |\n| --- | --- | --- | --- |")
        for noise in NOISES:
            changed = rows + np.float32(noise) * random.standard_normal(rows.shape, np.float32)
            np.save(noisy, changed)
            shares = [np.mean(draw(command, noisy, method) == tokens) for method, tokens in before.items()]
            variation = [np.abs(softmax(a) - softmax(b)).sum() / 2
                         for a, b in zip(np.split(rows, ROWS), np.split(changed, ROWS))]
            shares.append(1 - sum(variation) / len(rows))
            print(f"| {noise} | " + " | ".join(f"{100 * share:.1f}%" for share in shares) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
