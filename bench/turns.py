#!/usr/bin/env python3
"""Measures programs in turns, so that the machine's noise hits all alike.

    turns.py SECONDS -- COMMAND... [-- COMMAND...]...

Each command says "ready" on a line when it waits for a turn. It gets one by a line with its seconds for each
configuration; when its input ends, it prints its results as objects of JSON, a line each. A command starts when those
before it are ready. Prints all results. SECONDS are those of all turns together. What fails is named, and the others go
on without it; the exit status is 1 if it was the first one.
"""
import pathlib
import subprocess
import sys
import time

TURNS = 5


def split(arguments):
    """At each --."""
    commands = []
    for argument in arguments:
        if argument == "--":
            commands.append([])
        else:
            commands[-1].append(argument)
    return commands


class Participant:
    def __init__(self, command):
        self.name, self.failed = " ".join(command), False
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.wait()

    def wait(self):
        for line in self.process.stdout:
            if line.strip() == "ready":
                return self.rest()
        self.failed = True
        return None

    def rest(self):
        """Threads that wait for work may spin for a while: the next turn begins when they sleep."""
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task")
        for _ in range(50):
            states = [stat.read_text().rpartition(")")[2].split()[0] for stat in tasks.glob("*/stat")]
            if "R" not in states:
                return
            time.sleep(0.01)

    def take_turn(self, seconds):
        try:
            self.process.stdin.write(f"{seconds:g}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # of one that failed: it is not ready again
        self.wait()

    def finish(self):
        """Its results, a text."""
        self.process.stdin.close()
        results = [line for line in self.process.stdout if line.startswith("{")]
        self.failed = self.process.wait() != 0 or self.failed or not results
        return "" if self.failed else "".join(results)


def main(arguments):
    if len(arguments) < 3 or arguments[1] != "--":
        return __doc__
    seconds = float(arguments[0])
    participants = []
    for command in split(arguments[1:]):
        participants.append(Participant(command))
        if participants[0].failed:
            break
    for _ in range(TURNS):
        for participant in participants:
            if not participant.failed:
                participant.take_turn(seconds / TURNS)
    for participant in participants:
        print(participant.finish(), end="", flush=True)
        if participant.failed:
            print(f"turns.py: this failed: {participant.name}", file=sys.stderr)
    return int(participants[0].failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
