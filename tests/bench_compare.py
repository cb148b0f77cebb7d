"""Tests of bench/compare.py and bench/rounds.py, on runs of a few figures and on commands that make them up."""
import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "bench"))
import compare  # noqa: E402
import rounds  # noqa: E402

HEADER = {"kind": "header", "processor": "P", "cores": 2, "device": "D", "platform": "O", "driver": "1"}
CASE = {"run": "r", "workload": "lm", "type": "float32", "rows": 4, "vocabulary": 1000, "where": "host"}


def run(kernel=50, plain=40, read="kernel", empty=1, peer=None, header=HEADER, **calls):
    """What a run has measured, in microseconds; calls by the names of configurations."""
    results = [dict(CASE, kind="read", name=name, median_us=time)
               for name, time in (("kernel", kernel), ("plain", plain))]
    results.append(dict(CASE, kind="empty", name="empty call", median_us=empty))
    results += [dict(CASE, kind="tombola", name=name, median_us=time, read=read, share_of_read=-1)
                for name, time in calls.items()]
    if peer:
        results.append(dict(kind="peer", peer="numpy", name="greedy", workload="lm", type="float32", rows=4,
                            vocabulary=1000, median_us=peer, run="peers"))
    return {"header": header, "results": results}


def cells(line):
    return [cell.strip() for cell in line.strip("|\n").split("|")]


class Scripts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def call(self, script, *arguments):
        """The exit status, the table's lines by name, and all that is said."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            status = script.main(list(map(str, arguments)))
        table = {cells(line)[0]: cells(line)[5:] for line in said.getvalue().splitlines() if line.startswith("| ")}
        return status, table, said.getvalue()

    def compare(self, old, new):
        for name, one in (("old", old), ("new", new)):
            (self.folder / name).write_text(json.dumps(one))
        return self.call(compare, self.folder / "old", self.folder / "new")

    # The read takes 50 and 25: what took twice the read takes as long now as it, or twice it, and so on.
    def test_ratios_are_of_shares_of_the_read(self):
        status, table, said = self.compare(run(greedy=100, mixed=100), run(kernel=25, greedy=50, mixed=55))
        self.assertEqual(table["greedy"], ["100.0", "50.0", "0.50", "0.50", "0.50", "1.00", ""])
        self.assertEqual(table["mixed"], ["100.0", "55.0", "0.55", "0.50", "0.45", "0.91", ""])
        self.assertEqual(table["read, kernel"], ["50.0", "25.0", "0.50", "", "", "", ""])
        self.assertNotIn("empty call", table)
        self.assertEqual(status, 0)
        self.assertIn("None of 4 worse", said)

    def test_more_than_a_tenth_fails(self):
        status, table, said = self.compare(run(greedy=100, mixed=100), run(kernel=25, greedy=50, mixed=56))
        self.assertEqual(table["mixed"], ["100.0", "56.0", "0.56", "0.50", "0.45", "0.89", "worse"])
        self.assertEqual(table["greedy"][-1], "")
        self.assertEqual(status, 1)
        self.assertIn("1 of 4 worse", said)

    def test_both_are_held_against_the_read_of_the_new_run(self):
        status, table, _ = self.compare(run(greedy=100), run(read="plain", greedy=100))
        self.assertEqual(table["greedy"][3:], ["0.40", "0.40", "1.00", ""])
        self.assertEqual(status, 0)

    def test_what_one_run_lacks_is_said_and_no_failure(self):
        status, table, said = self.compare(run(greedy=100, mixed=100, peer=7), run(greedy=100, xtc=100))
        self.assertEqual(sorted(table), ["configuration", "greedy", "read, kernel", "read, plain"])
        self.assertIn("Only in the old run: 4x1000 lm float32 host r: mixed\n", said)
        self.assertIn("Only in the old run: 4x1000 lm float32 peers: numpy: greedy\n", said)
        self.assertIn("Only in the new run: 4x1000 lm float32 host r: xtc\n", said)
        self.assertEqual(status, 0)

    def test_peers_are_shown_and_not_judged(self):
        status, table, _ = self.compare(run(greedy=100, peer=7), run(greedy=100, peer=70))
        self.assertEqual(table["numpy: greedy"], ["7.0", "70.0", "10.00", "", "", "", ""])
        self.assertEqual(status, 0)

    def test_another_machine_is_said_and_fails_nothing(self):
        for field in ("processor", "cores", "device", "platform"):
            status, table, said = self.compare(run(greedy=100), run(greedy=200, header={**HEADER, field: "X"}))
            self.assertEqual(table["greedy"][-1], "worse")
            self.assertIn(f"Another {field}: old {HEADER[field]}, new X\n", said)
            self.assertEqual(status, 0)
        status, _, said = self.compare(run(greedy=100), run(greedy=200, header={**HEADER, "driver": "2"}))
        self.assertIn("Another driver: old 1, new 2\n", said)
        self.assertEqual(status, 1)

    def command(self, name, *runs):
        """A `tombola` that tells of these runs, one after the other and then of the last one, and notes its calls."""
        path = self.folder / name
        for number, one in enumerate(runs, 1):
            lines = map(json.dumps, [one["header"], *one["results"]])
            (self.folder / f"{name}.{number}").write_text("\n".join(lines))
        path.write_text(f"""#!/bin/sh
