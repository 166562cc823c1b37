# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""``map_blocks( …, processes=True )``: other processes compute the blocks, and none of them stays."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import SOURCES
from imglib2_cache_python import Block, BlockError, block_processes, map_blocks

IMAGE = np.arange(60.0).reshape(6, 10)


@pytest.fixture(autouse=True)
def none_stays() -> Iterator[None]:
    before = children()
    yield
    assert children() == before


def children() -> set[str]:
    """Processes that this one has started, also those that have ended but were not waited for."""
    tasks = Path("/proc/self/task")
    return (
        {child for task in tasks.glob("*/children") for child in task.read_text().split()} if tasks.exists() else set()
    )


def twice(pixels: np.ndarray, block: Block, more: int = 0) -> np.ndarray:
    return 2 * pixels[block.halo] + more + block.index


class OwnError(Exception):
    pass


def fails(pixels: np.ndarray, block: Block) -> np.ndarray:
    if block.index == 3:
        raise OwnError("no")
    return pixels


@pytest.mark.parametrize(("border", "workers"), [("mirror_double", 1), (7, 3)])
def test_blocks_are_the_same_as_here(border: str | float, workers: int) -> None:
    random = np.random.default_rng(3)
    images = [random.integers(0, 90, (7, 9, 5)).astype(dtype) for dtype in (">u2", "float32", "complex64")]
    code = """
        assert [one.dtype.isnative and not one.flags.writeable for one in block.inputs] == [True] * 3
        assert block.data.flags.c_contiguous and not block.data.any()
        sums = block.inputs[1] + np.cumsum(block.inputs[0], axis=1) * offset
        block.data[...] = sums[block.halo] + block.index + sum(block.min) * block.inputs[2].real[block.crops[2]]
        block.data += block.rng.random(block.dim) + block.slices[0].stop
    """
    how = {"block_size": (3, 4, 5), "halo": ((1, 0, 2), (0, 3, 1)), "border": border, "dtype": "float64", "seed": 5}
    how["parameters"] = {"offset": random.random(5 + 3)}
    expected = map_blocks(code, *images, **how)
    result = map_blocks(code, *images, **how, workers=workers, processes=True)
    np.testing.assert_array_equal(result, expected, strict=True)


def test_blocks_are_computed_there_by_all_of_them(tmp_path: Path) -> None:
    # Each waits for the other one.
    code = """
        import os
        open(folder + "/" + str(block.index), "w").close()
        while not os.path.exists(folder + "/" + str(1 - block.index)):
            pass
        block.data[...] = os.getpid()
    """
    how: dict[str, Any] = {"block_size": 1, "parameters": {"folder": str(tmp_path)}}
    found = map_blocks(code, np.zeros(2), **how, workers=2, processes=True)
    assert len({*found, os.getpid()}) == 3


def test_functions_are_imported_there(write_module: Callable[[str, str], Path]) -> None:
    file = write_module("own_filters", "def twice(pixels, factor=2):\n    return pixels * factor\n")
    for function in ("own_filters:twice", f"{file}:twice"):
        assert (map_blocks(function, IMAGE, block_size=4, processes=True) == 2 * IMAGE).all()
    assert (map_blocks(np.negative, IMAGE, block_size=4, processes=True) == -IMAGE).all()
    how: dict[str, Any] = {"block_size": 4, "halo": 1, "parameters": {"more": 5}}
    expected = map_blocks(twice, IMAGE, **how)
    np.testing.assert_array_equal(map_blocks(twice, IMAGE, **how, processes=True, workers=2), expected)


def test_functions_that_cannot_be_imported_are_sent_by_cloudpickle() -> None:
    pytest.importorskip("cloudpickle")
    more = 3

    def local(pixels: np.ndarray) -> np.ndarray:
        return pixels + more

    assert (map_blocks(local, IMAGE, block_size=4, processes=True) == IMAGE + 3).all()


def test_without_it_they_are_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with pytest.raises(TypeError, match=r"processes=True: .*import.*'/path/file.py:function'.*pip install cloudpickle"):
        map_blocks(lambda pixels: pixels, IMAGE, block_size=4, processes=True)


def test_values_that_cannot_be_sent_are_refused() -> None:
    with pytest.raises(TypeError, match=r"processes=True: .*parameters.*cannot"):
        map_blocks("block.data[...] = 1", IMAGE, block_size=4, parameters={"x": threading.Lock()}, processes=True)


