# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Writes doc/packages.md of the results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tries.description import Threads, Try
from tries.outcome import END, MODES, WORKS, Outcome

HEAD = """\
# Which packages work?

This page says which Python packages were tried, in which [mode](modes.md), and what came out. A command writes it:

```sh
mvn -q test-compile exec:exec@packages
```

Each line of the table is an image that uses a package as you would use it: {count} images in all. Each was computed by
three workers at the same time, in a JVM of its own. Then the queue was closed, and a second queue of three new workers
computed the image again: once with the imports in `.init( … )`, once with the imports in the code of the cells. In the
modes `SHARED` and `SUB`, another JVM does it in the other order, because the first queue leaves imported modules there.
All pixels were compared with those that plain Python computes. *works* means that all this was right.

The versions are those that pip installs today for this Python. All packages were in one environment.
"""

NOTES = """\
## What does not work, and what to do
"""

HINTS = """\
## Good to know

* In the modes `SHARED` and `SUB`, all workers share what a package keeps for the whole process: its random numbers
  (`np.random.seed`, `torch.manual_seed`), its number of threads, the current figure of `matplotlib.pyplot`. What code
  sets there, all workers see at once: networks that two cells make after `torch.manual_seed( 0 )` can differ. Use
  `np.random.default_rng( block.index )`, weights from a file, and `Figure` objects. In mode `PROCESS` each worker has
  its own.
* Let `.init( … )` import packages, make models and define functions for `numba.njit`. In the code of the cells, this
  is done again for each cell.
* numba's `cache=True` needs a file. Put the function into a module, in a folder of `withModulePath`.
* joblib and torch's `DataLoader` start processes, and each imports its packages again: for a single block that is slow.
* tensorflow can be told its number of threads only before it computes for the first time in a process. If two images
  say different numbers there, the second one fails.
"""

THREADS = """\
## Threads of packages

Many packages start threads of their own, often one per core. The workers of an image compute at the same time as well.
So a block gains little by more threads, and they get in each other's way: with four workers on 16 cores, such a package
may have 64 threads. The table has the times of images of 16 blocks, on a machine with {cores} cores and
as many workers: with the threads that the package takes, and with one thread per worker.
"""

THREADS_END = """\
* In mode `PROCESS`, each worker starts with `OMP_NUM_THREADS` set to the number of cores divided by the number of
  workers. OpenBLAS, MKL and OpenMP follow it, and so numpy, scipy and torch do.
* In the modes `SHARED` and `SUB`, set this variable before the JVM starts, or say it in `.init( … )` as in the table.
  There it holds for all images of the JVM. [*Performance*](performance.md) has more measurements.
* opencv, numba (`NUMBA_NUM_THREADS`), tensorflow and SimpleITK do not follow this variable: say it in `.init( … )`, in
  all modes.
* scikit-learn and joblib: leave `n_jobs` at 1. The other workers use the other cores.
* If an image has one worker, or one block at a time, let the package have its threads.\
"""

OWN = """\
## To try another package

Add it to `src/test/python/tries/requirements.in` (the first lines of `requirements.txt` say how that file is made),
and add a few lines to `src/test/python/tries/table.py`. Then

```sh
mvn -q test-compile exec:exec@packages -Dpackages="--only scikit-learn"
```

runs all tries that have this text in their name, and writes the page. The other results stay. What the JVMs have
printed is in `target/tries`. The option `--threads` measures the threads instead, on a machine that does nothing else.

The command makes the environment `.venvs/packages`, of 8 GB. A third of it are libraries for GPUs, without which the
`torch` that PyPI has for Linux cannot be imported; tensorflow takes 2 GB. The tries use the CPU only.
"""


def write(tries: Sequence[Try], threads: Sequence[Threads], results: dict, path: Path) -> None:
    """Writes the page."""
    tried = [one for one in tries if one.name in results["outcomes"]]
    lines = [HEAD.format(count=len(tried)), *summary_lines(tried, results["outcomes"]), ""]
    lines += ["| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in results["machine"].items()), ""]
    lines += [f"| package | what | {' | '.join(f'`{mode}`' for mode in MODES)} |", "|---|---|" + "---|" * len(MODES)]
    notes: list[str] = []
    for one in tried:
        packages = ", ".join(f"{package} {results['versions'].get(package, '')}".strip() for package in one.packages)
        cells = []
        for mode in MODES:
            ended = [Outcome(*fields) for fields in results["outcomes"][one.name].get(mode, [])]
            word = describe(ended)
            if ended and word != WORKS:
                notes.append(note_of(one, mode, ended))
                word += f" ({len(notes)})"
            cells.append(word)
        lines.append(f"| {packages} | {one.what} | {' | '.join(cells)} |")
    lines.append("")
    if notes:
        lines += [NOTES, *(f"{number}. {note}" for number, note in enumerate(notes, 1)), ""]
    lines += [HINTS]
    if results.get("threads"):
        lines += [*thread_lines(threads, results), ""]
    lines += [OWN]
    path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def summary_lines(tries: Sequence[Try], outcomes: dict) -> list[str]:
    """How many work in each mode."""
    lines = []
    for mode in MODES:
        ended = [
            [Outcome(*fields) for fields in outcomes[one.name][mode]] for one in tries if mode in outcomes[one.name]
        ]
        if ended:
            working = sum(describe(runs) == WORKS for runs in ended)
            lines.append(f"* `{mode}`: {working} of {len(ended)} work.")
    return lines


def thread_lines(threads: Sequence[Threads], results: dict) -> list[str]:
    """Section about threads."""
    modes = [mode for mode in MODES if any(mode in times for times in results["threads"].values())]
    lines = [THREADS.format(cores=results["machine"]["cores"])]
    lines += [f"| package | one thread by | {' | '.join(f'`{mode}`' for mode in modes)} |"]
    lines += ["|---|---|" + "---|" * len(modes)]
    for one in threads:
        times = results["threads"].get(one.package)
        if times is None:
            continue
        cells = []
        for mode in modes:
            own, single = times[mode]
            cells.append(f"{1000 * own:.0f} ms, with one thread {1000 * single:.0f} ms")
        how = one.how or f"`{one.one}`"
        lines.append(f"| {one.package} | {how} | {' | '.join(cells)} |")
    return [*lines, "", THREADS_END]


def describe(ended: Sequence[Outcome]) -> str:
    """A few words about the outcomes of a try in a mode."""
    if not ended:
        return ""
    failed = [one for one in ended if one.kind != WORKS]
    if not failed:
        return WORKS
    if len(failed) == len(ended):
        return failed[0].kind
    return f"{failed[0].kind} in one of two JVMs"


def note_of(one: Try, mode: str, ended: Sequence[Outcome]) -> str:
    """What went wrong, and what to do."""
    texts = []
    for outcome in ended:
        if outcome.kind == WORKS:
            continue
        at_the_end = " at the end of the JVM" if outcome.step == END else ""
        text = f"{outcome.kind}{at_the_end}: `{escaped(outcome.text)}`"
        if text not in texts:
            texts.append(text)
    return f"**{one.name}, `{mode}`**: {'; '.join(texts)}. {one.notes.get(mode, '')}".strip()


def escaped(text: str) -> str:
    """Text that can stand between backticks, shortened."""
    text = text.replace("`", "'").replace("|", "¦")
    return text if len(text) <= 300 else text[:300] + "…"
