# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Compares this library with what people use instead. doc/development.md says how to run it.

The contestants, this library and its rivals, compute the same cells of the same images, in turns. Each runs in a
process of its own that stays warm.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np
import report
import workloads
from dialogue import Answer, ContestantError, Process
from workloads import Workload

HERE = Path(__file__).parent
LIBRARY = "this library"
NATIVE = "this library, native input"
SCARCE = "this library, 16 MB"
PROCESS = "this library, PROCESS"
PLAIN = "this library, map_blocks"
"""Runs in the Python of the rivals, without a JVM."""
OURS = (LIBRARY, NATIVE, SCARCE, PROCESS)
IMPORTS = "imports alone"
NUMPY = "import numpy"
COMMANDS = {IMPORTS: "import numpy; from scipy import ndimage", NUMPY: "import numpy"}
"""What is a process of Python alone, without a contestant."""
WARM_UP_SECONDS = 4
"""Time for which a contestant repeats a run before it is measured."""
JVM_WARM_UP_SECONDS = 10
"""The same in a JVM, whose compiler needs so long. As long as it compiles, it takes a processor."""
TURN_SECONDS = 0.5
"""A shorter run is repeated for this time in each round."""
OWN_ROUNDS = 3
"""Rows of this library that bars compare with each other do so many times the rounds again, by turns of them alone.
The ratio of two rows varies by a tenth from round to round, and so does what comes between them. In between,
the contestants are started anew: where the memory of a process lies makes its code faster or slower by some percent."""
LONG_RUN_SECONDS = 2
"""A shorter run is not measured if it is the first one of a turn, which starts with the caches of the others."""
MAIN = "net.imglib2.cache.python.benchmark.ContestantMain"


@dataclass(frozen=True)
class Entry:
    """A contestant with a number of workers: interpreters, threads or processes, depending on the contestant."""

    name: str
    workers: int = 1


@dataclass(frozen=True)
class Contest:
    """A measurement that several contestants do in turns. The first entry is the baseline for the others."""

    key: str
    title: str
    workload: Workload
    entries: list[Entry]
    mode: str = "bulk"
    rounds: int = 5
    count: int = 1
    cache: int = 0
    readers: int = 0
    """Threads that read this library's image. 0 means one more than it has workers."""
    options: dict[str, object] = field(default_factory=dict)

    @property
    def divisor(self) -> int:
        """Divisor of the time: bulk is reported per cell."""
        return self.workload.num_cells if self.mode == "bulk" else 1


