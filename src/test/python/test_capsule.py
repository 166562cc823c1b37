# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of capsule.py, through a worker: which blocks are written into files, and what is in there."""

from __future__ import annotations

import base64
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Bench, Told, run_in_new_python
from imglib2_cache_python import capsule
from imglib2_cache_python._worker import protocol, values
from imglib2_cache_python.block import Block
from imglib2_cache_python.failure import Failure
from imglib2_cache_python.settings import Settings

FAILURE = Failure("ValueError", "bad", "<a>", 1, "x", "", ())


@pytest.fixture
def stack_file(tmp_path: Path) -> Path:
    return tmp_path / "init.stack"


def settings(
    folder: Path | None, parameters: dict[str, Any] | None = None, names: list[str | None] | None = None
) -> str:
    """As Java writes them."""
    entries = [parameters or {}, names or [], None if folder is None else str(folder), False, "1.2.3", 0, {}]
    return base64.b64encode(values.encode(entries)).decode()


def read(file: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    with np.load(file, allow_pickle=False) as arrays:
        found = dict(arrays)
    return json.loads(found.pop("metadata").tobytes()), found


def prepare(bench: Bench, code: str, encoded: str, name: str = "<blur>") -> None:
    bench.run("prepare", 1, code, name, False, encoded)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_a_block_that_fails_is_written_with_all_that_it_needs(
    bench: Bench, stack_file: Path, tmp_path: Path, n: int
) -> None:
    random = np.random.default_rng(n)
    dim = (1, *random.integers(1, 5, n - 1).tolist())
    lower = random.integers(0, 3, n).tolist()
    inputs = [random.random(np.add(lower, dim)), random.random(np.add(lower, dim)).astype(np.float32)]
    parameters = {
        "sigma": 2.5,
        "weights": np.arange(6, dtype=np.int32),
        "options": {"array": [1, None, True, {"deep": np.ones(2, bool)}], "größe": "µ"},
        "large": 2**70,
    }
    folder = tmp_path / "new" / "failed"
    bench.run("initialise", "offset = 3", 30.0, str(stack_file))
    code = "block.data[...] = raw.sum() + offset\n1 / 0"
    prepare(bench, code, settings(folder, parameters, ["raw", None]), "<my blur/2>")
    bench.describe(1, dim, index=12, minimum=[7] * n, lower=lower)
    told = bench.fail("step", np.zeros(dim), *inputs)

    file = folder / "my_blur_2-cell-12.npz"
    assert os.listdir(folder) == [file.name]
    assert told.advice.endswith(f"The failed block, with its inputs, is in {file}")
    metadata, arrays = read(file)
    assert metadata["format"] == 1
    assert metadata["code"] == code
    assert metadata["init"] == "offset = 3"
    assert metadata["name"] == "my blur/2"
    assert metadata["check_written"] is False
    assert metadata["dtype"] == "float64"
    assert metadata["shape"] == metadata["dim"] == list(dim)
    assert metadata["index"] == 12
    assert metadata["min"] == [7] * n
    assert metadata["max"] == [6 + size for size in dim]
    assert metadata["halo"] == [[low, low + size] for low, size in zip(lower, dim, strict=True)]
    assert metadata["crops"] == [None, None]
    assert metadata["input_names"] == ["raw", None]
    assert metadata["inputs"] == 2
    for i, pixels in enumerate(inputs):
        np.testing.assert_array_equal(arrays[f"input_{i}"], pixels, strict=True)
    assert metadata["parameters"] == {
        "sigma": 2.5,
        "weights": {"array": "parameter_0"},
        "options": {"dict": {"array": [1, None, True, {"dict": {"deep": {"array": "parameter_1"}}}], "größe": "µ"}},
        "large": 2**70,
    }
    np.testing.assert_array_equal(arrays["parameter_0"], parameters["weights"], strict=True)
    np.testing.assert_array_equal(arrays["parameter_1"], np.ones(2, bool), strict=True)
    error = metadata["error"]
    assert error["type"] == "ZeroDivisionError"
    assert (error["message"], error["line"], error["source"]) == ("division by zero", 2, "1 / 0")
    assert metadata["sys_path"] == sys.path
    versions = metadata["versions"]
    assert versions["imglib2-cache-python"] == "1.2.3"
    assert versions["numpy"] == np.__version__
    assert versions["python"].count(".") == 2


def test_a_file_can_be_read_without_this_package(bench: Bench, tmp_path: Path) -> None:
    prepare(bench, "1 / 0", settings(tmp_path))
    bench.describe(1, (2, 3))
    bench.fail("step", np.zeros((2, 3)), np.arange(6.0).reshape(2, 3))
    printed = run_in_new_python(
        "import json, numpy, sys\n"
        f"arrays = numpy.load({str(tmp_path / 'blur-cell-0.npz')!r}, allow_pickle=False)\n"
        "print(json.loads(arrays['metadata'].tobytes())['code'], arrays['input_0'].sum(),"
        " any('imglib2' in name for name in sys.modules))"
    )
    assert printed == "1 / 0 15.0 False"


def test_inputs_are_written_as_they_were_before_the_code_ran(bench: Bench, tmp_path: Path) -> None:
    prepare(bench, "block.inputs[0][...] = 9\nblock.inputs.clear()\nblock.data.shape = 6\n1 / 0", settings(tmp_path))
    bench.describe(1, (2, 3))
    pixels = np.arange(6.0).reshape(2, 3)
    write_access(bench, np.zeros((2, 3)), pixels)
    metadata, arrays = read(tmp_path / "blur-cell-0.npz")
    assert metadata["shape"] == [2, 3]
    assert metadata["writable"] == [True]
    np.testing.assert_array_equal(arrays["input_0"], np.arange(6.0).reshape(2, 3))
    assert (pixels == 9).all()


def write_access(bench: Bench, *arrays: np.ndarray) -> Told:
    """A step that fails, whose code may write into its inputs."""
    bench._write(arrays)
    # The access is the first number of an array in the layout.
    request = bench.request
    axes = arrays[0].ndim
    first = 1 + 4 + 2 + 3 + 2 * axes
    second = first + 6 + 2 * axes
    assert (request[first], request[second]) == (protocol.OUTPUT, protocol.READ)
    request[second] = protocol.WRITE
    assert bench.worker.step(*arrays) != 0
    return Told.of(bench.worker.failure())


def test_blocks_that_succeed_and_images_without_folder_write_nothing(bench: Bench, tmp_path: Path) -> None:
    prepare(bench, "if block.index: 1 / 0", settings(tmp_path))
    bench.describe(1, (2, 3))
    bench.run("step", np.zeros((2, 3)))
    bench.run("prepare", 2, "1 / 0", "<other>", False, settings(None, {"x": 1}))
    bench.describe(2, (2, 3))
    assert bench.fail("step", np.zeros((2, 3))).advice == ""
    assert os.listdir(tmp_path) == []


def test_functions_and_wrong_results_are_written_too(bench: Bench, tmp_path: Path) -> None:
    prepare(bench, "numpy:transpose", settings(tmp_path))
    bench.describe(1, (2, 3), index=4)
    told = bench.fail("step", np.zeros((2, 3)), np.zeros((2, 3)))
    assert told.message.startswith("the function returned shape (3, 2)")
    metadata, _ = read(tmp_path / "blur-cell-4.npz")
    assert metadata["code"] == "numpy:transpose"
    assert metadata["error"]["message"] == told.message


def test_code_that_is_cancelled_is_written(bench: Bench, tmp_path: Path) -> None:
    prepare(bench, "while True: pass", settings(tmp_path))
    bench.describe(1, (2, 3), ticket=5)
    cancel = threading.Thread(target=bench.control.__setitem__, args=(protocol.CANCEL, 5))
    cancel.start()
    assert bench.fail("step", np.zeros((2, 3)), np.ones((2, 3))).type_name == protocol.CANCELLED
    cancel.join()
    metadata, arrays = read(tmp_path / "blur-cell-0.npz")
    assert metadata["error"]["type"] == protocol.CANCELLED
    assert arrays["input_0"].sum() == 6


@pytest.mark.parametrize("why", [protocol.ABANDONED, protocol.EXITING])
def test_nothing_is_written_when_nobody_waits(bench: Bench, tmp_path: Path, why: int) -> None:
    prepare(bench, "print_cancel()\nwhile True: pass", settings(tmp_path))
    bench.worker._snippets[1]._namespace["print_cancel"] = lambda: bench.control.__setitem__(protocol.CANCEL, why)
    bench.describe(1, (2, 3), ticket=5)
    assert bench.fail("step", np.zeros((2, 3))).type_name == protocol.CANCELLED
    assert os.listdir(tmp_path) == []
    bench.control[protocol.CANCEL] = 0


def block(index: int, pixels: np.ndarray) -> Block:
    return Block(np.zeros(2), [pixels], index, (0,), (1,), (2,), (slice(0, 2),))


def write(folder: Path, index: int, name: str = "a", pixels: np.ndarray | None = None) -> str:
    one = block(index, np.full(2, float(index)) if pixels is None else pixels)
    return capsule.write(one, FAILURE, Settings(capture_folder=str(folder)), {"name": name, "code": "x"})


def test_an_image_writes_a_bounded_number_of_files(tmp_path: Path) -> None:
    for name in ("a", "a-cell-1", "b"):
        for index in range(capsule.MAX_FILES):
            assert write(tmp_path, index, name).endswith(f"{name}-cell-{index}.npz")
    assert write(tmp_path, 1000).startswith("The failed block was not written into a file: there are 100 files of a in")
    # A cell that has failed before is written again.
    assert write(tmp_path, 7, pixels=np.full(2, 99.0)).endswith("a-cell-7.npz")
    assert read(tmp_path / "a-cell-7.npz")[1]["input_0"].tolist() == [99, 99]
    assert len(os.listdir(tmp_path)) == 3 * capsule.MAX_FILES


def test_what_processes_that_ended_have_left_counts(tmp_path: Path) -> None:
    for i in range(capsule.MAX_FILES):
        (tmp_path / f".a-cell-{i}.tmp").write_text("")
    assert "there are 100 files of a in" in write(tmp_path, 1)
    assert write(tmp_path, 1, "b").endswith("b-cell-1.npz")


def test_several_writers_write_no_more(tmp_path: Path) -> None:
    barrier = threading.Barrier(4)

    def work(first: int) -> None:
        barrier.wait()
        for index in range(first, 160, 4):
            write(tmp_path, index)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Each of the last ones may have seen the files of the others, and have withdrawn its own.
    assert capsule.MAX_FILES - 4 < len(os.listdir(tmp_path)) <= capsule.MAX_FILES
    for file in tmp_path.iterdir():
        assert read(file)[1]["input_0"][0] == int(file.stem.rpartition("-")[2])


@pytest.mark.parametrize("number", range(1, 4))
def test_a_failure_to_write_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device" + "!" * 10_000)

    monkeypatch.setattr(*[(np, "savez"), (os, "replace"), (capsule.tempfile, "mkstemp")][number - 1], fail)
    told = write(tmp_path, 1)
    assert told.startswith("The failed block could not be written into a file: OSError: [Errno 28] No space left")
    assert len(told) <= 500
    assert os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be_is_told_and_the_error_stays(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    prepare(bench, "1 / 0", settings(tmp_path / "file" / "folder"))
    bench.describe(1, (2, 3))
    told = bench.fail("step", np.zeros((2, 3)))
    assert told.type_name == "ZeroDivisionError"
    assert "The failed block could not be written into a file: NotADirectoryError" in told.advice


def test_blocks_that_are_too_large_are_not_written(tmp_path: Path) -> None:
    huge = np.broadcast_to(np.zeros(1), (1 << 28,))
    assert "its inputs are 2147483648 bytes, more than 1073741824" in write(tmp_path, 1, pixels=huge)
    assert os.listdir(tmp_path) == []


def test_no_memory_is_kept(bench: Bench, tmp_path: Path) -> None:
    prepare(bench, "1 / 0", settings(tmp_path))
    bench.describe(1, (2, 3), reused=0b10, ticket=3)
    bench.fail("step", np.zeros((2, 3)), np.zeros((2, 3)))
    assert bench.told() == (0, [])
    assert bench.worker._to_capture is None


@pytest.mark.parametrize("as_file", [False, True])
def test_a_file_has_the_text_that_has_run_if_a_module_was_edited_after_the_init_code_has_imported_it(
    bench: Bench, stack_file: Path, tmp_path: Path, write_module: Callable[[str, str], Path], as_file: bool
) -> None:
    text = "K = 1\ndef run(a):\n    raise ValueError(K)\n"
    module = write_module("edited_filter", text)
    bench.run("initialise", "import edited_filter", 30.0, str(stack_file))
    edited = text.replace("K = 1", "K = 23")
    module.write_text(edited, "utf-8")
    prepare(bench, f"{module}:run" if as_file else "edited_filter:run", settings(tmp_path))
    bench.describe(1, (2, 3))
    told = bench.fail("step", np.zeros((2, 3)), np.ones((2, 3)))
    metadata, _ = read(tmp_path / "blur-cell-0.npz")
    assert told.message == "23"
    assert metadata["source"] == {"file": str(module), "text": edited}
