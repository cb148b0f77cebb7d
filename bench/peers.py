#!/usr/bin/env python3
"""Measures what other samplers take for the rows that Tombola was measured with.

    peers.py --list [PEER...]              says which can be imported here, a line each
    peers.py PEER FILE.npy ROWS [OPTION...]  in turns, as turns.py has it: an object a line, as `tombola bench --json`

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


def warm_up(draw, batches, prepared, config):
    for call in range(WARM_CALLS):
        check(config, batches[call % len(batches)], draw(prepared[call % len(batches)]))


def measure(draw, prepared, times, seconds):
    """Adds the times of calls to those there are: one call at least, and as many as there is time for."""
    end = time.perf_counter() + seconds
    while True:
        rows = prepared[len(times) % len(prepared)]
        before = time.perf_counter()
        draw(rows)
        now = time.perf_counter()
        times.append(now - before)
        if now >= end:
            break


def turns():
    """The seconds of each, while there are any."""
    print("ready", flush=True)
    for line in sys.stdin:
        yield float(line)
        print("ready", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="say which peers can be imported")
    parser.add_argument("--workload", default="lm", help="what the rows are called in the results")
    parser.add_argument("--configs", default="all", help="which of its DRAWS, names with commas between them")
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
    wanted = list(peer.DRAWS) if options.configs == "all" else options.configs.split(",")
    draws = {config: draw for config, draw in peer.DRAWS.items() if config in wanted}
    times = {config: [] for config in draws}
    for config, draw in draws.items():
        warm_up(draw, batches, prepared, config)
    for seconds in turns():
        for config, draw in draws.items():
            measure(draw, prepared, times[config], seconds)
    for config, of_config in times.items():
        of_config.sort()
        print(json.dumps({
            "kind": "peer", "peer": name, "version": peer.VERSION, "threads": peer.THREADS, "name": config,
            "workload": options.workload, "type": "float32", "rows": rows, "vocabulary": logits.shape[1],
            "calls": len(of_config), "median_us": 1e6 * statistics.median(of_config), "min_us": 1e6 * of_config[0],
            "p95_us": 1e6 * of_config[(len(of_config) * 95 + 99) // 100 - 1],
        }), flush=True)


if __name__ == "__main__":
    main()
