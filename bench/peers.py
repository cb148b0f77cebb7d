#!/usr/bin/env python3
"""Measures what other samplers take for the rows that Tombola was measured with.

    peers.py --list [PEER...]              says which can be imported here, a line each
    peers.py PEER FILE.npy ROWS [OPTION...]  an object a line, as `tombola bench --json`

A peer is a module peer_NAME.py beside this file with
    VERSION             of what is measured
    THREADS             that it uses
    prepare(batch)      whatever the functions below take, from an array of rows x vocabulary; not timed
    DRAWS               by name of the configuration: a function of what was prepared, the seconds of which are
                        measured; gives a token for each row
The file's rows make batches of ROWS, which take turns as Tombola's do.
"""
import argparse
import importlib
import json
import statistics
import sys
import time

PEERS = ["numpy", "torch", "transformers", "llama"]
WARM_CALLS = 2
LEAST_CALLS = 5


def load(name):
    return importlib.import_module("peer_" + name)


def list_peers(names):
    for name in names:
        try:
            print(name, load(name).VERSION)
        except ImportError as error:
            print(f"{name} is missing: {error}", file=sys.stderr)


def check(config, batch, tokens):
    """What any sampler keeps to, whatever its random numbers."""
    for row, token in zip(batch, tokens):
        assert 0 <= token < len(row), (config, token)
        if config == "greedy":
            assert row[token] == row.max(), (config, token)
        if config.startswith("top-k"):
            assert (row > row[token]).sum() < 50, (config, token)


def measure(draw, batches, prepared, config, seconds):
    for call in range(WARM_CALLS):
        check(config, batches[call % len(batches)], draw(prepared[call % len(batches)]))
    times, start = [], time.perf_counter()
    while len(times) < LEAST_CALLS or time.perf_counter() - start < seconds:
        rows = prepared[len(times) % len(batches)]
        before = time.perf_counter()
        draw(rows)
        times.append(time.perf_counter() - before)
    return sorted(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="say which peers can be imported")
    parser.add_argument("--workload", default="lm", help="what the rows are called in the results")
    parser.add_argument("--seconds", type=float, default=1, help="for each configuration")
    parser.add_argument("arguments", nargs="*")
    options = parser.parse_args()
    if options.list:
        return list_peers(options.arguments or PEERS)
    import numpy

    name, path, rows = options.arguments
    logits, rows, peer = numpy.load(path), int(rows), load(name)
    count = len(logits) // rows
    batches = logits[: count * rows].reshape(count, rows, -1)
    prepared = [peer.prepare(batch) for batch in batches]
    for config, draw in peer.DRAWS.items():
        times = measure(draw, batches, prepared, config, options.seconds)
        print(json.dumps({
            "kind": "peer", "peer": name, "version": peer.VERSION, "threads": peer.THREADS, "name": config,
            "workload": options.workload, "type": "float32", "rows": rows, "vocabulary": logits.shape[1],
            "calls": len(times), "median_us": 1e6 * statistics.median(times), "min_us": 1e6 * times[0],
            "p95_us": 1e6 * times[(len(times) * 95 + 99) // 100 - 1],
        }), flush=True)


if __name__ == "__main__":
    main()