def test_a_failure_names_the_block_and_the_line() -> None:
    code = "if block.index == 3:\n    raise KeyError('gone')\nblock.data[...] = 1"
    with pytest.raises(BlockError) as caught:
        map_blocks(code, IMAGE, block_size=(2, 5), workers=2, processes=True)
    error = caught.value
    assert (error.index, error.min, error.line, error.source) == (3, (2, 5), 2, "raise KeyError('gone')")
    assert "Block 3, from (2, 5) to (3, 9), failed: KeyError: 'gone'\n  at <map_blocks" in str(error)
    assert "raise KeyError('gone')" in error.traceback
    assert isinstance(error.__cause__, KeyError)
    with pytest.raises(BlockError, match=r"test_block_processes\.OwnError: no") as caught:
        map_blocks(fails, IMAGE, block_size=(2, 5), processes=True)
    assert caught.value.file == __file__
    # The same class, although it was raised elsewhere.
    assert type(caught.value.__cause__) is OwnError


def test_an_exception_that_is_only_known_there_is_told() -> None:
    code = "class Own(Exception):\n    pass\nraise Own('no')"
    with pytest.raises(BlockError, match="Own: no") as caught:
        map_blocks(code, IMAGE, block_size=4, processes=True)
    assert caught.value.__cause__ is None
    assert caught.value.line == 3


@pytest.mark.parametrize(
    ("code", "how", "line", "workers"),
    [
        ("import os\nif block.index == 1: os._exit(3)\nblock.data[...] = 1", "with exit code 3", 0, 1),
        ("import ctypes\nif block.index == 1: ctypes.string_at(0)\nblock.data[...] = 1", "by SIGSEGV", 2, 2),
        ("import os\nif block.index == 1: os.kill(os.getpid(), 9)\nblock.data[...] = 1", "by SIGKILL, .*memory", 0, 1),
    ],
)
def test_the_end_of_a_process_is_an_error_of_its_block(code: str, how: str, line: int, workers: int) -> None:
    with pytest.raises(
        BlockError, match=rf"Block 1, .* failed: ChildProcessError: its process has ended {how}"
    ) as caught:
        map_blocks(code, IMAGE, block_size=(3, 5), workers=workers, processes=True)
    assert isinstance(caught.value.__cause__, ChildProcessError)
    assert caught.value.line == line
    assert ("ctypes.string_at(0)" in caught.value.source) == (line > 0)
    pickle.loads(pickle.dumps(caught.value))


def test_a_crash_is_told_with_the_line_whatever_the_file_is_called_and_other_threads_do(tmp_path: Path) -> None:
    file = tmp_path / "zellk\u00f6rper \u7d30\u80de.py"
    file.write_text(
        "import ctypes\n"
        "import threading\n"
        "\n"
        "def waits(event):\n"
        "    event.wait()\n"
        "\n"
        "def crash(pixels):\n"
        "    threading.Thread(target=waits, args=(threading.Event(),), daemon=True).start()\n"
        "    ctypes.string_at(0)\n"
    )
    with pytest.raises(BlockError, match="by SIGSEGV") as caught:
        map_blocks(f"{file}:crash", IMAGE, block_size=4, processes=True)
    assert (caught.value.file, caught.value.line) == (str(file), 9)
    assert caught.value.source == "ctypes.string_at(0)"


def test_a_crash_is_told_with_the_line_of_its_own_thread() -> None:
    stacks = (
        'Fatal Python error: Segmentation fault\n\nThread 0x1 (most recent call first):\n  File "a.py", line 1 in a\n\n'
        'Current thread 0x2 (most recent call first):\n  File "C:\\x41.py", line 2 in b\n\n'
        'Thread 0x3 (most recent call first):\n  File "c.py", line 3 in c\n'
    )
    assert block_processes._users_line(stacks) == ("C:\\x41.py", 2)


def test_a_process_that_cannot_be_started_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_processes, "_PROGRAM", "raise SystemExit(5)")
    with pytest.raises(BlockError, match="has ended with exit code 5 while it was started"):
        map_blocks("block.data[...] = 1", IMAGE, block_size=4, processes=True)


def test_an_exit_of_the_code_is_a_failure() -> None:
    with pytest.raises(BlockError, match="failed: SystemExit: 4"):
        map_blocks("raise SystemExit(4)", IMAGE, block_size=4, processes=True)
    with pytest.raises(KeyboardInterrupt):
        map_blocks("raise KeyboardInterrupt", IMAGE, block_size=4, processes=True)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interruption_ends_the_processes_at_once(workers: int, tmp_path: Path) -> None:
    code = f"open({str(tmp_path / 'begun')!r}, 'w').close()\nwhile True: pass\nblock.data[...] = 1"

    def interrupt() -> None:
        while not (tmp_path / "begun").exists():
            pass
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    interrupter = threading.Thread(target=interrupt)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        interrupter.start()
        with pytest.raises(KeyboardInterrupt):
            map_blocks(code, IMAGE, block_size=4, workers=workers, processes=True, capture=tmp_path / "failed")
    finally:
        signal.signal(signal.SIGINT, before)
        interrupter.join()
    # The code is not to blame.
    assert not (tmp_path / "failed").exists()