echo "$*" >>{path}.log
call=$(wc -l <{path}.log)
[ {len(runs)} -gt 0 ] || {{ echo no such thing >&2; exit 2; }}
[ "$call" -le {len(runs)} ] || call={len(runs)}
cat {path}.$call
""")
        path.chmod(0o755)
        return path

    def calls(self, path):
        return (self.folder / (path.name + ".log")).read_text().splitlines()

    def rounds(self, old, new):
        return self.call(rounds, "3", "0.5", old, new, "--", "--shapes", "4x1000", "--configs", "greedy,mixed")

    def test_rounds_alternate_and_have_medians(self):
        old = self.command("old", *(run(greedy=time, mixed=90) for time in (100, 300, 110)))
        new = self.command("new", *(run(greedy=time, mixed=90) for time in (500, 112, 111)))
        status, table, said = self.rounds(old, new)
        self.assertEqual(table["greedy"], ["110.0", "112.0", "1.02", "0.45", "0.45", "0.98", ""])
        self.assertEqual(self.calls(old), 3 * ["bench --json --seconds 0.5 --shapes 4x1000 --configs greedy,mixed"])
        self.assertEqual(self.calls(new), self.calls(old))
        self.assertEqual(status, 0)

    def test_what_is_worse_twice_fails(self):
        old, new = self.command("old", run(greedy=100, mixed=90)), self.command("new", run(greedy=120, mixed=90))
        status, table, said = self.rounds(old, new)
        self.assertEqual(table["greedy"], ["100.0", "120.0", "1.20", "0.50", "0.42", "0.83", "worse"])
        self.assertEqual([call.split()[-1] for call in self.calls(new)], 3 * ["greedy,mixed"] + 3 * ["greedy"])
        self.assertIn("once more, as they are worse: greedy (lm, float32)\n", said)
        self.assertEqual(status, 1)

    def test_what_is_worse_once_does_not(self):
        old = self.command("old", run(greedy=100, mixed=90))
        new = self.command("new", *3 * [run(greedy=200, mixed=90)], run(greedy=101, mixed=90))
        status, table, _ = self.rounds(old, new)
        self.assertEqual(table["greedy"][:2], ["100.0", "101.0"])
        self.assertEqual(table["mixed"][:2], ["90.0", "90.0"])
        self.assertEqual(status, 0)

    def test_neither_a_good_best_round_nor_a_slow_read_is_worse(self):
        old = self.command("old", run(greedy=100))
        new = self.command("new", run(greedy=130), run(greedy=101), run(greedy=130))
        self.assertEqual(self.rounds(old, new)[0], 0)
        new = self.command("quick_read", run(kernel=40, greedy=105))
        self.assertEqual(self.rounds(old, new)[0], 0)
        self.assertEqual(len(self.calls(new)), 3)

    def test_a_case_that_the_old_one_has_not_is_left_out(self):
        new, none = self.command("new", run(greedy=100)), self.command("none")
        status, table, said = self.rounds(none, new)
        self.assertIn(f"left out: {none} says\nno such thing", said)
        self.assertEqual((status, list(table)), (0, ["configuration"]))
        self.assertEqual(self.rounds(new, none)[0], 1)


if __name__ == "__main__":
    unittest.main()