def contests(quick: bool, readers_of_slices: int = 4) -> list[Contest]:
    """All contests, in the order of the report."""
    copy = workloads.COPY.resized((2048, 2048)) if quick else workloads.COPY
    small = (128, 128, 128) if quick else (256, 256, 256)
    gaussian, add = workloads.GAUSSIAN.resized(small), workloads.ADD.resized((256, 256, 256))
    large = workloads.GAUSSIAN.resized((256, 256, 256) if quick else (512, 512, 512))
    chain, halo_chain = workloads.CHAIN.resized(small), workloads.HALO_CHAIN.resized(small)
    python = workloads.PURE_PYTHON.resized((64, 64 * (100 if quick else 1600)))
    rounds = 3 if quick else 7
    few = 2 if quick else 5

    def both(*names: str) -> list[Entry]:
        return [Entry(name, workers) for name in names for workers in (1, 2)]

    rivals = ["TensorStore", "dask", "Appose", LIBRARY]
    floor, pool = Entry("loop"), Entry("thread pool", 2)
    found = [
        Contest(
            "W1 bulk",
            copy.title,
            copy,
            [floor, Entry("loop, new output"), pool, *both(*rivals, NATIVE, PROCESS)],
            rounds=rounds,
            readers=8,
        ),
        Contest(
            "W1 cold",
            "one pixel of a cell not computed yet, one cell after the other",
            copy,
            [Entry(name) for name in ("lru_cache", "TensorStore", "dask", "zarr", "Appose", LIBRARY, PROCESS)],
            mode="single",
            rounds=rounds,
            count=200,
        ),
        Contest(
            "W1 hit",
            "one pixel of a cell in the cache",
            copy,
            [Entry(name) for name in ("lru_cache", "TensorStore", LIBRARY)],
            mode="hits",
            rounds=rounds,
            count=5,
        ),
        Contest(
            "W2",
            gaussian.title,
            gaussian,
            [floor, Entry("loop, clipped"), pool, *both("apply_parallel", *rivals, NATIVE, PROCESS, PLAIN)],
            rounds=rounds,
        ),
        Contest(
            "W3",
            add.title,
            add,
            [floor, Entry("loop, new output"), pool, *both("apply_parallel", *rivals, NATIVE, PROCESS, PLAIN)],
            rounds=rounds,
        ),
        Contest(
            "W4",
            chain.title,
            chain,
            [floor, pool, *both("dask", LIBRARY, PROCESS)],
            rounds=rounds,
            options={"ways": 1},
        ),
        Contest("W4 halo", halo_chain.title, halo_chain, [floor, pool, *both("dask", LIBRARY)], rounds=few),
        Contest(
            "W5",
            workloads.VIEWING.title,
            workloads.VIEWING,
            [Entry(name, 2) for name in ("lru_cache", "TensorStore", "dask", LIBRARY, SCARCE)],
            mode="slices",
            rounds=few,
            cache=128,
            options={"readers": readers_of_slices, "slices": 64 if quick else 320},
        ),
        Contest(
            "W6",
            "from starting the process to the first pixel",
            workloads.FIRST_PIXEL,
            [Entry(name) for name in (IMPORTS, "lru_cache", "TensorStore", "dask", "zarr", "Appose", LIBRARY, PROCESS)],
            mode="startup",
            rounds=few,
        ),
        Contest("W7", python.title, python, [floor, pool, *both("Appose", LIBRARY, PROCESS)], rounds=rounds),
        Contest(
            "W8",
            workloads.CRASH.title,
            workloads.CRASH,
            [Entry(NUMPY), Entry(PROCESS)],
            mode="crash",
            rounds=few,
            count=20,
        ),
        Contest(
            "W2 memory",
            f"peak memory, {'256³' if quick else '512³'}, a new process for each",
            large,
            [floor, Entry("loop, clipped"), pool, *both(*rivals, NATIVE)],
            mode="memory",
            rounds=1,
        ),
    ]
    if not quick:
        entries = [floor, Entry("loop, clipped"), pool, *both(*rivals)]
        found.insert(4, Contest("W2 large", f"{large.title}, 512³", large, entries, rounds=3))
    return found