def test_what_is_printed_there_is_printed_here(capsys: pytest.CaptureFixture[str]) -> None:
    code = "import sys\nprint('µ', block.index)\nprint('bad', file=sys.stderr, end='')\nblock.data[...] = 1"
    map_blocks(code, np.zeros(2), block_size=1, processes=True)
    printed = capsys.readouterr()
    assert printed.out == "µ 0\nµ 1\n"
    assert printed.err == "badbad"


def test_code_reads_no_messages(capfd: pytest.CaptureFixture[str]) -> None:
    code = "import os, sys\nblock.data[...] = len(sys.stdin.read())\nos.write(1, b'raw')"
    assert map_blocks(code, np.ones(3), block_size=1, processes=True).tolist() == [0, 0, 0]
    assert capfd.readouterr().err == "rawrawraw"


def test_what_python_prints_when_it_starts_is_no_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('welcome', flush=True)\nprint('to', end=' ')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert map_blocks("block.data[...] = 1", np.zeros(2), block_size=1, processes=True).tolist() == [1, 1]


def test_inputs_are_read_here() -> None:
    class Source:
        shape, dtype = (6,), np.dtype("float64")

        def __init__(self) -> None:
            # Cannot be pickled.
            self.lock = threading.Lock()

        def __getitem__(self, part: tuple[slice, ...]) -> np.ndarray:
            with self.lock:
                return np.arange(6.0)[part]

    assert map_blocks(np.negative, Source(), block_size=2, workers=2, processes=True).tolist() == [
        0,
        -1,
        -2,
        -3,
        -4,
        -5,
    ]


def test_images_without_pixels_start_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", None)
    assert map_blocks("1 / 0", np.zeros((3, 0)), block_size=2, workers=3, processes=True).shape == (3, 0)


SCRIPT = """
import numpy as np
from imglib2_cache_python import map_blocks
print("begin")

def smooth(pixels):
    return pixels + 1

{guard}
    print(map_blocks({code}, np.zeros(4), block_size=2, workers=2, processes=True))
"""

STATEMENTS = '"block.data[...] = 1"'


def run(script: str, *options: str, path: Path) -> subprocess.CompletedProcess[str]:
    file = path / "script.py"
    file.write_text(script)
    return subprocess.run(
        [sys.executable, "-B", *options, str(file)],
        env={"PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_functions_of_scripts_are_sent_by_their_file(tmp_path: Path) -> None:
    result = run(SCRIPT.format(guard='if __name__ == "__main__":', code="smooth"), path=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines().count("begin") == 3
    assert result.stdout.endswith("[1. 1. 1. 1.]\n")


def test_statements_of_scripts_need_no_guard(tmp_path: Path) -> None:
    result = run(SCRIPT.format(guard="if True:", code=STATEMENTS), path=tmp_path)
    assert (result.returncode, result.stdout) == (0, "begin\n[1. 1. 1. 1.]\n"), result.stderr


def test_scripts_that_would_start_processes_without_end_are_told(tmp_path: Path) -> None:
    result = run(SCRIPT.format(guard="if True:", code="smooth"), path=tmp_path)
    assert result.returncode == 1
    assert result.stdout.splitlines().count("begin") <= 3
    assert result.stderr.splitlines()[-1].startswith("RuntimeError: this script runs again in each process")
    assert 'if __name__ == "__main__":' in result.stderr.splitlines()[-1]


def test_processes_end_if_this_one_is_killed(tmp_path: Path) -> None:
    code = f"import os\\nopen({str(tmp_path)!r} + '/' + str(os.getpid()), 'w').close()\\nwhile True: pass"
    script = SCRIPT.format(guard="if True:", code=f'"{code}"')
    process = subprocess.Popen([sys.executable, "-B", "-c", script], env={"PYTHONPATH": str(SOURCES)})
    try:
        while len(begun := [name for name in os.listdir(tmp_path) if name.isdecimal()]) < 2:
            assert process.poll() is None
    finally:
        process.kill()
        process.wait()
    for name in begun:
        while is_running(int(name)):
            pass


def is_running(process: int) -> bool:
    try:
        # One that has ended, but was not waited for, is none.
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
