#!/usr/bin/env python3
"""Measures what was tuned beside its alternatives, in turn, round by round.

    tune.py --list       says what was tuned, where, and what it is measured by
    tune.py [NAME...]    measures these, or all, which takes half an hour; run bench/run.sh --quick before, which builds

An alternative is built in build/tune. "new" is the alternative: where it is quicker by more than noise in one case and
slower in none, it is the better one.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

from compare import tell
from rounds import measure_in_turn

ROOT = pathlib.Path(__file__).resolve().parents[1]
TREE = ROOT / "build/tune"
ROUNDS, SECONDS = 3, "0.15"

BIG, MANY_KEPT = "--shapes 64x128256 ", "--shapes 64x128256 --workloads gaussian,flat,ties --configs top-p"
# By name: the file, the alternatives, and the options of `tombola bench`.
TUNED = {
    "STEP": ("kernels/softmax.clh", ["8", "4"], BIG + "--configs temperature,top-p"),
    "CANDIDATES": ("src/program.c", ["2048", "8192"], BIG + "--workloads lm,gaussian --configs top-k,top-p"),
    "COARSE": ("kernels/pivot.clh", ["4u", "16u"], MANY_KEPT),
    "TOO_FEW": ("kernels/pivot.clh", ["3.0f", "12.0f"], MANY_KEPT + ",top-p-t1.5"),
    "MANY_EQUALS": ("kernels/pivot.clh", ["64.0f", "256.0f"], BIG + "--workloads ties --configs top-p,top-p-t1.5"),
    "DEVIATIONS": ("kernels/pivot.clh", ["1.25f", "2.5f"], MANY_KEPT),
    "PIVOT_TRIES": ("kernels/select_alone.clh", ["3", "8"], MANY_KEPT),
    "MANY_MAXIMA": ("kernels/select_alone.clh", ["32u", "128u"],
                    "--shapes 64x32000,64x128256 --workloads lm,gaussian --configs top-p,top-p-0.9-t0.7"),
    "SAMPLE": ("kernels/select_alone.clh", ["512u", "2048u"], BIG + "--workloads lm,gaussian --configs top-p,top-p-t1.5"),
    "SHORT_ROW": ("kernels/select_alone.clh", ["256u", "1024u"], "--shapes 256x500,256x1000 --configs top-k,top-p"),
    "TOPS_OF_LIMIT": ("kernels/select_alone.clh", ["4", "16"], "--shapes 256x8000,256x16000 --configs top-k"),
    "CROWDED_ROW": ("kernels/select_alone.clh", ["64u", "1024u"],
                    "--shapes 64x32000,64x128256 --workloads lm,gaussian --configs top-p"),
    "FEW_BLOCKS": ("kernels/facts.clh", ["8", "128"], BIG + "--configs top-k,min-p,logprobs"),
    "FEW_TOKENS": ("kernels/race_few.clh", ["16u", "64u"], BIG + "--configs top-k,top-p,samples-8"),
    "MANY_SAMPLES": ("kernels/row.clh", ["8"], BIG + "--workloads lm,gaussian --configs samples-8"),
}
# Where a value stands that is no macro's.
BEFORE = {"CANDIDATES": r"192 \* 1024 \? "}


def place(name, text):
    """Where the value stands in its file."""
    before = BEFORE.get(name, rf"#define {name} +")
    found = re.findall(rf"{before}(?:\([^()]*\)|[\w.]+)", text)
    assert len(found) == 1, f"{TUNED[name][0]} has {len(found)} places of {name}"
    start = re.match(before, found[0]).end()
    return text.index(found[0]) + start, text.index(found[0]) + len(found[0])


def copy_changed(source, target):
    """So that what the last build had another value in, and that alone, is built anew."""
    target = pathlib.Path(target)
    if not target.exists() or target.read_bytes() != pathlib.Path(source).read_bytes():
        shutil.copyfile(source, target)


def build(name, value):
    """The command with another value."""
    file = TUNED[name][0]
    for part in ("include", "kernels", "src"):
        shutil.copytree(ROOT / part, TREE / part, copy_function=copy_changed, dirs_exist_ok=True)
    copy_changed(ROOT / "CMakeLists.txt", TREE / "CMakeLists.txt")
    text = (ROOT / file).read_text()
    start, end = place(name, text)
    (TREE / file).write_text(text[:start] + value + text[end:])
    for command in (["cmake", "-S", TREE, "-B", TREE / "build"],
                    ["cmake", "--build", TREE / "build", "--target", "tombola_tool", "--parallel"]):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return TREE / "build/tombola"


def main(arguments):
    if not set(arguments) <= {"--list", *TUNED}:
        return __doc__
    os.environ.setdefault("POCL_AFFINITY", "1")
    for name in TUNED if "--list" in arguments else arguments or TUNED:
        file, values, options = TUNED[name]
        start, end = place(name, text := (ROOT / file).read_text())
        print(f"{name} of {file} is {text[start:end]}; tombola bench {options}", flush=True)
        for value in [] if "--list" in arguments else values:
            commands = ROOT / "build/tombola", build(name, value)
            print(f"\nnew: {name} {value}", flush=True)
            tell(*measure_in_turn(commands, options.split(), ROUNDS, SECONDS), in_turn=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
