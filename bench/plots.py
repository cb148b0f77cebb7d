"""The plots of report.py. Lines are labelled where they end, so that no legend is needed."""
import math

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import NullLocator

from reads import name_of

COLORS = {"greedy": "#1b9e77", "temperature": "#d95f02", "top-k": "#7570b3", "top-p": "#e7298a",
          "top-k-top-p": "#66a61e", "min-p": "#a6761d", "mixed": "#555555",
          "mask": "#1f78b4", "bias": "#b2df8a", "mask-bias": "#a6cee3"}
READ, OTHER = "#000000", "#999999"


def rows_of(result):
    """What tells rows of one measurement from those of another."""
    return result["workload"], result["rows"], result["vocabulary"]


def main_results(results):
    return [r for r in results if r.get("run") not in ("peers", "controls")
            and r["kind"] in ("tombola", "read", "empty")
            and (r["workload"], r["type"], r["where"]) == ("lm", "float32", "host")]


def series(results, axis, fixed, value):
    """By name, the points (axis, median) of those whose `fixed` is `value`."""
    lines = {}
    for r in results:
        if r[fixed] == value:
            lines.setdefault(name_of(r), {})[r[axis]] = r["median_us"]
    return {name: sorted(points.items()) for name, points in lines.items()}


def spread(places, least):
    """Logarithms of places, moved apart so that labels there do not overlap, in the same order."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    moved = list(places)
    for _ in range(200):
        for low, high in zip(order, order[1:]):
            gap = moved[high] - moved[low]
            if gap < least:
                moved[low] -= (least - gap) / 2
                moved[high] += (least - gap) / 2
    return moved


def save(path, figure, axes):
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=130)
    plt.close(figure)


def draw_lines(path, lines, xlabel, title):
    lines = {name: points for name, points in lines.items() if len(points) > 1}
    if not lines:
        return
    figure, axes = plt.subplots(figsize=(8, 5.5))
    for name, points in lines.items():
        style = {"color": READ, "linestyle": ":" if "plain" in name else "--", "linewidth": 1.3} \
            if name.startswith("read") or name == "empty call" \
            else {"color": COLORS.get(name, OTHER), "marker": "o", "markersize": 3.5}
        axes.plot(*zip(*points), **style)
    axes.set(xscale="log", yscale="log", xlabel=xlabel, ylabel="microseconds a call (median)", title=title)
    ticks = sorted({x for points in lines.values() for x, _ in points})
    axes.set_xticks(ticks, [str(x) for x in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    low, high = axes.get_ylim()
    ends = list(lines.items())
    places = spread([math.log(points[-1][1]) for _, points in ends], math.log(high / low) / 26)
    for (name, points), place in zip(ends, places):
        axes.annotate(name, points[-1], xytext=(1.02, (place - math.log(low)) / math.log(high / low)),
                      textcoords="axes fraction", va="center", fontsize=9, color=COLORS.get(name, READ),
                      annotation_clip=False,
                      arrowprops={"arrowstyle": "-", "color": COLORS.get(name, READ), "linewidth": 0.4})
    axes.grid(True, which="major", color="#dddddd", linewidth=0.6)
    save(path, figure, axes)


def draw_limits(path, results, rows, vocabulary, title):
    here = [r for r in results if (r["rows"], r["vocabulary"]) == (rows, vocabulary)]
    bars = [(r["name"], r["gb_per_s"]) for r in here if r["kind"] == "tombola"]
    reads = [(r["name"], r["gb_per_s"]) for r in here if r["kind"] == "read"]
    if not bars:
        return
    figure, axes = plt.subplots(figsize=(8, 1.2 + 0.24 * len(bars)))
    for place, (name, speed) in enumerate(reversed(bars)):
        axes.barh(place, speed, color=COLORS.get(name, OTHER), height=0.62)
        axes.text(speed, place, f" {speed:.1f}", va="center", fontsize=9)
    axes.set_yticks(range(len(bars)), [name for name, _ in reversed(bars)])
    for place, (name, speed) in enumerate(sorted(reads, key=lambda read: read[1])):
        axes.axvline(speed, color=READ, linestyle=":" if name == "plain" else "--", linewidth=1.2)
        axes.annotate(f"{name} read {speed:.1f}", (speed, 1), xycoords=("data", "axes fraction"),
                      xytext=(-4 if place == 0 else 4, 2), textcoords="offset points", fontsize=9,
                      ha="right" if place == 0 else "left")
    axes.set(xlabel="GB/s of logits", xlim=(0, 1.12 * max(speed for _, speed in bars + reads)))
    axes.set_title(title, pad=18)
    save(path, figure, axes)


def draw_peers(path, results, workload, rows, vocabulary):
    here = [r for r in results if rows_of(r) == (workload, rows, vocabulary)]
    ours = {r["name"]: r["median_us"] for r in here if r["kind"] == "tombola" and r.get("run") == "peers"}
    peers = [r for r in here if r["kind"] == "peer" and r["name"] in ours]
    if not peers:
        return
    names = [name for name in ours if any(r["name"] == name for r in peers)]
    markers, told = dict(zip(dict.fromkeys(r["peer"] for r in peers), "sD^vP*")), set()
    figure, axes = plt.subplots(figsize=(8, 2 + 0.25 * len(names)))
    for place, name in enumerate(reversed(names)):
        theirs = [r for r in peers if r["name"] == name]
        axes.plot([ours[name], max(r["median_us"] for r in theirs)], [place, place], color="#dddddd", zorder=0)
        axes.plot(ours[name], place, "o", color="#d95f02", markersize=8, label="Tombola" if place == 0 else None)
        for r in theirs:
            axes.plot(r["median_us"], place, markers[r["peer"]], color="#777777", markersize=6, fillstyle="none",
                      label=r["peer"] if r["peer"] not in told else None)
            told.add(r["peer"])
    axes.set_yticks(range(len(names)), list(reversed(names)))
    axes.set(xscale="log", xlabel="microseconds a batch (median)",
             title=f"Others on the same bytes, {rows} rows of {vocabulary}, workload {workload}")
    axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1, 1))
    axes.grid(True, axis="x", color="#eeeeee")
    save(path, figure, axes)


def longest_axis(results, axis, fixed):
    """The value of `fixed` for which there are the most points along `axis`."""
    points = {}
    for r in results:
        points.setdefault(r[fixed], set()).add(r[axis])
    return max(sorted(points, reverse=True), key=lambda value: len(points[value]))


def draw(folder, header, results):
    for old in folder.glob("*.png"):
        old.unlink()
    ours, device = main_results(results), header["device"]
    vocabulary = longest_axis(ours, "rows", "vocabulary")
    draw_lines(folder / "rows.png", series(ours, "rows", "vocabulary", vocabulary), "rows",
               f"Time against rows, vocabulary {vocabulary}\n{device}")
    rows = longest_axis(ours, "vocabulary", "rows")
    draw_lines(folder / "vocabulary.png", series(ours, "vocabulary", "rows", rows), "vocabulary",
               f"Time against vocabulary, {rows} rows\n{device}")
    for rows, vocabulary in ((64, 128256), (256, 262144)):
        draw_limits(folder / f"limit-{rows}x{vocabulary}.png", ours, rows, vocabulary,
                    f"Speed against the limit, {rows} rows of {vocabulary}\n{device}")
    controls = [r for r in results if r.get("run") == "controls"]
    for rows, vocabulary in dict.fromkeys((r["rows"], r["vocabulary"]) for r in controls):
        draw_limits(folder / f"controls-{rows}x{vocabulary}.png", controls, rows, vocabulary,
                    f"Speed against the limit, every control, {rows} rows of {vocabulary}\n{device}")
    real = [r for r in results if r.get("run") == "real" and r["type"] == "float32"]
    for _, rows, vocabulary in dict.fromkeys(map(rows_of, real)):
        draw_limits(folder / f"real-{rows}x{vocabulary}.png", real, rows, vocabulary,
                    f"Speed against the limit, {rows} real rows of {vocabulary}\n{device}")
    for workload, rows, vocabulary in dict.fromkeys(rows_of(r) for r in results if r["kind"] == "peer"):
        draw_peers(folder / f"peers-{workload}-{rows}x{vocabulary}.png", results, workload, rows, vocabulary)
