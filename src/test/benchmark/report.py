# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
# ruff: noqa: RUF001 - the tables have multiplication and micro signs
"""Tables (Markdown), plots (PNG), and whether the bars are met."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import NamedTuple

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

OURS = "#c8511b"
OTHERS = "#5b7f95"
FLOOR = "#9aa5ab"
TIME = "|time"

NOTES = """\
* All contestants compute the same cells of the same pixels, in turns. Each runs in a process of its own that stays
  warm. The results are compared cell by cell (SHA-256).
* Each time is the median of the rounds. Before, each contestant warms up for four seconds, and this library for ten,
  because Java compiles meanwhile. The column *first* has the time of the very first run, which the median does not
  include. In each round, a run that takes less than two seconds is preceded by one that is not measured: others have
  used the processor and its caches since this contestant's last turn. Then it is repeated for half a second, and the
  time of the round is the median of these runs. *W2 large*, W6, W8 and the memory of W2 have no warm-up: each run is
  measured.
* A bar that compares two times is the median of their ratios in the rounds. Rows of this library that a bar compares
  with each other, such as both modes, do three times as many rounds more, by turns of them alone. After each third,
  their processes are started anew. These ratios count.
* *workers* are interpreters of this library, threads of *map_blocks*, of the thread pool, of dask and of
  *apply_parallel*, read functions that TensorStore runs at the same time, or processes of Appose.
* *loop* is the baseline: numpy or scipy block by block in one thread. It writes into an existing array, and its inputs
  were padded by the halo before the clock started. *loop, clipped* needs no padding: its blocks end at the border of
  the image, where scipy mirrors, so it computes less. *loop, new output* allocates its result.
* This library makes a new image with new memory in each round, and several threads read it. Its inputs are Java
  arrays, or, as *native input*, in native memory. Its caches hold all cells, as do the results of the others.
* *this library, PROCESS* computes in worker processes, in a JVM of its own. All other rows of this library compute in
  the JVM, in mode `SHARED`: the bars of `PROCESS` are ratios to them. W7 shows what Python's lock costs: only processes
  compute it in parallel. *this library, map_blocks* runs the same code in plain Python, as the others do.
* scikit-image's *apply_parallel* takes one image. For W3, the two images become one of pairs before the clock starts.
* In W8, every second cell ends its worker process. The time is that from the reader's call to its error. *next pixel*
  is the time from the same call until the reader has a pixel of another cell, which a new process computes.
* In W5, each cache may keep 128 of 512 cells, which are 8 MB. This library uses a cell that its cache has dropped again
  until the garbage collector frees it. With enough memory, the collector seldom runs. With *16 MB* of native memory,
  twice what the cache may keep, it often runs.
* dask computes fewer slices of W5 than the others, because it takes so long.
* TensorStore is not in W4, because its read functions must not wait for another store. dask, zarr and Appose are not
  in *W1 hit*, because they have no cache.
