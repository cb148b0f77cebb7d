"""Tests of bench/tune.py: every constant of its table stands where it says, and says there what it was tuned by."""
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "bench"))
import tune  # noqa: E402


class Tuned(unittest.TestCase):
    def test_each_has_one_place_and_its_alternatives_differ(self):
        for name, (file, values, _) in tune.TUNED.items():
            text = (ROOT / file).read_text()
            start, end = tune.place(name, text)
            self.assertNotIn(text[start:end], values)
            self.assertTrue(text[start].isdigit() or text[start] == "(", text[start:end])

    def test_each_place_names_its_command(self):
        named = set()
        for file in [*ROOT.glob("kernels/*.clh"), *ROOT.glob("src/*.c")]:
            for names in re.findall(r"Tuned: bench/tune\.py ([A-Z_ ]+)\.", file.read_text()):
                named |= {(name, str(file.relative_to(ROOT))) for name in names.split()}
        self.assertEqual(named, {(name, of[0]) for name, of in tune.TUNED.items()})


if __name__ == "__main__":
    unittest.main()
