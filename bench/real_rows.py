#!/usr/bin/env python3
"""Makes rows of logits to measure with: what SmolLM2 expects to come next in texts of several kinds.

    real_rows.py FILE.npy    float32, 64 x 49152: of each text four rows, after each quarter of it

It takes the package `tombola` and the model, see tombola.smollm.
"""
import os
import sys

import numpy as np
from tombola.smollm import Model

QUARTERS = 4

PROSE = (
    "The ferry left the harbour an hour before sunrise, with eleven passengers, two crates of lemons and a piano that "
    "nobody had come to collect. The captain, who had once been a teacher of music, looked at it for a long while and",
    "Glass is neither a crystal nor a liquid. When the melt is cooled quickly enough, its molecules lose the time that "
    "they would need to find their places in a lattice, and what remains is a solid without any order at a distance. "
    "This is why",
    "Dear Ms. Alvarez, thank you for your letter of 3 March about the noise of the pumps at night. We have measured "
    "the level at your window twice and found it to be above what the permit allows. We will therefore",
    "The council met on Tuesday evening to discuss the new bridge. Several residents spoke against the plan, saying "
    "that traffic through the old town would double; the engineer answered that",
)
CODE = (
    "def moving_average(values, window):\n    \"\"\"The means of all runs of `window` neighbours.\"\"\"\n"
    "    if window < 1 or window > len(values):\n        raise ValueError(window)\n    total = sum(values[:window])\n"
    "    means = [total / window]\n    for old, new in zip(values, values[window:]):\n        total += ",
    "#include <stdio.h>\n\nint main(void)\n{\n    int counts[256] = {0};\n    int c;\n    while ((c = getchar()) != "
    "EOF)\n        counts[c]++;\n    for (int i = 0; i < 256; i++)\n        if (counts[i] > 0)\n            printf(",
    "SELECT customers.name, SUM(orders.amount) AS total\nFROM customers\nJOIN orders ON orders.customer_id = "
    "customers.id\nWHERE orders.date >= '2024-01-01'\nGROUP BY",
    "{\"name\": \"lighthouse\", \"version\": \"2.1.0\", \"private\": true, \"scripts\": {\"build\": \"tsc\", \"test\": "
    "\"jest\"}, \"dependencies\": {\"express\": \"^4.18.2\", \"",
)
LISTS = (
    "Shopping list:\n- two kilograms of potatoes\n- a bunch of parsley\n- butter\n- six eggs\n- dark chocolate\n- ",
    "The planets, from the sun outwards: 1. Mercury, the smallest. 2. Venus, the hottest. 3. Earth. 4. Mars, the red "
    "one. 5. Jupiter, the largest. 6. Saturn",
)
LANGUAGES = (
    "Als der Zug endlich hielt, war es schon dunkel, und auf dem Bahnsteig stand nur ein alter Mann mit einer Laterne, "
    "der jeden Reisenden fragte, ob er",
    "La recette est simple : on lave les tomates, on les coupe en quartiers, puis on les fait revenir dans un peu "
    "d'huile d'olive avec de l'ail et du thym. Pendant ce temps,",
    "El invierno llegó temprano aquel año. Los pastores bajaron de la sierra con sus ovejas y contaron que en lo alto "
    "la nieve cubría ya",
)
CHATS = (
    ("Why is the sky blue? Answer in two sentences for a child.",),
    ("Write four lines of verse about a cat that waits for the rain to end; the second rhymes with the fourth.",),
    ("What is 17 times 23?", "17 times 23 is 391.", "And how did you work that out, step by step?"),
)


def quarters(tokens):
    """Four chunks, one after the other."""
    ends = [len(tokens) * quarter // QUARTERS for quarter in range(QUARTERS + 1)]
    return [tokens[start:end] for start, end in zip(ends, ends[1:])]


def make():
    model = Model()
    texts = [model.encode(text) for text in PROSE + CODE + LISTS + LANGUAGES] + [model.chat(*chat) for chat in CHATS]
    rows = list(range(len(texts)))
    return np.concatenate([model.logits(rows, chunks) for chunks in zip(*map(quarters, texts))])


def main(arguments):
    if len(arguments) != 1:
        return __doc__
    path, unfinished = arguments[0], arguments[0] + ".part.npy"
    np.save(unfinished, make().astype(np.float32))
    os.replace(unfinished, path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