"""

Results = dict


class Verdict(NamedTuple):
    """Whether a bar is met; None where what it needs was not measured."""

    bar: str
    value: float | None
    at_most: float
    unit: str
    met: bool

    def texts(self) -> tuple[str, str]:
        """What was measured, and what may be."""
        show = seconds if self.unit == "s" else "{:.4g}".format
        return "not measured" if self.value is None else show(self.value), show(self.at_most)


def compared(bars: list[dict]) -> set[tuple[str, str]]:
    """Pairs of rows, such as ``W2|loop|1``, whose times a bar compares."""
    pairs = ((bar["value"], bar["relative_to"]) for bar in bars if "relative_to" in bar)
    return {(a.removesuffix(TIME), b.removesuffix(TIME)) for a, b in pairs if a.endswith(TIME) and b.endswith(TIME)}


def verdicts(results: Results, bars: list[dict]) -> list[Verdict]:
    """Of all bars whose contests were run."""
    measured = {
        f"{contest['key']}|{row['name']}|{row['workers']}|{statistic}": row[statistic]
        for contest in results["results"]
        for row in contest["rows"]
        for statistic in row
    }

    def ratio(key: str, other: str) -> float:
        """Of times: the median of the rounds' ratios, because all times of a round were taken in the same minute."""
        if key.endswith(TIME):
            for statistic in ("|own times", "|times"):
                rounds, others = (measured.get(of.removesuffix(TIME) + statistic) for of in (key, other))
                if rounds and others and len(rounds) == len(others):
                    return statistics.median(a / b for a, b in zip(rounds, others, strict=True))
        return measured[key] / measured[other]

    keys = {contest["key"] for contest in results["results"]}
    found = []
    for bar in bars:
        if bar["value"].split("|")[0] not in keys:
            continue
        # What a contestant that failed did not measure is a bar that is missed.
        value = measured.get(bar["value"])
        other = bar.get("relative_to", bar.get("minus"))
        if other is not None and value is not None:
            if other not in measured:
                value = None
            else:
                value = ratio(bar["value"], other) if "relative_to" in bar else value - measured[other]
        met = value is not None and value <= bar["at_most"]
        found.append(Verdict(bar["bar"], value, bar["at_most"], bar.get("unit", ""), met))
    return found


def check_lines(found: list[Verdict]) -> list[str]:
    """For the terminal: a table of the bars, and one line that says whether they are met."""
    width = max((len(verdict.bar) for verdict in found), default=0)
    lines = []
    for verdict in found:
        value, at_most = verdict.texts()
        lines.append(f"{'met' if verdict.met else 'MISSED':<6}  {verdict.bar:<{width}}  {value:>12}  at most {at_most}")
    missed = sum(not verdict.met for verdict in found)
    met = f"All {len(found)} bars are met." if found else "No bar belongs to what was run."
    return [*lines, "", f"{missed} of {len(found)} bars missed." if missed else met]


def seconds(value: float) -> str:
    """Text of a time, with the unit that fits."""
    units = {"s": 1, "ms": 1e3, "µs": 1e6, "ns": 1e9}
    unit, factor = next(((u, f) for u, f in units.items() if abs(value) * f >= 1), ("ns", 1e9))
    digits = value * factor
    return f"{digits:.0f} {unit}" if abs(digits) >= 100 else f"{digits:.3g} {unit}"


def megabytes(value: float) -> str:
    """Text of a number of bytes, in MB of 10⁶ bytes."""
    return f"{value / 1e6:.0f} MB"


def write_comparison(results: Results, bars: list[dict], folder: Path) -> None:
    """Writes comparison.md and comparison.png."""
    lines = ["# This library and what people use instead", "", "Made by `src/test/benchmark`; do not edit.", ""]
    lines += machine_lines(results)
    lines += ["![Times of all contestants](comparison.png)", "", NOTES]
    for contest in results["results"]:
        lines += contest_lines(contest)
    found = verdicts(results, bars)
    if found:
        lines += ["## Bars", "", "| bar | measured | at most | |", "|---|---:|---:|---|"]
        lines += [f"| {v.bar} | {' | '.join(v.texts())} | {'met' if v.met else 'missed'} |" for v in found]
        lines += [""]
    (folder / "comparison.md").write_text("\n".join(lines), encoding="utf-8")
    plot_comparison(results, folder / "comparison.png")


