# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Measures how the time of a block depends on its size, on settings, and on the numbers of workers, readers, blocks and
images.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import workloads
from compare import LIBRARY, TURN_SECONDS, Arena, Entry
from dialogue import ContestantError
from report import axis_key
from workloads import Workload

WARM_UP_SECONDS = 2
LONG_SECONDS = 5


@dataclass(frozen=True)
class Point:
    """A point of a curve: its series, its place on the x axis, and the function that measures its value."""

    series: str
    x: float
    measure: Callable[[], float]


class Curves:
    """Measures the curves of the report."""

    def __init__(self, arena: Arena, quick: bool) -> None:
        """Starts no process yet: they start when they are needed."""
        self.arena = arena
        self.quick = quick

    def blocks(self) -> dict:
        """Time per block for different numbers of blocks."""
        counts = [10**n for n in range(2, 5 if self.quick else 7)]
        points = [
            Point(
                workers_name(workers),
                n,
                self.per_block(workloads.CONSTANT.resized((64, 64 * n)), workers, cache=1000),
            )
            for workers in (1, 2)
            for n in counts
        ]
        text = "Cells of 64² uint8, code without inputs, at most 1000 cells in the cache. Time per block."
        return self.curve("Number of blocks", text, "blocks", "blocks", "s", points)

    def images(self) -> dict:
        """Times for different numbers of images on one queue, each image with a loader of its own."""
        total = 2000 if self.quick else 20000
        points = []
        for n in (1, 10, 100, 1000):
            workload = workloads.CONSTANT.resized((64, 64 * total // n))
            options = {"images": n, "cache": max(10, 2000 // n)}
            points.append(Point("a block", n, self.per_block(workload, 2, divisor=total, **options)))
            points.append(Point("making an image", n, self.per_block(workload, 2, "create", divisor=n, **options)))
        text = f"{total:,} blocks of n images in turns, two workers. Time per block, and time to make an image."
        return self.curve("Images on one queue", text, "images", "", "s", points, log=True)

    def readers(self) -> dict:
        """Time per block for different numbers of threads that read an image."""
        workload = workloads.COPY.resized((2048, 2048)) if self.quick else workloads.COPY
        points = [
            Point(workers_name(workers), n, self.per_block(workload, workers, readers=n))
            for workers in (1, 2)
            for n in (1, 2, 4, 8, 16)
        ]
        return self.curve("Readers", "W1: copy, cells of 64² uint8. Time per block.", "readers", "", "s", points)

    def workers(self) -> dict:
        """Speed for different numbers of workers, with code that releases Python's lock and code that does not."""
        points = [
            Point(kind, n, self.per_block(workload, n, readers=2 * n))
            for kind, workload in self.kinds().items()
            for n in (1, 2, 4, 8)
        ]
        curve = self.curve("", "", "workers", "", "", points)
        for series in curve["series"].values():
            one = series[axis_key(1)]
            series.update({x: one / value for x, value in series.items()})
        text = "How many times as fast as with one worker. There are twice as many readers as workers."
        return {**curve, "title": "Workers", "text": text, "unit": "times as fast"}

    def modes(self) -> dict:
        """Time per block in the modes of interpreters."""
        points = []
        for mode in ("SUB", "SHARED", "PROCESS"):
            process = self.arena.start(LIBRARY, mode)
            self.arena.processes[mode] = process
            for kind, workload in self.kinds().items():
                for workers in (1, 2, 4):
                    measure = self.per_block(workload, workers, readers=2 * workers, process=process)
                    points.append(Point(f"{kind}, {mode}", workers, measure))
        text = "The same workloads in all modes. Time per block."
        return self.curve("Interpreter modes", text, "workers", "", "s", points, log=True)

    def kinds(self) -> dict[str, Workload]:
        """Workloads: code that releases Python's lock, small blocks, and code that does not release the lock."""
        return {
            "gaussian, cells of 64³": workloads.GAUSSIAN.resized((128, 128, 128) if self.quick else (256, 256, 256)),
            "copy, cells of 64²": workloads.COPY.resized((2048, 2048)) if self.quick else workloads.COPY,
            "a loop in Python": workloads.PURE_PYTHON.resized((64, 64 * 200)),
        }

    def cache(self) -> dict:
        """Time per slice for different numbers of cells that the cache may keep."""
        count = 64 if self.quick else 320
        workload = workloads.VIEWING
        points = [
            Point(series, cells, self.per_slice(workload, cells, count, key, divisor))
            for series, key, divisor in (("mean", "total", count), ("slowest hundredth", "p99", 1))
            for cells in (16, 32, 64, 128, 256)
        ]
        text = (
            "W5: random slices, two workers, four readers. A slice has 64 cells of 64 KiB, the image 512. Native "
            "memory is bounded by 32 MB. Time per slice: the mean is the time of all slices divided by their number; "
            "the slowest hundredth is the time that one reader waits."
        )
        return self.curve("Cells in the cache", text, "cells", "", "s", points)

    def sizes(self) -> dict:
        """Speed for different sizes of a block, with code that releases Python's lock."""
        points = []
        for exponent in range(10, 25 if self.quick else 29, 2):
            size = 1 << exponent
            count = min(max(2, (64 << 20) // size), 4096)
            workload = workloads.COSINE.resized((count * size // 4,), (size // 4,))
            for name, entry in (
                ("loop", Entry("loop")),
                (workers_name(1), Entry(LIBRARY, 1)),
                (workers_name(2), Entry(LIBRARY, 2)),
            ):
                points.append(Point(name, size, self.rate(workload, entry)))
        text = "The cosine of float32 pixels. numpy releases Python's lock to compute it. MB/s of input."
        return self.curve("Size of a block", text, "bytes of a block", "bytes", "MB/s", points)

    def blas(self) -> dict:
        """Time per block for different numbers of workers and of threads of BLAS, which multiplies matrices."""
        workload = workloads.MATRIX.resized((1024, 2048) if self.quick else (2048, 4096))
        points = []
        for threads in ("1", "2", None):
            name = f"OMP_NUM_THREADS={threads}" if threads else "OMP_NUM_THREADS not set"
            variables = {"OMP_NUM_THREADS": threads} if threads else {}
            process = self.arena.start(LIBRARY, **variables)
            self.arena.processes[name] = process
            for workers in (1, 2, 4):
                points.append(Point(name, workers, self.per_block(workload, workers, process=process)))
        text = "Products of matrices of 512² float32 by BLAS, which has its own threads. Time per block."
        return self.curve("Workers and threads of BLAS", text, "workers", "", "s", points)

    def per_block(
        self,
        workload: Workload,
        workers: int,
        key: str = "time",
        divisor: int = 0,
        process: object = None,
        **more: object,
    ) -> Callable[[], float]:
        """Function that measures a time of this library, by default the time per block."""

        def measure() -> float:
            question = self.arena.question(workload, Entry(LIBRARY, workers), **{**more, "mode": "bulk"})
            answer = (process or self.arena.process(LIBRARY)).ask(**question)
            return float(answer[key]) / (divisor or workload.num_cells)

        return measure

    def per_slice(self, workload: Workload, cache: int, count: int, key: str, divisor: int) -> Callable[[], float]:
        """Function that measures one of the times of reading slices."""

        def measure() -> float:
            slices = self.arena.slices(workload, count)
            question = self.arena.question(
                workload, Entry(LIBRARY, 2), mode="slices", cache=cache, readers=4, slices=slices
            )
            return float(self.arena.process(LIBRARY, "32m").ask(**question)[key]) / divisor

        return measure

    def rate(self, workload: Workload, entry: Entry) -> Callable[[], float]:
        """Function that measures MB/s."""

        def measure() -> float:
            workload.write_inputs(self.arena.folder)
            answer = self.arena.process(entry.name).ask(**self.arena.question(workload, entry, mode="bulk"))
            return workload.input_bytes / float(answer["time"]) / 1e6

        return measure

    def curve(
        self, title: str, text: str, x: str, x_unit: str, unit: str, points: list[Point], log: bool = False
    ) -> dict:
        """Measures a curve. Each value is the median of three rounds, after two seconds of warm-up.

        In each round, a run of less than half a second is repeated. A long run is measured once.
        """
        values: list[list[float]] = [[] for _ in points]
        slow = set()
        for round_number in range(2 if self.quick else 4):
            for i, point in enumerate(points):
                if i in slow:
                    continue
                begin = time.perf_counter()
                turn = WARM_UP_SECONDS if round_number == 0 else TURN_SECONDS
                found = []
                try:
                    while not found or time.perf_counter() - begin < turn:
                        found.append(point.measure())
                except ContestantError as error:
                    print(f"{title}, {point.series}, {point.x}: {error}", file=sys.stderr, flush=True)
                    raise
                if time.perf_counter() - begin > LONG_SECONDS:
                    slow.add(i)
                if round_number > 0 or i in slow:
                    values[i].append(statistics.median(found))
        series: dict[str, dict[str, float]] = {}
        for point, measured in zip(points, values, strict=True):
            series.setdefault(point.series, {})[axis_key(point.x)] = statistics.median(measured)
        return {"title": title, "text": text, "x": x, "x unit": x_unit, "unit": unit, "log": log, "series": series}


def workers_name(workers: int) -> str:
    """Name of the series of a number of workers."""
    return "1 worker" if workers == 1 else f"{workers} workers"


def measure(arena: Arena, quick: bool, only: list[str]) -> list[dict]:
    """Measures all curves, or those whose names begin with one of `only`."""
    curves = Curves(arena, quick)
    for workload in (
        workloads.COPY,
        workloads.COPY.resized((2048, 2048)),
        workloads.GAUSSIAN.resized((128, 128, 128)),
        workloads.GAUSSIAN,
        workloads.VIEWING,
        workloads.MATRIX.resized((1024, 2048)),
        workloads.MATRIX.resized((2048, 4096)),
    ):
        workload.write_inputs(arena.folder)
    found = []
    for make in (
        curves.sizes,
        curves.workers,
        curves.readers,
        curves.blas,
        curves.modes,
        curves.cache,
        curves.images,
        curves.blocks,
    ):
        if not only or any(make.__name__.startswith(name) for name in only):
            begin = time.perf_counter()
            found.append(make())
            print(f"  {make.__name__}: {time.perf_counter() - begin:.0f} s", flush=True)
    return found
