"""Where a token's time goes: in the model, in Tombola, and in the same chain in numpy."""
import os
import time

import numpy as np

import peer_numpy
import tombola
from demo_page import say, table, title, write

CHAINS = {"top-p": ("top-p 0.95", {"top_p": 0.95}),
          "top-k-top-p": ("top-k 50, top-p 0.95", {"top_k": 50, "top_p": 0.95})}
TEMPERATURE = 0.8   # it, and what CHAINS have, are peer_numpy's
BATCHES = 1, 8, 32
FIRST, STEPS = 2, 10   # steps that don't count, and all
SEED = 5


class Measured:
    """A model whose logits numpy draws from as well: seconds of every step for the model, for numpy, and of the rest
    until the next one."""

    def __init__(self, model, draw):
        self._model, self._draw = model, draw
        self.model, self.numpy, self.tombola, self._left = [], [], [], None

    def __call__(self, step):
        began = time.perf_counter()
        if self._left is not None:
            self.tombola.append(began - self._left)
        logits = self._model(step)
        given = time.perf_counter()
        self._draw(logits)
        self._left = time.perf_counter()
        self.model.append(given - began)
        self.numpy.append(self._left - given)
        return logits


def of_batch(model, sampler, prompt, count, chain):
    """Milliseconds a token of (model, Tombola, numpy), medians of steps."""
    measured = Measured(model, peer_numpy.DRAWS[chain])
    sampler.generate(measured, [prompt] * count, max_tokens=STEPS, temperature=TEMPERATURE, seed=SEED,
                     **CHAINS[chain][1])
    return [1000 * np.median(times[FIRST:]) / count for times in (measured.model, measured.tombola, measured.numpy)]


def milliseconds(value):
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def tell(rows, columns):
    """A table of (chain, batch, milliseconds a token for each of the columns, Tombola's and numpy's being the last)."""
    table([["chain", "batch", *columns, "numpy / Tombola"]] +
          [[CHAINS[chain][0], str(batch), *map(milliseconds, figures), f"{figures[-1] / figures[-2]:.1f}"]
           for chain, batch, *figures in rows])


def draw_plot(path, rows, device):
    """Bars of the same figures."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    batches = sorted({row[1] for row in rows})
    figure, panels = plt.subplots(1, len(CHAINS), figsize=(10, 4.6), sharey=True)
    for axes, (chain, (name, _)) in zip(panels, CHAINS.items()):
        here = {row[1]: row[2:] for row in rows if row[0] == chain}
        for i, (label, color) in enumerate((("model", "#999999"), ("Tombola", "#d95f02"), ("numpy", "#7570b3"))):
            places = [k + 0.27 * (i - 1) for k in range(len(batches))]
            bars = axes.bar(places, [here[batch][i] for batch in batches], 0.25, color=color, label=label)
            axes.bar_label(bars, [milliseconds(here[batch][i]) for batch in batches], fontsize=8, padding=2)
        axes.set_xticks(range(len(batches)), [f"batch of {batch}" for batch in batches])
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.set(title=f"temperature {TEMPERATURE}, {name}")
        axes.margins(y=0.12)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("milliseconds a token")
    panels[-1].legend(frameon=False, loc="upper right")
    figure.suptitle(f"SmolLM2-135M and how its tokens are drawn, on {device}", fontsize=11)
    figure.tight_layout()
    figure.savefig(path, dpi=130)
    plt.close(figure)


def show_model(demo, path):
    """Measures, tells and plots."""
    title("Where a token's time goes", f"Milliseconds a token at temperature {TEMPERATURE}: for the model to make its "
          "logits, for Tombola to draw from them, and for numpy to draw from the same ones by the same chain, in one "
          "thread. Tombola's count all that a step has besides the model.")
    prompt = demo.model.encode("The old lighthouse keeper opened the door and")
    rows = [(chain, batch, *of_batch(demo.model, demo.sampler, prompt, batch, chain))
            for chain in CHAINS for batch in BATCHES]
    tell(rows, ["model", "Tombola", "numpy"])
    device = demo.sampler.context.device.name
    draw_plot(path, rows, device)
    write(f"\n  as a plot: {min(os.path.relpath(path), path, key=len)}\n")
    title("In sum")
    speeds = {batch: 1000 / (model + ours) for chain, batch, model, ours, _ in rows if chain == "top-p"}
    say("Tokens a second: " + ", ".join(f"{speed:.0f} in a batch of {batch}" for batch, speed in speeds.items()) + ".")
    say(f"All texts above: {demo.tokens} tokens in {demo.seconds:.1f} s, {demo.tokens / demo.seconds:.0f} a second; "
        f"{demo.sampling / demo.seconds:.1%} of that time went into sampling, on {device}.")


def of_rows(sampler, rows, chain):
    """Milliseconds a token of (Tombola, numpy) for a batch of bits of bfloat16, medians of calls in turn."""
    floats = (rows.astype(np.uint32) << 16).view(np.float32)
    params = tombola.Params(len(rows), temperature=TEMPERATURE, seed=np.arange(len(rows)), **CHAINS[chain][1])
    times = []
    for _ in range(STEPS):
        began = time.perf_counter()
        sampler.sample(rows, params)
        drawn = time.perf_counter()
        peer_numpy.DRAWS[chain](floats)
        times.append((drawn - began, time.perf_counter() - drawn))
    return 1000 * np.median(times[FIRST:], axis=0) / len(rows)


def show_rows(sampler, logits):
    """Measures and tells what can be without a model."""
    title("Where the time goes", f"Milliseconds a token at temperature {TEMPERATURE}: for Tombola to draw it, and for "
          "numpy by the same chain, in one thread, from float32.")
    tell([(chain, batch, *of_rows(sampler, np.resize(logits, (batch, logits.shape[1])), chain))
          for chain in CHAINS for batch in BATCHES], ["Tombola", "numpy"])