class Arena:
    """Starts contestants, sends them questions, and collects the answers."""

    def __init__(self, options: argparse.Namespace, folder: Path, compared: set[tuple[str, str]] | None = None) -> None:
        """Starts no process yet.

        Args:
            options: The command line.
            folder: For the inputs.
            compared: See `report.compared`.
        """
        self.options = options
        self.folder = folder
        self.compared = compared or set()
        self.processes: dict[str, Process] = {}

    def start(self, name: str, mode: str = "", **variables: str) -> Process:
        """Starts a new process of a contestant. The mode of this library's interpreters is SHARED by default."""
        if name in OURS:
            command = [
                self.options.java,
                *shlex.split(self.options.jvm),
                f"-Dimglib2.python.executable={self.options.library_python}",
                f"-Dimglib2.python.mode={mode or ('PROCESS' if name == PROCESS else 'SHARED')}",
                "-cp",
                self.options.classpath,
                MAIN,
            ]
        else:
            command = [sys.executable, "-B", str(HERE / "rivals.py"), name]
        return Process(name, command, {**os.environ, **variables})

    def process(self, name: str, direct_memory: str = "") -> Process:
        """The warm process of a contestant. Both kinds of input of this library use the same process."""
        key = self._key(name) + direct_memory
        if key not in self.processes:
            direct_memory = direct_memory or ("16m" if name == SCARCE else "")
            more = {"JAVA_TOOL_OPTIONS": f"-XX:MaxDirectMemorySize={direct_memory}"} if direct_memory else {}
            self.processes[key] = self.start(name, **more)
        return self.processes[key]

    def _key(self, name: str) -> str:
        return LIBRARY if name == NATIVE else name

    def question(self, workload: Workload, entry: Entry, **more: object) -> dict[str, object]:
        """The parameters that every contestant needs."""
        question = {
            "workload": workload.name,
            "shape": ",".join(map(str, workload.shape)),
            "cell": ",".join(map(str, workload.cell)),
            "workers": entry.workers,
            "readers": self.options.readers or entry.workers + 1,
            # The cache has room for all cells, so that results can be compared and every contestant keeps all of them.
            "cache": workload.num_cells,
            "count": 1,
        }
        if entry.name in OURS:
            question |= {
                "halo": workload.halo,
                "type": workload.dtype,
                "code": workload.code,
                "init": workload.init,
                "inputs": "|".join(
                    f"{dtype}:{path}"
                    for dtype, path in zip(workload.inputs, workload.input_paths(self.folder), strict=True)
                ),
                "storage": "native" if entry.name == NATIVE else "array",
                "images": 1,
                "ways": 0,
            }
        else:
            question["folder"] = self.folder
        return {**question, **more}

    def run(self, contest: Contest) -> dict[str, object]:
        """Runs all rounds of a contest. Returns its part of the results, from which the report is made."""
        contest.workload.write_inputs(self.folder)
        ask = {"startup": self._start_up, "memory": self._memory}.get(contest.mode, self._ask)
        answers: dict[Entry, list[Answer]] = {entry: [] for entry in contest.entries}
        digests: dict[str, list[str]] = {}
        failures: dict[Entry, str] = {}
        begin = time.perf_counter()
        first: dict[Entry, float] = {}
        # The first round of short runs is the warm-up and is not counted.
        warm_up = contest.mode not in ("startup", "memory", "crash") and contest.key != "W2 large"
        measure = self._turn if warm_up else ask
        for round_number, entry in turns(contest.entries, contest.rounds + warm_up):
            if entry in failures:
                continue
            try:
                answer = measure(contest, entry) if round_number > 0 else ask(contest, entry)
                if warm_up and round_number == 0:
                    first[entry] = float(answer["time"]) / contest.divisor
                    self._warm_up(contest, entry, time.perf_counter())
                if round_number == 0 and contest.mode == "bulk":
                    answer = {**answer, **self.process(entry.name).ask(mode="digest")}
            except ContestantError as error:
                failures[entry] = str(error)
                print(f"{contest.key}: {error}", file=sys.stderr, flush=True)
                self.processes.pop(self._key(entry.name), None)
                continue
            if "digest" in answer and not (contest.mode == "slices" and entry.name == "dask"):
                digests.setdefault(answer["digest"], []).append(entry.name)
            if round_number >= warm_up:
                answers[entry].append(answer)
        own = [entry for entry in contest.entries if self._is_compared(contest, entry) and entry not in failures]
        own_times: dict[Entry, list[float]] = {entry: [] for entry in own}
        try:
            for again in range(OWN_ROUNDS):
                if again and warm_up:
                    self._start_anew(contest, own)
                for _, entry in turns(own, contest.rounds):
                    own_times[entry].append(float(measure(contest, entry)["time"]) / contest.divisor)
        except ContestantError as error:
            failures[entry] = str(error)
            self.processes.pop(self._key(entry.name), None)
        for process in self.processes.values():
            process.ask(mode="close")
        if len(digests) > 1:
            print(f"{contest.key}: results differ: {digests}", file=sys.stderr)
        rows = [row(contest, entry, answers[entry], first.get(entry)) for entry in contest.entries if answers[entry]]
        for found in rows:
            found["own times"] = own_times.get(Entry(found["name"], found["workers"]), [])
        print(f"  {contest.key}: {time.perf_counter() - begin:.0f} s", flush=True)
        return {
            "key": contest.key,
            "title": contest.title,
            "mode": contest.mode,
            "shape": contest.workload.shape,
            "input_bytes": contest.workload.input_bytes,
            "num_cells": contest.workload.num_cells,
            "equal": len(digests) == 1 if digests else None,
            "failures": [f"{entry.name}, {entry.workers}: {text}" for entry, text in failures.items()],
            "rows": rows,
        }

    def _ask(self, contest: Contest, entry: Entry) -> Answer:
        if entry.name in COMMANDS:
            return self._command(entry)
        more = {"mode": contest.mode, "count": contest.count, **contest.options}
        if contest.readers and not self.options.readers:
            more["readers"] = contest.readers
        if contest.cache:
            more["cache"] = contest.cache
        if "slices" in more:
            # dask makes a graph of the whole image for each slice, which takes seconds.
            count = int(more["slices"]) // (32 if entry.name == "dask" else 1)
            more["slices"] = self.slices(contest.workload, count)
        return self.process(entry.name).ask(**self.question(contest.workload, entry, **more))

    def _is_compared(self, contest: Contest, entry: Entry) -> bool:
        """Whether a bar compares the time of this row of this library with that of another one."""
        row_of_entry = f"{contest.key}|{entry.name}|{entry.workers}"
        return any(row_of_entry in pair and all(r.split("|")[1] in OURS for r in pair) for pair in self.compared)

    def _start_anew(self, contest: Contest, entries: list[Entry]) -> None:
        for key in {self._key(entry.name) for entry in entries}:
            self.processes.pop(key).close()
        for entry in entries:
            self._warm_up(contest, entry, time.perf_counter())

    def _warm_up(self, contest: Contest, entry: Entry, begin: float) -> None:
        while time.perf_counter() - begin < (JVM_WARM_UP_SECONDS if entry.name in OURS else WARM_UP_SECONDS):
            self._ask(contest, entry)

    def _turn(self, contest: Contest, entry: Entry) -> Answer:
        """The answer with the median of the times; of two in the middle, the faster one."""
        begin = time.perf_counter()
        first = self._ask(contest, entry)
        end = time.perf_counter()
        if end - begin > LONG_RUN_SECONDS:
            return first
        answers: list[Answer] = []
        while not answers or time.perf_counter() < end + TURN_SECONDS:
            answers.append(self._ask(contest, entry))
        return sorted(answers, key=lambda answer: float(answer["time"]))[(len(answers) - 1) // 2]

    def slices(self, workload: Workload, count: int) -> Path:
        """A list of planes as somebody looks at them: some neighbours along an axis, then elsewhere."""
        path = self.folder / f"slices-{count}.txt"
        if not path.exists():
            random = np.random.default_rng(5)
            lines: list[str] = []
            while len(lines) < count:
                axis = int(random.integers(3))
                begin = int(random.integers(workload.shape[axis] - 8))
                lines += [f"{axis} {begin + i}" for i in range(8)]
            path.write_text("\n".join(lines[:count]) + "\n")
        return path

    def _start_up(self, contest: Contest, entry: Entry) -> Answer:
        if entry.name in COMMANDS:
            return self._command(entry)
        begin = time.perf_counter()
        process = self.start(entry.name)
        try:
            answer = process.ask(**self.question(contest.workload, entry, mode="single"))
            return {**answer, "time": str(time.perf_counter() - begin)}
        finally:
            process.close()

    def _command(self, entry: Entry) -> Answer:
        begin = time.perf_counter()
        subprocess.run([self.options.library_python, "-I", "-c", COMMANDS[entry.name]], check=True)
        return {"time": str(time.perf_counter() - begin)}

    def _memory(self, contest: Contest, entry: Entry) -> Answer:
        process = self.start(entry.name)
        try:
            small = contest.workload.resized(contest.workload.cell)
            small.write_inputs(self.folder)
            process.ask(**self.question(small, entry, mode="bulk"))
            idle = process.peak_memory()
            process.ask(**self.question(contest.workload, entry, mode="bulk"))
            peak = process.peak_memory()
        finally:
            process.close()
        if idle is None or peak is None:
            raise ContestantError("peak memory can be seen on Linux only")
        w = contest.workload
        allowed = w.input_bytes + w.output_bytes + entry.workers * 6 * w.padded_block_bytes
        return {"time": str(peak), "idle": str(idle), "above idle": str(peak - idle), "allowed": str(allowed)}

    def close(self) -> None:
        """Ends all processes."""
        for process in self.processes.values():
            process.close()


def turns(entries: list[Entry], rounds: int) -> Iterator[tuple[int, Entry]]:
    """Rounds of all entries. Each starts with another one, so that none always profits from the one before it."""
    for round_number in range(rounds):
        turn = round_number % max(1, len(entries))
        for entry in entries[turn:] + entries[:turn]:
            yield round_number, entry


def row(contest: Contest, entry: Entry, answers: list[Answer], first: float | None) -> dict[str, object]:
    """Row of the report: the medians of the rounds. `first` is the time of the very first run, in the warm-up."""
    times = [float(answer["time"]) / contest.divisor for answer in answers]
    found = {
        "name": entry.name,
        "workers": entry.workers,
        "rounds": len(times),
        "time": statistics.median(times),
        "times": times,
        "min": min(times),
        "max": max(times),
    }
    if first is not None:
        found["first"] = first
    for key in ("p95", "p99", "idle", "above idle", "allowed", "queue", "total", "again"):
        if key in answers[0]:
            found[key] = statistics.median(float(answer[key]) for answer in answers)
    if contest.mode == "slices":
        found["slowest"] = max(float(answer["max"]) for answer in answers)
    if "ways" in answers[0]:
        # The input of the first image is an array, which is copied.
        ways = answers[0]["ways"].split(",")[1:]
        found["copied"] = sum(way != "ZERO_COPY" for way in ways)
    return found


def machine(options: argparse.Namespace) -> dict[str, str]:
    """The machine and the versions."""
    java = subprocess.run([options.java, "-version"], stderr=subprocess.PIPE, text=True, check=True).stderr
    names = ("numpy", "scipy", "scikit-image", "tensorstore", "dask", "zarr", "appose")
    processor = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), processor)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": f"{processor}, {cores} cores",
        "system": f"{platform.system()} {platform.release()}",
        "Java": java.splitlines()[0],
        "JVM options": options.jvm,
        "Python": platform.python_version(),
        "packages": ", ".join(f"{name} {version(name)}" for name in names),
        "readers": str(options.readers or "workers + 1; 8 for W1 bulk"),
        "date": time.strftime("%Y-%m-%d"),
        "mode": "quick" if options.quick else "full",
    }


