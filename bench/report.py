#!/usr/bin/env python3
"""Makes results.json, results.csv, results.md and plots of what run.sh measured.

    report.py FOLDER    with raw.jsonl in it: what `tombola bench --json` and peers.py printed
"""
import csv
import json
import pathlib
import sys

import plots
from reads import FROM_MEMORY, IN_CACHE, name_of, settle_reads
from tables import number, table

COLUMNS = ["kind", "name", "peer", "version", "workload", "type", "rows", "vocabulary", "where", "logits", "calls",
           "distinct_rows", "checked_rows", "threads", "median_us", "min_us", "p95_us", "bytes", "gb_per_s",
           "read", "share_of_read", "upload_us", "kernel_us", "read_back_us", "kept_median", "kept_min",
           "kept_max", "own_bytes"]


def load(folder):
    """A header, and the results; what several runs measured alike (the peers' neighbours) stays apart."""
    lines = [json.loads(line) for line in (folder / "raw.jsonl").read_text().splitlines()]
    headers = [line for line in lines if line["kind"] == "header"]
    return headers[0], [line for line in lines if line["kind"] != "header"]


def kept(result):
    """How many tokens rows keep: the median, and from the least to the most where they differ."""
    if "kept_median" not in result:
        return ""
    least, most = result["kept_min"], result["kept_max"]
    return f"{result['kept_median']:.0f}" + (f" ({least}-{most})" if least < most else "")


def tombola_table(results):
    rows = []
    for result in results:
        rows.append([name_of(result), f"{result['rows']}x{result['vocabulary']}", result["workload"], result["type"],
                     result["where"], number(result["median_us"]), number(result["min_us"]),
                     number(result["p95_us"]), number(result.get("gb_per_s")), number(result.get("share_of_read"), 2),
                     number(result.get("upload_us")), number(result.get("kernel_us")),
                     number(result.get("read_back_us")), kept(result)])
    return table(["configuration", "shape", "workload", "type", "where", "median us", "min us", "p95 us", "GB/s",
                  "read", "upload", "kernels", "read-back", "kept"], rows)


def peer_tables(results):
    """A table a workload and shape: Tombola as measured beside the peers, then each of them, and the fastest one's
    distance."""
    text = ""
    beside = [r for r in results if r["kind"] == "tombola" and r.get("run") == "peers"]
    peers = [r for r in results if r["kind"] == "peer"]
    for rows_alike in dict.fromkeys(map(plots.rows_of, peers)):
        names = list(dict.fromkeys(r["peer"] for r in peers))
        rows = []
        for ours in beside:
            if plots.rows_of(ours) != rows_alike:
                continue
            theirs = {r["peer"]: r["median_us"] for r in peers
                      if plots.rows_of(r) == rows_alike and r["name"] == ours["name"]}
            if theirs:
                rows.append([ours["name"], number(ours["median_us"]), *(number(theirs.get(n)) for n in names),
                             number(min(theirs.values()) / ours["median_us"]) + "x"])
        text += "\n{}, {}x{}, microseconds a batch (median):\n\n".format(*rows_alike)
        text += table(["configuration", "Tombola", *names, "over the fastest peer"], rows)
    return text


def write_markdown(folder, header, results, notes):
    main = [r for r in results if r["kind"] != "peer" and r.get("run") != "peers"]
    decided = {r["read"] for r in main if "read" in r}
    text = f"""# Tombola {header["tombola"]}

{header["device"]} ({header["platform"]}, {header["version"]}, driver {header["driver"]}), {header["compute_units"]}
compute units, blocks {header["blocks"][0]}x{header["blocks"][1]}, {header["blocks"][2]} side by side. Processor:
{header["processor"]}, {header["cores"]} cores; plain read with {header["threads"]} threads. Seed {header["seed"]}.

{notes}

Times are of whole calls, medians; upload, kernels and read-back are those of other calls, with a clock on each
command. `read` is the share of the read: the time of the read over that of the call, on the same bytes. The read is the
maximum-reduction kernel where that reaches {FROM_MEMORY:.0%} of the plain read at 256x262144 and {IN_CACHE:.0%} at
64x128256, else the plain read; here: {", ".join(sorted(decided))}. Tokens were checked against the oracle before.

"""
    text += tombola_table(main)
    if any(r["kind"] == "peer" for r in results):
        text += "\n## Beside others, on the same bytes\n" + peer_tables(results)
        versions = dict.fromkeys(f"{r['peer']}: {r['version']}, {r['threads']} thread{'s'[:r['threads'] > 1]}"
                                 for r in results if r["kind"] == "peer")
        text += "\n" + "; ".join(versions) + ".\n"
    for image in sorted(folder.glob("*.png")):
        text += f"\n![{image.stem}]({image.name})\n"
    (folder / "results.md").write_text(text)


def main():
    folder = pathlib.Path(sys.argv[1])
    header, results = load(folder)
    settle_reads(results)
    (folder / "results.json").write_text(json.dumps({"header": header, "results": results}, indent=1) + "\n")
    with open(folder / "results.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(results)
    plots.draw(folder, header, results)
    notes = folder / "notes.txt"
    write_markdown(folder, header, results, notes.read_text().strip() if notes.exists() else "")


if __name__ == "__main__":
    main()
