#!/usr/bin/env python3
"""Rows whose vocabulary several ranks have: what they take, measured and modelled. bench/ranks.sh builds what it needs.

    ranks.py [--quick] [--latency US] [--bandwidth GB/S] [--output FOLDER]

Measured, each with a core of its own: ranks of this machine over shared memory; and what one rank of up to 64 has to
do, its kernels and the merging of all messages, without a transport. The model adds a network: for each round a
collective's latency and the other ranks' messages at its bandwidth. Beyond 64 ranks their work is the straight line, in
columns and in messages, that lies nearest to what was measured. Beside it the same model of gathering the logits, as
float32, where one rank then draws, as fast as this whole machine does. Writes ranks.md, ranks.json and ranks.svg.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np

from plots import COLORS

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONFIGS = ("greedy", "temperature", "min-p", "top-k", "top-k-top-p", "top-p")
MOST = 1024


def lines_of(*command, **environment):
    ended = subprocess.run(command, text=True, capture_output=True, env={**os.environ, **environment})
    if ended.returncode:
        sys.exit(f"{' '.join(map(str, command))}:\n{ended.stderr}")
    return [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]


def measure(seconds):
    """Dicts of what the programs say: of ranks and of this machine alone, in turns; and of one shard of many."""
    program, mpirun = ROOT / "build" / "tombola_ranks", ROOT / "tests" / "mpirun.sh"
    commands = [["env", "POCL_AFFINITY=1", program, "--alone"]]
    for ranks in (1, 2):   # without affinity: of each rank PoCL's first thread would take the first core
        commands.append(["env", "-u", "POCL_AFFINITY", "POCL_MAX_PTHREAD_COUNT=1", mpirun, str(ranks), program])
    turns = [ROOT / "bench" / "turns.py", str(seconds * len(commands))]
    for command in commands:
        turns += ["--", *command]
    ranks = lines_of(*turns)
    shards = []
    for count in (1, 2, 4, 8, 16, 32, 64):
        shards += lines_of(ROOT / "build" / "tombola_shards", "--shards", str(count), "--seconds", str(seconds),
                           POCL_MAX_PTHREAD_COUNT="1")
    return {"ranks": ranks, "shards": shards}


class Model:
    """Of one configuration: microseconds of a call by the number of ranks."""

    def __init__(self, measured, config, latency, bandwidth):
        alone = next(r for r in measured["ranks"] if r["alone"] and r["config"] == config)
        self.shards = [s for s in measured["shards"] if s["config"] == config]
        self.latency, self.bytes_per_us = latency, bandwidth * 1e3
        self.alone, self.logits = alone["us"], alone["rows"] * alone["vocabulary"] * 4
        self.rounds, self.bytes = self.shards[-1]["rounds"], self.shards[-1]["bytes"]
        counts = np.array([s["shards"] for s in self.shards], float)
        times = np.array([s["best_us"] for s in self.shards])
        terms = np.stack([np.ones_like(counts), 1 / counts, counts], 1) / times[:, None]  # relative errors
        self.work_terms = np.linalg.lstsq(terms, np.ones_like(times), rcond=None)[0].clip(0)

    def work(self, ranks):
        known = {s["shards"]: s["best_us"] for s in self.shards}
        return known.get(ranks, float(np.dot(self.work_terms, [1, 1 / ranks, ranks])))

    def shared(self, ranks):
        exchange = self.rounds * self.latency + (ranks - 1) * self.bytes / self.bytes_per_us
        return self.work(ranks) + (exchange if ranks > 1 else 0)

    def gathered(self, ranks):
        share = (ranks - 1) / ranks
        return self.alone + (self.latency + share * self.logits / self.bytes_per_us if ranks > 1 else 0)


def table(measured, models, counts):
    def by(config, ranks):
        return next(r for r in measured["ranks"] if not r["alone"] and (r["config"], r["ranks"]) == (config, ranks))

    first = measured["shards"][0]
    text = [f"{first['rows']} rows of {first['vocabulary']}, float32, language-model-like; microseconds a call.", "",
            "Measured, median: one process with the whole machine; ranks of it with a core each, over shared memory.",
            "", "| | rounds | bytes a row and rank | one process | 1 rank | 2 ranks | 2 ranks / one process |",
            "| --- | --- | --- | --- | --- | --- | --- |"]
    for config, model in models.items():
        two = by(config, 2)
        text.append(f"| {config} | {two['rounds']} | {two['bytes'] / two['rows']:.0f} | {model.alone:.0f} | "
                    f"{by(config, 1)['us']:.0f} | {two['us']:.0f} | {two['us'] / model.alone:.2f} |")
    one = next(iter(models.values()))
    text += ["", f"Modelled, with {one.latency:g} us a collective and {one.bytes_per_us / 1e3:g} GB/s; what ranks have "
             "to do is measured up to 64 of them, a core each. In brackets: with the logits gathered.", "",
             "| ranks | " + " | ".join(models) + " |", "| --- " * (len(models) + 1) + "|"]
    for ranks in counts:
        text.append(f"| {ranks} | " + " | ".join(f"{m.shared(ranks):.0f} ({m.gathered(ranks):.0f})"
                                                 for m in models.values()) + " |")
    return "\n".join(text) + "\n"


def plot(path, models, counts):
    plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "ranks"})
    figure, axes = plt.subplots(figsize=(8, 5))
    for config, model in models.items():
        color = COLORS[config]
        axes.plot(counts, [model.shared(r) / 1e3 for r in counts], color=color, label=config)
        axes.plot(counts, [model.gathered(r) / 1e3 for r in counts], color=color, linestyle=":")
        known = [s["shards"] for s in model.shards]
        axes.plot(known, [model.shared(r) / 1e3 for r in known], "o", color=color, markersize=3.5)
    axes.plot([], [], color="#777777", linestyle=":", label="logits gathered")
    axes.set(xscale="log", yscale="log", xlabel="ranks", ylabel="ms a call",
             title="Points: a rank's work measured, its network modelled. Lines: all of it modelled")
    axes.set_xticks(counts, [str(r) for r in counts])
    axes.minorticks_off()
    axes.grid(True, color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a third of the time")
    parser.add_argument("--latency", type=float, default=45, help="of a collective, microseconds (45)")
    parser.add_argument("--bandwidth", type=float, default=25, help="of a rank's messages, GB/s (25)")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build" / "bench")
    options = parser.parse_args()
    measured = measure(0.3 if options.quick else 1)
    models = {config: Model(measured, config, options.latency, options.bandwidth) for config in CONFIGS}
    counts = [2 ** i for i in range(MOST.bit_length())]
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "ranks.json").write_text(json.dumps(measured, indent=1) + "\n")
    text = table(measured, models, counts)
    (options.output / "ranks.md").write_text(text)
    plot(options.output / "ranks.svg", models, counts)
    print(text)


if __name__ == "__main__":
    main()