def main() -> int:
    """Runs the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="run.py", description="Compares this library with what people use instead.")
    parser.add_argument("--java", required=True, help="the java command")
    parser.add_argument("--jvm", default="-Xmx2g", help="options of the JVM")
    parser.add_argument("--classpath", required=True, help="class path with the library and its tests")
    parser.add_argument("--library-python", required=True, help="the Python that the library embeds")
    parser.add_argument("--quick", action="store_true", help="smaller images and fewer rounds")
    parser.add_argument("--scaling", action="store_true", help="measures how the library scales, not the rivals")
    parser.add_argument("--check", action="store_true", help="compares with bars.json; exit code 3 if one is missed")
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        help="what to run, by the beginning of its name; other results in the output folder stay",
    )
    parser.add_argument("--readers", type=int, help="threads that read the library's image")
    parser.add_argument("--results", type=Path, help="makes the report of these results (.json), and runs nothing")
    parser.add_argument(
        "--output", type=Path, default=HERE.parents[2] / "doc" / "benchmarks", help="folder to write to"
    )
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    bars = json.loads((HERE / "bars.json").read_text(encoding="utf-8"))
    name = "scaling" if options.scaling else "comparison"
    if options.results:
        results = json.loads(options.results.read_text(encoding="utf-8"))
    else:
        # TMPDIR should be on a disk: the inputs can be larger than a file system in memory.
        with tempfile.TemporaryDirectory(prefix="benchmark-", dir=os.environ.get("TMPDIR")) as folder:
            arena = Arena(options, Path(folder), report.compared(bars))
            try:
                if options.scaling:
                    import scaling

                    found = scaling.measure(arena, options.quick, options.only)
                else:
                    chosen = [c for c in contests(options.quick) if any_begins(c.key, options.only)]
                    found = [arena.run(contest) for contest in chosen]
            finally:
                arena.close()
        path = options.output / f"{name}.json"
        if options.only and found and path.exists():
            found = merged(json.loads(path.read_text(encoding="utf-8"))["results"], found)
        results = {"machine": machine(options), "results": found}
        path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (report.write_scaling if options.scaling else report.write_comparison)(results, bars, options.output)
    print(f"Written: {options.output / name}.md, .png, .json")
    if options.scaling:
        return 0
    if any(contest["equal"] is False or contest["failures"] for contest in results["results"]):
        print("Contestants failed, or their results differ: see above.", file=sys.stderr)
        return 2
    if options.check:
        verdicts = report.verdicts(results, bars)
        print("\n".join(report.check_lines(verdicts)))
        return 0 if all(verdict.met for verdict in verdicts) else 3
    return 0


def merged(earlier: list[dict], found: list[dict]) -> list[dict]:
    """The earlier results, with the new results in their places."""
    name = "key" if "key" in found[0] else "title"
    new = {result[name]: result for result in found}
    return [new.pop(result[name], result) for result in earlier] + list(new.values())


def any_begins(key: str, beginnings: list[str]) -> bool:
    """Whether the key begins with one of the beginnings, or there are none."""
    return not beginnings or any(key.startswith(beginning) for beginning in beginnings)


if __name__ == "__main__":
    sys.exit(main())
