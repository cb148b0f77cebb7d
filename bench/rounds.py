#!/usr/bin/env python3
"""Measures two builds of the command in turn, round by round, and holds one beside the other.

    rounds.py ROUNDS SECONDS OLD NEW -- OPTION... [-- OPTION...]...

OLD and NEW are two of `tombola`; the options are those of `tombola bench`, once for each of the cases, which come one
after the other. What is worse, as compare.py has it, is measured a second time. Exits with 1 if it is so again, or
where NEW fails; a case that only OLD can't measure, having no such configuration yet, is left out.
"""
import json
import subprocess
import sys

from compare import find_worse, gather_both, tell
from turns import split


def measure(command, options, seconds):
    got = subprocess.run([command, "bench", "--json", "--seconds", seconds, *options], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, check=True)
    results = [json.loads(line) for line in got.stdout.splitlines()]
    return [dict(result, run=" ".join(options)) for result in results if result["kind"] != "header"]


def measure_in_turn(commands, options, rounds, seconds):
    """The figures of each command. Every other round the second one comes first."""
    results = [], []
    for turn in range(rounds):
        for which in (0, 1) if turn % 2 == 0 else (1, 0):
            results[which].append(measure(commands[which], options, seconds))
    return gather_both(*results)


def look_twice(commands, options, rounds, seconds):
    """As measure_in_turn, but what is worse has the figures of a second time."""
    old, new = measure_in_turn(commands, options, rounds, seconds)
    worse = find_worse(old, new, in_turn=True)
    if worse:
        print("  once more, as they are worse:", *(f"{key[0]} ({key[2]}, {key[3]})" for key in worse), flush=True)
        names = ",".join(dict.fromkeys(key[0] for key in worse))
        again = measure_in_turn(commands, [*options, "--configs", names], rounds, seconds)
        for first, second in zip((old, new), again):
            by_name = {key[:5]: of for key, of in second.items()}
            first.update({key: by_name[key[:5]] for key in worse})
    return old, new


def main(arguments):
    if len(arguments) < 6 or arguments[4] != "--":
        return __doc__
    rounds, seconds, *commands = arguments[:4]
    old, new, failed = {}, {}, []
    for options in split(arguments[4:]):
        print("tombola bench", *options, flush=True)
        try:
            both = look_twice(commands, options, int(rounds), seconds)
        except subprocess.CalledProcessError as error:
            failed.append(error.cmd[0])
            print(f"  left out: {error.cmd[0]} says\n{error.stderr.strip()}", flush=True)
            continue
        old.update(both[0])
        new.update(both[1])
    worse = tell(old, new, in_turn=True)
    return int(worse > 0 or commands[1] in failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
