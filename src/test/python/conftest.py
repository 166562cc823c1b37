# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Fixtures and helpers of the tests of the Python half. These tests need no JVM."""

from __future__ import annotations

import importlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

SOURCES = Path(__file__).parents[2] / "main" / "python"
sys.path.insert(0, str(SOURCES))

from imglib2_cache_python._worker import protocol  # noqa: E402
from imglib2_cache_python._worker.worker import OK, Worker  # noqa: E402
from imglib2_cache_python.block import Block, halo_slices  # noqa: E402

# Long enough for blocks of 64 axes.
REQUEST_LENGTH = 1000

# A test that takes longer than LIMIT seconds fails. The failure is raised again every AGAIN seconds, because the code
# under test may catch it.
LIMIT = 600
AGAIN = 5


def pytest_configure(config: pytest.Config) -> None:
    """Makes a test fail if one of its threads ends with an exception, for instance of an assertion."""
    config.addinivalue_line("filterwarnings", "error::pytest.PytestUnhandledThreadExceptionWarning")


@pytest.fixture(autouse=True)
def limit() -> Iterator[None]:
    """Makes a test fail that does not end."""

    def expired(*_: object) -> None:
        pytest.fail(f"longer than {LIMIT} s")

    before = signal.signal(signal.SIGALRM, expired)
    signal.setitimer(signal.ITIMER_REAL, LIMIT, AGAIN)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def run_in_new_python(code: str) -> str:
    """Runs code in a new Python that finds this package. Returns what it prints."""
    result = subprocess.run(
        [sys.executable, "-B", "-c", code],
        env={"PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


class Told(NamedTuple):
    """A failure as Java reads it from `Worker.failure`."""

    type_name: str
    message: str
    file: str
    line: int
    source: str
    traceback: str
    frames: list[tuple[str, str, int]]
    advice: str

    @staticmethod
    def of(strings: list[str]) -> Told:
        """Reads the flat list."""
        assert all(type(text) is str for text in strings)
        assert len(strings) >= 6
        assert len(strings) % 3 == 0
        for text in strings:
            assert "\0" not in text
            text.encode("utf-8")
        triples = zip(strings[6::3], strings[7::3], strings[8::3], strict=True)
        frames = [(function, file, int(line)) for function, file, line in triples]
        advice = frames.pop()[1] if frames and frames[-1][0] == "<advice>" else ""
        return Told(strings[0], strings[1], strings[2], int(strings[3]), strings[4], strings[5], frames, advice)


DTYPES = ("bool", "uint8", "int32", "float32", "float64", "complex64")

# What Java hands over.
CONSTANTS = "\n".join(f"{name}={value}" for name, value in protocol._CONSTANTS.items())


class Bench:
    """A worker that is called as Java calls it."""

    def __init__(self, name: str, mode: str = "SHARED") -> None:
        """Creates the worker."""
        self.request = np.zeros(REQUEST_LENGTH, np.int64)
        self.control = np.zeros(protocol.CONTROL_LENGTH, np.int64)
        self.stack = np.zeros(10_000, np.uint8)
        self.worker = Worker(name, mode, CONSTANTS, "\n".join(DTYPES), self.request, self.control, self.stack)
        self._described: list[int] = []
        self._reused = 0

    def call(self, method: str, *arguments: object) -> int:
        """Calls a method. A step computes the block that was described last, with its arrays as arguments."""
        if method == "step":
            self._write(arguments)
        return getattr(self.worker, method)(*arguments)

    def run(self, method: str, *arguments: object) -> None:
        """Calls a method that must succeed."""
        status = self.call(method, *arguments)
        # A step can also return another status to report memories.
        told = self.worker.failure() if status != OK else []
        assert not told, "\n".join(told)

    def fail(self, method: str, *arguments: object) -> Told:
        """Calls a method that must fail."""
        assert self.call(method, *arguments) != OK
        return Told.of(self.worker.failure())

    def value(self, expression: str) -> object:
        """Evaluates an expression and returns its value."""
        self.run("evaluate", expression)
        return self.worker.result()

    def describe(
        self,
        loader: int,
        dim: Sequence[int],
        *,
        index: int = 0,
        minimum: Sequence[int] | None = None,
        lower: Sequence[int] | None = None,
        upper: Sequence[int] | None = None,
        reused: int = 0,
        ticket: int = 0,
    ) -> None:
        """Describes the next block. Its arrays are the arguments of the step."""
        del upper  # It follows from the shapes of the inputs.
        n = len(dim)
        start = np.array(minimum if minimum is not None else [0] * n)
        end = start + dim - 1
        zeros = [0] * n
        self._described = [loader, index, n, *start, *end, *dim, *(lower or zeros)]
        self._reused = reused
        self.control[protocol.TICKET] = ticket

    def _write(self, arguments: Sequence[np.ndarray]) -> None:
        loader, index, n, *box = self._described
        count = len(arguments)
        codes = [-1 - i for i in range(count)]
        layout = [loader, n, count, *box[2 * n :]]
        for i, array in enumerate(arguments):
            access = protocol.READ if i else protocol.OUTPUT
            shape, strides = array.shape, array.strides
            layout += [access, self._reused >> i & 1, 0, DTYPES.index(array.dtype.name), len(shape), 0]
            layout += [*shape, *strides]
        numbers = [1, 0, 1, 0, 0, len(layout), *layout, 0, index, *codes, *[0] * count, *box[: 2 * n]]
        self.request[: 1 + len(numbers)] = [1 + len(numbers), *numbers]
        self.control[protocol.RESULTS :] = self.control[protocol.NUM_FREED] = 0

    def told(self) -> tuple[int, list[int]]:
        """What the last step told: mask of the watched memories that are retained, and numbers of those free again."""
        freed = self.control[protocol.NUM_FREED]
        numbers = self.control[protocol.FREED :][:freed].tolist()
        return int(self.control[protocol.RESULTS + 1]), numbers


@pytest.fixture
def make_bench() -> Iterator[Callable[..., Bench]]:
    """Function that makes workers. They are closed at the end."""
    benches = []

    def make(name: str = "python_1_worker_1", mode: str = "SHARED") -> Bench:
        benches.append(Bench(name, mode))
        return benches[-1]

    yield make
    for bench in benches:
        bench.worker.close()


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    """One worker."""
    return make_bench()


@pytest.fixture
def make_block() -> Callable[..., Block]:
    """Function that makes blocks with random inputs."""

    def make(
        dim: tuple[int, ...] = (2, 3),
        *,
        dtype: str = "float32",
        inputs: int = 1,
        lower: tuple[int, ...] | None = None,
        upper: tuple[int, ...] | None = None,
    ) -> Block:
        zeros = (0,) * len(dim)
        lower, upper = lower or zeros, upper or zeros
        padded = tuple(np.add(np.add(lower, dim), upper))
        random = np.random.default_rng(42)
        return Block(
            np.zeros(dim, dtype),
            [(100 * random.random(padded)).astype(dtype) for _ in range(inputs)],
            0,
            zeros,
            tuple(size - 1 for size in dim),
            dim,
            halo_slices(lower, dim),
        )

    return make


@pytest.fixture
def write_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], Path]]:
    """Function that writes a module into a folder on ``sys.path``. The modules are unloaded at the end."""
    folder = tmp_path / "modules"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    tops = set()

    def write(name: str, source: str) -> Path:
        file = folder.joinpath(*name.split(".")).with_suffix(".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source, "utf-8")
        tops.add(name.partition(".")[0])
        importlib.invalidate_caches()
        return file

    yield write
    for module in [module for module in sys.modules if module.partition(".")[0] in tops]:
        del sys.modules[module]
