"""Tests of bench/turns.py: who gets how many turns, in which order, and what becomes of those that fail."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

TURNS = pathlib.Path(__file__).parents[1] / "bench/turns.py"
WHO = """
import sys
name, log, most = sys.argv[1], sys.argv[2], int(sys.argv[3])
def tell(what):
    with open(log, "a") as file:
        file.write(name + " " + what + "\\n")
tell("starts")
print("of no interest\\nready", flush=True)
for number, line in enumerate(sys.stdin):
    if number == most:
        sys.exit("too many")
    tell(line.strip())
    print("ready", flush=True)
print('{"name": "' + name + '"}')
"""


class Turns(unittest.TestCase):
    def run_turns(self, *names):
        """names   a, b, ...; with a number behind it fails after so many turns"""
        commands = []
        with tempfile.TemporaryDirectory() as folder:
            log = pathlib.Path(folder, "log")
            for name in names:
                commands += ["--", sys.executable, "-c", WHO, name[0], log, name[1:] or "99"]
            got = subprocess.run([sys.executable, "-B", TURNS, "0.5", *commands], capture_output=True, text=True)
            return got, log.read_text().splitlines()

    def test_turns_alternate_and_share_the_seconds(self):
        got, log = self.run_turns("a", "b")
        self.assertEqual((got.returncode, got.stdout, got.stderr), (0, '{"name": "a"}\n{"name": "b"}\n', ""))
        self.assertEqual(log, ["a starts", "b starts"] + 5 * ["a 0.1", "b 0.1"])

    def test_others_go_on_without_one_that_fails(self):
        got, log = self.run_turns("a", "b2", "c")
        self.assertEqual((got.returncode, got.stdout), (0, '{"name": "a"}\n{"name": "c"}\n'))
        self.assertIn("turns.py: this failed: ", got.stderr)
        turns = [line[0] for line in log if "starts" not in line]
        self.assertEqual("".join(turns), "abcabcacacac")

    def test_the_first_one_is_what_it_is_about(self):
        got, log = self.run_turns("a3", "b")
        self.assertEqual((got.returncode, got.stdout), (1, '{"name": "b"}\n'))
        got = subprocess.run([sys.executable, "-B", TURNS, "1", "--", "false", "--", "never"], capture_output=True)
        self.assertEqual((got.returncode, got.stdout), (1, b""))


if __name__ == "__main__":
    unittest.main()
