#!/usr/bin/env python3
"""Holds one run of the benchmark beside another.

    compare.py OLD.json NEW.json    results.json of run.sh

Prints both side by side. Exits with 1 where something is worse on the same machine: where its share of the read has
fallen by more than a tenth. Both are held against the same read, the one that the new run is held against.
"""
import json
import pathlib
import statistics
import sys
from collections import defaultdict

from reads import case, name_of, reads_of
from tables import number, table

LEAST = 0.9
SAID = ["processor", "cores", "device", "platform", "version", "driver", "compute_units", "blocks", "threads", "seed"]
MACHINE = SAID[:4]


class Figures:
    """What a call takes, and its share of the read, in each of several rounds."""

    def __init__(self):
        self.microseconds, self.shares = [], []

    @property
    def speeds(self):
        return [1 / time for time in self.microseconds]

    def is_worse_than(self, old, in_turn):
        """In the middle of the rounds and in the best one, since noise seldom hits both. Of two that were measured in
        turn the calls must take longer, too: else it is the read that noise has hit."""
        if not (self.shares and old.shares):
            return False
        pairs = [(self.shares, old.shares)] + [(self.speeds, old.speeds)] * in_turn
        return all(of(now) < LEAST * of(then) for now, then in pairs for of in (statistics.median, max))


def key_of(result):
    """Name, shape, workload, type and place, as a table has them, and the run."""
    return (name_of(result), f"{result['rows']}x{result['vocabulary']}", result["workload"], result["type"],
            result.get("where", ""), result.get("run"))


def choose_reads(rounds):
    """By case, the read that most rounds are held against."""
    choices = defaultdict(list)
    for result in sum(rounds, []):
        if "read" in result:
            choices[case(result)].append(result["read"])
    return {of: statistics.mode(names) for of, names in choices.items()}


def gather(rounds, chosen):
    """The figures by key. rounds   lists of results; chosen   by case, the name of the read"""
    figures = defaultdict(Figures)
    for results in rounds:
        reads = reads_of(results)
        for result in results:
            if result["kind"] == "empty":
                continue
            of = figures[key_of(result)]
            of.microseconds.append(result["median_us"])
            if "read" in result:
                read = reads[case(result)][chosen.get(case(result), result["read"])]
                of.shares.append(read / result["median_us"])
    return figures


def gather_both(old_rounds, new_rounds):
    chosen = choose_reads(new_rounds)
    return gather(old_rounds, chosen), gather(new_rounds, chosen)


def find_worse(old, new, in_turn=False):
    return [key for key in new if key in old and new[key].is_worse_than(old[key], in_turn)]


def tell_machines(old, new):
    """Says where headers differ; returns whether the machine is the same."""
    for field in SAID:
        if old.get(field) != new.get(field):
            print(f"Another {field.replace('_', ' ')}: old {old.get(field)}, new {new.get(field)}")
    return all(old.get(field) == new.get(field) for field in MACHINE)


def tell_missing(which, keys):
    lists = defaultdict(list)
    for name, *rest in keys:
        lists[" ".join(filter(None, rest))].append(name)
    for rest, names in lists.items():
        print(f"Only in the {which} run: {rest}: {', '.join(names)}")


def ratio(new, old):
    return number(statistics.median(new) / statistics.median(old), 2) if new and old else ""


def tell(old, new, in_turn=False):
    """Prints both; returns how many are worse."""
    worse, rows = find_worse(old, new, in_turn), []
    for key, now in new.items():
        if key in old:
            then = old[key]
            shares = [number(statistics.median(of.shares), 2) if of.shares else "" for of in (then, now)]
            rows.append([*key[:5], *(number(statistics.median(of.microseconds)) for of in (then, now)),
                         ratio(now.microseconds, then.microseconds), *shares, ratio(now.shares, then.shares),
                         "worse" if key in worse else ""])
    print()
    print(table(["configuration", "shape", "workload", "type", "where", "old us", "new us", "new / old", "old read",
                 "new read", "new / old", ""], rows))
    tell_missing("old", [key for key in old if key not in new])
    tell_missing("new", [key for key in new if key not in old])
    print(f"{len(worse) or 'None'} of {len(rows)} worse: the share of the read fell by more than {1 - LEAST:.0%}.")
    return len(worse)


def main(arguments):
    if len(arguments) != 2:
        return __doc__
    old, new = (json.loads(pathlib.Path(argument).read_text()) for argument in arguments)
    is_same = tell_machines(old["header"], new["header"])
    worse = tell(*gather_both([old["results"]], [new["results"]]))
    if worse and not is_same:
        print("The machines differ, so that this is no failure.")
    return int(worse > 0 and is_same)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