def machine_lines(results: Results) -> list[str]:
    """Table of the machine and the versions."""
    return ["| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in results["machine"].items()), ""]


def contest_lines(contest: dict) -> list[str]:
    """Section of the report on a contest."""
    lines = [f"## {contest['key']}: {contest['title']}", ""]
    shape = " × ".join(map(str, contest["shape"]))
    equal = {True: "All results are equal.", False: "**Results differ.**", None: ""}[contest["equal"]]
    lines += [f"Image of {shape} pixels. {equal}".rstrip(), ""]
    rows, mode = contest["rows"], contest["mode"]
    if not rows:
        return [*lines, "No contestant finished.", ""]
    show = megabytes if mode == "memory" else seconds
    columns = ["contestant", "workers", {"bulk": "per cell", "memory": "peak"}.get(mode, "median")]
    columns += [] if mode == "memory" else ["min – max"]
    warmed_up = all("first" in row for row in rows)
    columns += ["first"] if warmed_up else []
    has_rate = mode == "bulk" and contest["input_bytes"] > 0
    columns += ["MB/s of input"] if has_rate else []
    columns += {"memory": ["idle", "above idle", "allowed"]}.get(mode, [])
    columns += {"slices": ["95 %", "99 %", "slowest", "all slices"], "single": ["95 %", "99 %"]}.get(mode, [])
    columns += ["95 %", "next pixel"] if mode == "crash" else []
    columns += [f"× {rows[0]['name']}"]
    lines += [f"| {' | '.join(columns)} |", "|---|" + "---:|" * (len(columns) - 1)]
    for row in rows:
        cells = [f"**{row['name']}**" if ours(row) else row["name"], str(row["workers"]), show(row["time"])]
        if mode != "memory":
            cells.append(f"{show(row['min'])} – {show(row['max'])}")
        if warmed_up:
            cells.append(show(row["first"]))
        if has_rate:
            cells.append(f"{contest['input_bytes'] / contest['num_cells'] / row['time'] / 1e6:.0f}")
        names = {
            "memory": ["idle", "above idle", "allowed"],
            "slices": ["p95", "p99", "slowest", "total"],
            "single": ["p95", "p99"],
            "crash": ["p95", "again"],
        }
        cells += [show(row[name]) if name in row else "" for name in names.get(mode, [])]
        cells.append(f"{row['time'] / rows[0]['time']:.2f}")
        lines.append(f"| {' | '.join(cells)} |")
    lines.append("")
    for row in rows:
        if "copied" in row and row["workers"] == 1:
            text = "no byte is copied" if row["copied"] == 0 else f"{row['copied']} images are copied"
            lines += [f"*{row['name']}*, from each image to the next: {text}.", ""]
        if mode == "startup" and "queue" in row:
            share = f"{seconds(row['queue'])} are the start of Python with the imports"
            lines += [f"Of the {seconds(row['time'])} of *{row['name']}*, {share}.", ""]
    if mode == "memory":
        lines += [
            "*idle* is the peak after a single cell. *allowed* are the inputs, the outputs, and six padded blocks per "
            "worker.",
            "",
        ]
    lines += [f"Failed: {failure.splitlines()[0]}" for failure in contest["failures"]]
    return lines


def ours(row: dict) -> bool:
    """Whether the row is of this library."""
    return row["name"].startswith("this library")


def plot_comparison(results: Results, path: Path) -> None:
    """Plots the times of all contests as bars, on logarithmic axes: some contestants are a thousand times slower."""
    contests = [contest for contest in results["results"] if contest["rows"]]
    columns = min(3, len(contests))
    lines = -(-len(contests) // columns)
    heights = [max(len(c["rows"]) for c in contests[i * columns : (i + 1) * columns]) for i in range(lines)]
    figure, axes = plt.subplots(
        lines,
        columns,
        figsize=(6.2 * columns, 0.27 * sum(heights) + 1.1 * lines),
        height_ratios=[height + 2 for height in heights],
        squeeze=False,
        layout="constrained",
    )
    for ax in axes.flat[len(contests) :]:
        ax.set_visible(False)
    for ax, contest in zip(axes.flat, contests, strict=False):
        rows = contest["rows"][::-1]
        times = [row["time"] for row in rows]
        colours = [OURS if ours(row) else FLOOR if row is rows[-1] else OTHERS for row in rows]
        lowest = min(times) / 2
        ax.barh(range(len(rows)), [t - lowest for t in times], left=lowest, color=colours)
        ax.axvline(times[-1], color=FLOOR, linewidth=1, linestyle="--", zorder=0)
        show = megabytes if contest["mode"] == "memory" else seconds
        for y, time in enumerate(times):
            label = {"fontsize": 8, "va": "center", "bbox": {"color": "white", "pad": 0.5}}
            ax.annotate(show(time), (time, y), xytext=(3, 0), textcoords="offset points", **label)
        several = len({row["workers"] for row in rows}) > 1
        ax.set_yticks(
            range(len(rows)), [f"{r['name']}, {r['workers']}" if several else r["name"] for r in rows], fontsize=8
        )
        ax.set_xscale("log")
        ax.set_xlim(lowest, max(times) * 3)
        ax.tick_params(axis="x", labelbottom=False, which="both", bottom=False)
        for side in ("top", "right", "bottom"):
            ax.spines[side].set_visible(False)
        per = {"bulk": ", per cell", "slices": ", per slice"}.get(contest["mode"], "")
        ax.set_title(f"{contest['key']}{per}\n{contest['title']}", fontsize=9, loc="left")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def write_scaling(results: Results, bars: list[dict], folder: Path) -> None:
    """Writes scaling.md and scaling.png."""
    lines = ["# How this library scales", "", "Made by `src/test/benchmark`; do not edit.", ""]
    lines += machine_lines(results)
    lines += ["![Curves](scaling.png)", ""]
    for curve in results["results"]:
        names = list(curve["series"])
        lines += [f"## {curve['title']}", "", curve["text"], ""]
        lines += [f"| {curve['x']} | {' | '.join(names)} |", "|---:|" + "---:|" * len(names)]
        for x in sorted({float(x) for series in curve["series"].values() for x in series}):
            values = [curve["series"][name].get(axis_key(x)) for name in names]
            cells = ["" if value is None else quantity(value, curve["unit"]) for value in values]
            lines.append(f"| {quantity(x, curve['x unit'])} | {' | '.join(cells)} |")
        lines += [""]
    (folder / "scaling.md").write_text("\n".join(lines), encoding="utf-8")
    plot_scaling(results, folder / "scaling.png")


def axis_key(x: float) -> str:
    """Key of a place on the x axis in the results."""
    return f"{x:g}" if x < 1e6 else str(int(x))


def quantity(value: float, unit: str) -> str:
    """Text of a number with its unit."""
    if unit == "s":
        return seconds(value)
    if unit == "MB/s":
        return f"{value:.0f} MB/s"
    if unit == "bytes":
        return f"{value / 1024:.0f} KiB" if value < 1 << 20 else f"{value / (1 << 20):.0f} MiB"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"


def plot_scaling(results: Results, path: Path) -> None:
    """Plots one panel per curve."""
    curves = results["results"]
    columns = min(2, len(curves))
    lines = -(-len(curves) // columns)
    figure, axes = plt.subplots(
        lines, columns, figsize=(6.2 * columns, 3.6 * lines), squeeze=False, layout="constrained"
    )
    for ax in axes.flat[len(curves) :]:
        ax.set_visible(False)
    for ax, curve in zip(axes.flat, curves, strict=False):
        for name, series in curve["series"].items():
            xs = sorted(map(float, series))
            factor = 1e6 if curve["unit"] == "s" else 1
            style = {"color": FLOOR, "linestyle": "--"} if name == "loop" else {}
            ax.plot(xs, [series[axis_key(x)] * factor for x in xs], marker="o", markersize=4, label=name, **style)
        ax.set_xscale("log", base=2 if curve["x unit"] != "blocks" else 10)
        xs = sorted({float(x) for series in curve["series"].values() for x in series})
        ax.set_xticks(xs, [quantity(x, curve["x unit"]) for x in xs], fontsize=8, rotation=30)
        ax.minorticks_off()
        if curve.get("log"):
            ax.set_yscale("log")
        else:
            ax.set_ylim(0, None)
        ax.set_xlabel(curve["x"], fontsize=8)
        ax.set_ylabel("µs" if curve["unit"] == "s" else curve["unit"], fontsize=8)
        ax.set_title(curve["title"], fontsize=9, loc="left")
        ax.tick_params(axis="y", labelsize=8)
        ax.grid(alpha=0.25)
        ax.legend(fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)
