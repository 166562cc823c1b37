# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Runs the tries, each in a JVM of its own, in each mode, and writes the page. doc/development.md says how."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[3]
sys.path.insert(0, str(HERE.parent))

from tries import page  # noqa: E402
from tries.description import Threads, Try, load, load_threads  # noqa: E402
from tries.outcome import MODES, WORKS, WRONG, Outcome, compare, outcome  # noqa: E402
from tries.plain import make_input  # noqa: E402

# Which of the two ways comes first: imports in the init code, or in the code of the cells. Modules that one has
# imported are there for the other, if Python runs in the JVM.
ORDERS = (("init", "cells"), ("cells", "init"))

WORKERS = 3

# The first Python without mode SUB.
SUB_ENDS_AT = (3, 12)

# Settings of the caller's Python, which the JVM must not see.
PYTHON_VARIABLES = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "CONDA_PREFIX", "IMGLIB2_PYTHON")

# Seconds after which plain Python counts as hung.
PLAIN_LIMIT = 300

# How often the times of threads are measured: in so many JVMs, so often in each.
TURNS = 2
ROUNDS = 3

# How long the JVM has to tell where its threads are before it is killed.
SECONDS_TO_TELL = 3


class Command:
    """Runs tries in folders of their own."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        """Empties the folder."""
        self.options = options
        self.folder = folder.absolute()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)

    def run(self, tries: list[Try]) -> Iterator[tuple[str, dict[str, list[Outcome]]]]:
        """All of them. Yields the name of each, and its outcomes by the mode, in the order of `ORDERS`."""
        with ThreadPoolExecutor(self.options.jobs) as executor:
            runs = {}
            for what in tries:
                prepared = executor.submit(self.prepare, what)
                runs[what.name] = {
                    mode: [executor.submit(self.run_one, what, prepared, mode, steps) for steps in self.orders(mode)]
                    for mode in self.options.modes
                }
            for name, modes in runs.items():
                found = {mode: [one.result() for one in ended] for mode, ended in modes.items()}
                tell(name, found)
                yield name, found

    def orders(self, mode: str) -> Sequence[Sequence[str]]:
        """Those that make a difference in a mode: each queue has new processes in mode PROCESS."""
        return ORDERS[:1] if mode == "PROCESS" else ORDERS[: self.options.orders]

    def prepare(self, what: Try) -> Path:
        """Makes a folder with all that the JVM needs; plain Python computes what is expected there."""
        folder = self.folder / file_name(what.name)
        folder.mkdir()
        command = [sys.executable, "-B", str(HERE / "plain.py"), str(self.options.table), what.name]
        code = run_limited(command, folder, PLAIN_LIMIT)
        if code != 0:
            raise RuntimeError(f"{what.name} does not work in plain Python: see {folder / 'output.txt'}")
        write_settings(folder, what, workers=WORKERS, rounds=1)
        return folder

    def run_one(self, what: Try, prepared: Future[Path], mode: str, steps: tuple[str, ...]) -> Outcome:
        """Computes it in a JVM, in a copy of the folder."""
        original = prepared.result()
        folder = original.with_name(f"{original.name}-{mode}-{steps[0]}-first")
        shutil.copytree(original, folder)
        ended = self.run_jvm(folder, mode, steps, what.limit)
        if ended.kind != WORKS:
            return ended
        expected = np.load(folder / "expected.npy").astype(float)
        for step in steps:
            pixels = np.fromfile(folder / f"{step}.raw").reshape(expected.shape)
            wrong = compare(pixels, expected, what.tolerance)
            if wrong:
                return Outcome(WRONG, step, wrong, ended.seconds)
        return ended

    def run_jvm(
        self, folder: Path, mode: str, steps: Sequence[str], limit: float, variables: Mapping[str, str] | None = None
    ) -> Outcome:
        """Runs the JVM in a folder that has all that it needs."""
        command = [self.options.java, *self.options.jvm.split(), "-XX:TieredStopAtLevel=1"]
        command += [f"-Dimglib2.python.executable={sys.executable}", f"-Dimglib2.python.mode={mode}"]
        command += ["-cp", self.options.classpath, "net.imglib2.cache.python.TryMain", *steps]
        start = time.monotonic()
        code = run_limited(command, folder, limit, variables)
        seconds = round(time.monotonic() - start, 1)
        return outcome((folder / "output.txt").read_text(encoding="utf-8", errors="replace"), code, seconds)

    def measure(self, threads: Threads, mode: str) -> list[float]:
        """How long an image takes with the threads of the package, and with one thread, in turns: the best times."""
        cores = len(os.sched_getaffinity(0))
        best = [math.inf, math.inf]
        for turn in range(TURNS):
            for limited in range(2):
                what = threads.as_try(bool(limited))
                folder = self.folder / f"{file_name(what.name)}-{mode}-{turn}"
                folder.mkdir()
                write_settings(folder, what, workers=cores, rounds=ROUNDS)
                make_input(tuple(what.shape), what.input_type).astype(float).tofile(folder / "input.raw")
                ended = self.run_jvm(folder, mode, ["init"], what.limit, threads.variables if limited else None)
                if ended.kind != WORKS:
                    raise RuntimeError(f"{what.name} in {mode}: {ended.kind}: {ended.text}")
                lines = (folder / "output.txt").read_text(encoding="utf-8").splitlines()
                times = [float(line.split()[1]) for line in lines if line.startswith("seconds ")]
                best[limited] = min(best[limited], *times)
        print(f"threads of {threads.package}, {mode}: {best[0]:.3f} s, one thread {best[1]:.3f} s", flush=True)
        return best


def write_settings(folder: Path, what: Try, workers: int, rounds: int) -> None:
    """Writes what the JVM reads, but its input."""
    (folder / "init.py").write_text(what.init, encoding="utf-8")
    (folder / "code.py").write_text(what.code, encoding="utf-8")
    settings = {
        "dimensions": ",".join(map(str, reversed(what.shape))),
        "inputType": what.input_type,
        "type": what.dtype,
        "cellSize": what.block_size,
        "halo": what.halo,
        "workers": workers,
        "rounds": rounds,
        # The JVM tells where code hangs if this comes before the end of the JVM.
        "timeout": max(1, what.limit // 2),
        **{f"parameter.{name}": value for name, value in what.parameters.items()},
    }
    lines = [f"{name}={value}\n" for name, value in settings.items()]
    (folder / "try.properties").write_text("".join(lines), encoding="utf-8")


def tell(name: str, outcomes: dict[str, list[Outcome]]) -> None:
    """Prints the outcomes of a try."""
    words = [f"{mode} {', '.join(one.kind for one in ended)}" for mode, ended in outcomes.items()]
    print(f"{name}: {'; '.join(words)}", flush=True)
    for text in {f"    {one.step}: {one.text}": None for ended in outcomes.values() for one in ended if one.text}:
        print(text, flush=True)


def run_limited(
    command: list[str], folder: Path, limit: float, variables: Mapping[str, str] | None = None
) -> int | None:
    """Runs a command in a folder, and writes what it prints into ``output.txt``.

    Returns:
        Its exit code, negative for a signal; None if it did not end in time.
    """
    environment = {name: value for name, value in os.environ.items() if name not in PYTHON_VARIABLES}
    environment.update(variables or {})
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            return process.wait(limit)
        except subprocess.TimeoutExpired:
            # A JVM prints where all threads are.
            process.send_signal(signal.SIGQUIT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(SECONDS_TO_TELL)
            return None
        finally:
            # With the processes that it has started.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def machine(options: argparse.Namespace) -> dict[str, str]:
    """The machine and the versions."""
    java = subprocess.run([options.java, "-version"], stderr=subprocess.PIPE, text=True, check=True).stderr
    return {
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "cores": str(len(os.sched_getaffinity(0))),
        "Java": java.splitlines()[0],
        "Python": platform.python_version(),
        "numpy": version("numpy"),
        "jep": version("jep"),
        "date": time.strftime("%Y-%m-%d"),
    }


def main() -> int:
    """Runs the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="command.py", description="Tries packages in the JVM, in each mode.")
    parser.add_argument("--java", required=True, help="the java command")
    parser.add_argument("--jvm", default="-Xmx1g", help="options of the JVM")
    parser.add_argument("--classpath", required=True, help="class path with the library and its tests")
    parser.add_argument("--table", type=Path, default=HERE / "table.py", help="the tries")
    parser.add_argument("--only", nargs="+", default=[], help="tries to run, by a part of the name; other results stay")
    modes = [mode for mode in MODES if mode != "SUB" or sys.version_info < SUB_ENDS_AT]
    parser.add_argument("--modes", nargs="+", default=modes, choices=MODES)
    parser.add_argument("--orders", type=int, default=len(ORDERS), choices=range(1, len(ORDERS) + 1))
    parser.add_argument("--jobs", type=int, default=2, help="JVMs at the same time")
    parser.add_argument("--results", type=Path, default=HERE / "results.json", help="the file of the results")
    parser.add_argument("--page", type=Path, default=PROJECT / "doc" / "packages.md", help="the page")
    parser.add_argument("--folder", type=Path, default=PROJECT / "target" / "tries", help="gets what the JVMs print")
    parser.add_argument("--threads", action="store_true", help="measures threads of packages instead")
    parser.add_argument("--write-page", action="store_true", help="writes the page of earlier results; runs nothing")
    options = parser.parse_args()
    options.table = options.table.absolute()
    tries = load(options.table)
    results = {"machine": {}, "versions": {}, "outcomes": {}, "threads": {}}
    if options.results.exists():
        results = json.loads(options.results.read_text(encoding="utf-8"))
    if not options.write_page:
        command = Command(options, options.folder)
        results["machine"] = machine(options)
        results["versions"] = {package: version(package) for one in tries for package in one.packages}
        if options.threads:
            for one in load_threads(options.table):
                if is_chosen(one.package, options.only):
                    times = {mode: command.measure(one, mode) for mode in options.modes if mode != "SUB"}
                    results["threads"].setdefault(one.package, {}).update(times)
                    save(results, options.results)
        else:
            chosen = [one for one in tries if is_chosen(one.name, options.only)]
            for name, outcomes in command.run(chosen):
                results["outcomes"].setdefault(name, {}).update(outcomes)
                save(results, options.results)
    page.write(tries, load_threads(options.table), results, options.page)
    print(f"Written: {options.page}")
    return 0


def file_name(name: str) -> str:
    """Name of a folder for the try with this name."""
    return re.sub(r"\W+", "-", name)


def save(results: dict, path: Path) -> None:
    """Writes the results, also of a run that will be interrupted."""
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def is_chosen(name: str, parts: Sequence[str]) -> bool:
    """Whether the name has one of the parts, or there are none."""
    return not parts or any(part in name for part in parts)


if __name__ == "__main__":
    sys.exit(main())
