#!/usr/bin/env python3
"""Compares what Tombola keeps of rows, and with which probabilities, with what other packages' own code does.

Random rows with fixed seeds; each rule and filter alone with several values, then mixes of them in the peer's order. A
token may be kept by one and not by the other where moving the peer's parameter by 1e-5 moves it across; probabilities
must be within 1e-5; unless a step sets bounds of its own. Of a mix, every beginning is drawn from too, so that each
step is compared on what the steps before have really left. Where the two differ on purpose, that is asserted. Exits
with 1 on any other difference.
"""
import argparse
import importlib
import sys
from pathlib import Path

import numpy as np

import side_cases
import side_product
from side_cases import PROBABILITY, softmax


class Tally:
    """What became of the steps of a name."""

    def __init__(self):
        self.rows = self.doubtful = self.failed = 0
        self.furthest = 0.0


def compare_step(step, scores, past, kept, probabilities):
    """The scores of what is kept; whether the peer keeps the same; what is wrong, if anything; how far off."""
    outs = [peer(scores, past) for peer in step.peers]
    left = np.array([out > -np.inf for out in outs])
    after = np.where(kept, np.max(outs if step.doubt is None else [*outs, scores], axis=0), -np.inf)
    same = bool((kept == left[0]).all()) and bool((left == left[0]).all())
    least, most = left.all(axis=0), left.any(axis=0)
    if step.doubt and not same:
        open_ = step.doubt(scores, left[0])
        least, most = least & ~open_, most | open_
    if (least & ~kept).any() or (kept & ~most).any():
        return after, same, f"keeps {kept.sum()}, the peer {[int(one.sum()) for one in left]}", 0.0
    off = np.abs(softmax(after) - probabilities).max()
    return after, same, None if off <= step.within else f"has a probability that is {off:.2g} off", off


def compare_case(peer, case, results, tally):
    """results has (kept, probabilities) for each beginning of the steps."""
    scores, certain = case.row.astype(np.float64), True
    for step, (kept, probabilities) in zip(case.steps, results):
        scores, same, wrong, off = compare_step(step, scores, case.past, kept, probabilities)
        certain = certain and same
        one = tally.setdefault(step.name if len(case.steps) == 1 else "mixes: " + step.name, Tally())
        one.rows += 1
        one.doubtful += not same
        one.furthest = max(one.furthest, off)
        if wrong:
            one.failed += 1
            params = {name: value for each in case.steps for name, value in each.params.items()}
            if one.failed <= 3:
                print(f"  {step.name} of {params}, {len(case.row)} tokens: Tombola {wrong}")
            return
    if len(case.steps) > 1:
        one = tally.setdefault("mixes: all at once", Tally())
        one.rows += 1
        if not certain:
            one.doubtful += 1
        else:
            compare_whole(peer, case, results[-1], one)


def compare_whole(peer, case, result, one):
    """The peer's chain in one go, where no step stood at a boundary."""
    scores = peer.whole(case.steps, case.row.astype(np.float64), case.past)
    off = np.abs(softmax(scores) - result[1]).max()
    one.furthest = max(one.furthest, off)
    if ((scores > -np.inf) != result[0]).any() or off > max(step.within for step in case.steps):
        one.failed += 1
        if one.failed <= 3:
            print(f"  all of {[(step.name, step.params) for step in case.steps]}: Tombola keeps {result[0].sum()}, the"
                  f" peer {(scores > -np.inf).sum()}; a probability is {off:.2g} off")


def compare(command, peer, cases):
    rows = []
    for case in cases:
        params = {}
        for step in case.steps:
            params = {**params, **step.params}
            rows.append(side_product.Row(case.row, case.past, params))
    results, tally = iter(side_product.sample(command, peer.PRESET, rows, peer.BREAKERS)), {}
    for case in cases:
        compare_case(peer, case, [next(results) for _ in case.steps], tally)
    return tally


def check_differences(command, peer):
    """Prints how the two differ on purpose; gives how many differences are not there as told."""
    cases = peer.DIFFERENCES
    rows = [side_product.Row(case.row, case.past, case.params) for case in cases]
    results, failed = side_product.sample(command, peer.PRESET, rows), 0
    print("  On purpose:")
    for case, (_, p) in zip(cases, results):
        own, other = np.abs(p - case.probabilities).max() <= PROBABILITY, case.differs(case.peer())
        failed += not (own and other)
        print(f"  {case.name:48}", "differ as told" if own and other else
              f"{'' if own else f'Tombola has {p}, '}{'' if other else f'the peer has {case.peer()}'}")
    return failed


def cases_of(peer, quick):
    random = np.random.default_rng(20250320)
    short = side_cases.make_rows(random, 9 if quick else 64, 1000)
    long = side_cases.make_rows(random, 3 if quick else 8, 32000)
    every = [step for kind in peer.KINDS for step in kind] + peer.KEEP
    few = [step for kind in peer.KINDS for step in kind[::2]]
    return (side_cases.alone(random, short, every) + side_cases.alone(random, long, few) +
            side_cases.mixed(random, short, 20 if quick else 200, peer.KINDS))


def print_table(tally):
    print(f"  {'':32}{'rows':>8}{'at a boundary':>16}{'furthest':>12}{'differ':>9}")
    for name, one in tally.items():
        print(f"  {name:32}{one.rows:>8}{one.doubtful:>16}{one.furthest:>12.1e}{one.failed:>9}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("command", help="the tombola command")
    parser.add_argument("peers", nargs="+", choices=["transformers", "llama"])
    parser.add_argument("--quick", action="store_true", help="fewer rows")
    options = parser.parse_args()
    command, failed = str(Path(options.command).resolve()), 0
    for name in options.peers:
        peer = importlib.import_module("side_" + name)
        print(f"Beside {peer.VERSION}" + (f", which lacks {', '.join(peer.MISSING)}" if peer.MISSING else ""))
        tally = compare(command, peer, cases_of(peer, options.quick))
        print_table(tally)
        failed += sum(one.failed for one in tally.values()) + check_differences(command, peer)
    print("All the same" if not failed else f"{failed} differ")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
