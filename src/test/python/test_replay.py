# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of replay.py and capsule_reader.py: blocks that have failed in a worker fail again, in a new Python."""

from __future__ import annotations

import ast
import base64
import io
import json
import os
import re
import signal
import struct
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import SOURCES, Bench, Told
from imglib2_cache_python import capsule, capsule_reader
from imglib2_cache_python._worker import protocol, values
from imglib2_cache_python.block import Block
from imglib2_cache_python.capsule_reader import NotACapsuleError
from imglib2_cache_python.failure import Failure
from imglib2_cache_python.settings import Settings

PAGE = Path(__file__).parents[3] / "doc" / "errors.md"

AGAIN = "The block fails again, with the same error in the same line."


def replay(file: Path, *options: str, code: int, typed: str = "", path: str = "") -> str:
    """Runs the command in a new Python; returns what it prints."""
    result = subprocess.run(
        [sys.executable, "-B", "-m", "imglib2_cache_python.replay", str(file), *options],
        env={"PYTHONPATH": os.pathsep.join(filter(None, (str(SOURCES), path))), "PYTHONIOENCODING": "utf-8"},
        cwd=file.parent,
        input=typed,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    printed = result.stdout + result.stderr
    assert result.returncode == code, printed
    return printed


def settings(
    folder: Path, parameters: dict[str, Any] | None = None, names: list[str | None] | None = None, checked: bool = False
) -> str:
    """As Java writes them."""
    return base64.b64encode(
        values.encode([parameters or {}, names or [], str(folder), checked, "1.2.3", 0, {}])
    ).decode()


def failed(
    bench: Bench, folder: Path, code: str, data: np.ndarray, *inputs: np.ndarray, init: str = "", **more: Any
) -> tuple[Path, Told]:
    """The file of a block that fails in a worker, and how it has failed there."""
    described = {key: more.pop(key) for key in ("index", "minimum", "lower") if key in more}
    check = more.pop("check_written", False)
    if init:
        bench.run("initialise", init, 30.0, str(folder / "init.stack"))
    bench.run("prepare", 1, code, "<blur>", check, settings(folder, **more))
    bench.describe(1, data.shape, **described)
    told = bench.fail("step", data, *inputs)
    return folder / f"blur-cell-{described.get('index', 0)}.npz", told


def test_statements_fail_again_with_the_same_error_in_the_same_line(bench: Bench, tmp_path: Path) -> None:
    pixels = np.arange(20.0).reshape(4, 5)
    code = "low = raw.sum() * sigma + offset\nfirst = other[block.crops[1] or ...]\nraise ValueError(f'{low} {block}')"
    file, told = failed(
        bench,
        tmp_path,
        code,
        np.zeros((2, 3)),
        pixels,
        pixels.astype(np.int32),
        init="offset = 3",
        index=12,
        minimum=[7, 8],
        lower=[1, 1],
        parameters={"sigma": 2.5, "weights": np.arange(3), "options": {"a": [1, None, True, np.ones(2, bool)]}},
        names=["raw", "other"],
    )
    printed = replay(file, code=1)
    assert f"ValueError: {told.message}" in printed
    assert told.message.startswith("478.0 Block(")
    assert told.traceback.strip() in printed
    assert "<blur>, line 3: raise ValueError" in printed
    assert AGAIN in printed


def test_all_of_the_block_is_as_it_was(bench: Bench, tmp_path: Path) -> None:
    file, told = failed(
        bench,
        tmp_path,
        "raise ValueError(repr([block, parameters(), [(a.dtype, a.flags.writeable) for a in block.inputs]]))",
        np.zeros((2, 3), np.complex64),
        np.arange(12, dtype=np.float32).reshape(3, 4),
        np.array([[True, False, True], [False, False, True]]),
        init="def parameters(): import sys; return 5",
        index=3,
        minimum=[4, 6],
        lower=[1, 0],
        parameters={"x": float("nan"), "large": 2**70, "text": "µ\udc80\u202e", "empty": np.zeros((0,), np.uint16)},
    )
    printed = replay(file, code=1)
    assert AGAIN in printed
    assert told.message.count("array(") == 3


def test_a_block_that_does_not_fail_any_more_says_so(bench: Bench, tmp_path: Path) -> None:
    file, _ = failed(bench, tmp_path, f"open({str(tmp_path / 'model')!r})", np.zeros((2, 3)))
    assert AGAIN in replay(file, code=1)
    (tmp_path / "model").write_text("")
    printed = replay(file, code=0)
    assert "The block does not fail here. Recorded was FileNotFoundError" in printed


def test_another_failure_says_so(bench: Bench, tmp_path: Path) -> None:
    code = f"import os\nif os.path.exists({str(tmp_path / 'x')!r}): 1 / 0\nraise SystemExit('end')"
    file, _ = failed(bench, tmp_path, code, np.zeros((2, 3)))
    assert AGAIN in replay(file, code=1)
    (tmp_path / "x").write_text("")
    printed = replay(file, code=1)
    assert "fails again, but differently. Recorded was SystemExit: end in <blur>, line 3" in printed


def test_pixels_that_are_not_written_are_found_again(bench: Bench, tmp_path: Path) -> None:
    file, told = failed(bench, tmp_path, "block.data[0] = 1", np.zeros((2, 3)), check_written=True)
    assert "3 of 6 pixels were not written" in told.message
    printed = replay(file, code=1)
    assert told.message in printed
    assert AGAIN in printed


def test_functions_of_packages_run_again(bench: Bench, tmp_path: Path) -> None:
    file, told = failed(bench, tmp_path, "numpy:transpose", np.zeros((2, 3)), np.zeros((2, 3)))
    # Of others, only the name is recorded.
    assert capsule_reader.read(file).source is None
    printed = replay(file, code=1)
    assert told.message in printed
    assert AGAIN in printed


def test_long_modules_are_not_recorded(bench: Bench, tmp_path: Path, write_module: Callable[[str, str], Path]) -> None:
    text = "def run(a):\n    1 / 0\n"
    for more in (0, 1):
        module = write_module(f"my_filter_{more}", text + "#" * ((1 << 20) - len(text) + more))
        bench.run("prepare", more, f"{module}:run", f"<a{more}>", False, settings(tmp_path))
        bench.describe(more, (2, 3))
        bench.fail("step", np.zeros((2, 3)), np.ones((2, 3)))
        assert (capsule_reader.read(tmp_path / f"a{more}-cell-0.npz").source is None) == bool(more)


def test_a_function_of_a_package_that_is_not_here_says_so(bench: Bench, tmp_path: Path) -> None:
    file, _ = failed(bench, tmp_path, "numpy:transpose", np.zeros((2, 3)), np.zeros((2, 3)))
    changed(file, code="not_there.package:f")
    printed = replay(file, code=2)
    assert "No module named 'not_there'" in printed
    assert "The block was not run, because importing not_there.package:f fails here" in printed


@pytest.mark.parametrize("is_file", [False, True])
@pytest.mark.parametrize("state", ["same", "changed", "away"])
def test_functions_of_the_user_run_as_they_were(
    bench: Bench, tmp_path: Path, write_module: Callable[[str, str], Path], state: str, is_file: bool
) -> None:
    module = write_module(
        "my_filter", "FACTOR = 2\n\n\ndef run(a, *, sigma):\n    raise KeyError(a.sum() * sigma * FACTOR)\n"
    )
    name = f"{module}" if is_file else "my_filter"
    file, told = failed(
        bench,
        tmp_path,
        f"{name}:run",
        np.zeros((2, 3)),
        np.ones((2, 3)),
        parameters={"sigma": 4},
        names=[None],
        checked=True,
    )
    if state == "changed":
        module.write_text("def run(a, *, sigma):\n    return a\n")
    elif state == "away":
        module.unlink()
    printed = replay(file, code=1)
    assert f"{module}, line 5: raise KeyError(a.sum() * sigma * FACTOR)" in printed
    assert told.message in printed
    assert AGAIN in printed
    assert ("its recorded text is run" in printed) == (state != "same")


@pytest.mark.parametrize("module", ["my_package", "my_package.part"])
def test_functions_of_packages_of_the_user_find_their_neighbours(
    bench: Bench, tmp_path: Path, write_module: Callable[[str, str], Path], module: str
) -> None:
    init = write_module("my_package.__init__", "")
    write_module("my_package.helper", "FACTOR = 2\n")
    file = init if module == "my_package" else init.with_name("part.py")
    file.write_text(
        "from .helper import FACTOR\n\ndef run(a):\n    from . import helper\n    1 / (FACTOR - helper.FACTOR)\n"
    )
    captured, _ = failed(bench, tmp_path, f"{module}:run", np.zeros((2, 3)), np.ones((2, 3)))
    assert AGAIN in replay(captured, code=1)
    file.write_text("")
    printed = replay(captured, code=1)
    assert f"{file} has changed: its recorded text is run" in printed
    assert f"{file}, line 5: 1 / (FACTOR - helper.FACTOR)" in printed
    assert AGAIN in printed


def test_other_modules_that_are_away_are_told(
    bench: Bench, tmp_path: Path, write_module: Callable[[str, str], Path]
) -> None:
    helper = write_module("my_helper", "FACTOR = 2\n")
    module = write_module("my_filter", "import my_helper\n\ndef run(a):\n    1 / 0\n")
    file, _ = failed(bench, tmp_path, f"{module}:run", np.zeros((2, 3)), np.ones((2, 3)))
    helper.unlink()
    module.unlink()
    printed = replay(file, code=2)
    assert "No module named 'my_helper'" in printed
    assert f"The block was not run, because importing {module}:run fails here" in printed


@pytest.mark.parametrize("is_file", [False, True])
def test_the_text_that_has_run_is_recorded_if_the_file_has_changed_since(
    bench: Bench, tmp_path: Path, write_module: Callable[[str, str], Path], is_file: bool
) -> None:
    text = "def run(a):\n    open('/not/there')\n"
    module = write_module("my_filter", text)
    name = f"{module}" if is_file else "my_filter"
    bench.run("prepare", 1, f"{name}:run", "<blur>", False, settings(tmp_path))
    module.write_text("def run(a):\n    return a + 1\n")
    bench.describe(1, (2, 3))
    bench.fail("step", np.zeros((2, 3)), np.ones((2, 3)))
    file = tmp_path / "blur-cell-0.npz"
    source = capsule_reader.read(file).source
    assert source is not None and (source.file, source.text) == (str(module), text)
    assert AGAIN in replay(file, code=1)


def test_code_that_was_cancelled_runs_without_a_limit(bench: Bench, tmp_path: Path) -> None:
    bench.run("prepare", 1, "n = 0\nwhile not stop(): n += 1\n1 / 0", "<blur>", False, settings(tmp_path))
    bench.worker._snippets[1]._namespace["stop"] = lambda: False
    bench.describe(1, (2, 3), ticket=5)
    cancel = threading.Thread(target=bench.control.__setitem__, args=(protocol.CANCEL, 5))
    cancel.start()
    assert bench.fail("step", np.zeros((2, 3))).type_name == protocol.CANCELLED
    cancel.join()
    file = tmp_path / "blur-cell-0.npz"
    changed(file, init="def stop(): return True")
    printed = replay(file, code=1)
    assert "The code was cancelled. It runs here without a limit" in printed
    assert "ZeroDivisionError" in printed
    assert "was cancelled at <blur>, line 2, and ended here as shown above" in printed


def test_code_that_runs_on_is_stopped_by_the_user(bench: Bench, tmp_path: Path) -> None:
    file, _ = failed(bench, tmp_path, "print('running', flush=True)\nstop()\nwhile True: pass", np.zeros((2, 3)))
    changed(file, init="def stop(): pass", cancelled=True)
    process = subprocess.Popen(
        [sys.executable, "-B", "-m", "imglib2_cache_python.replay", str(file)],
        env={"PYTHONPATH": str(SOURCES)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert any(line == "running\n" for line in process.stdout)
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 1
    assert re.search(r"(?m)^<blur>, line [123]: ", printed)
    assert "KeyboardInterrupt" in printed
    assert "ended here as shown above" in printed


def test_init_code_that_fails_is_told(bench: Bench, tmp_path: Path) -> None:
    file, _ = failed(bench, tmp_path, "1 / 0", np.zeros((2, 3)))
    changed(file, init="\nimport not_there")
    printed = replay(file, code=2)
    assert "<init>, line 2: import not_there" in printed
    assert "The block was not run, because the init code fails here" in printed


def test_init_code_that_is_not_known_is_told(bench: Bench, tmp_path: Path) -> None:
    bench.run("assign", "offset", 3)
    file, _ = failed(bench, tmp_path, "offset / 0", np.zeros((2, 3)))
    assert "The init code is not recorded" in replay(file, code=1)


def test_writable_inputs_can_be_written_again(bench: Bench, tmp_path: Path) -> None:
    block = Block(np.zeros(2), [np.ones(2), np.ones(2)], 0, (0,), (1,), (2,), (slice(0, 2),))
    block.inputs[1].flags.writeable = False
    code = "block.inputs[0][...] = 7\nblock.inputs[1][...] = 7"
    error = Failure("ValueError", "assignment destination is read-only", "<a>", 2, "", "", ())
    capsule.write(block, error, Settings(capture_folder=str(tmp_path)), entries(code))
    assert AGAIN in replay(tmp_path / "a-cell-0.npz", code=1)


@pytest.mark.parametrize("dtype", ["?", "u1", "<i2", ">i2", ">f4", "<f8", ">c8", "c16", "f2"])
@pytest.mark.parametrize("shape", [(), (0,), (2, 3), (2, 3, 4)])
def test_arrays_are_read_as_they_were(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    pixels = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    # The last axis is one of components.
    data = np.zeros((2, 3), dtype)
    inputs = [pixels, np.asfortranarray(pixels), pixels.T]
    block = Block(data, inputs, 5, (0,), (1,), (2,), (slice(0, 2),), (None, (slice(0, 1),)))
    told = capsule.write(
        block,
        Failure("E", "m", "", 0, "", "", ()),
        Settings({"p": [pixels, {"q": pixels}]}, capture_folder=str(tmp_path)),
        entries("x"),
    )
    assert told.endswith(".npz")
    found = capsule_reader.read(tmp_path / "a-cell-5.npz")
    assert (found.dtype, found.shape, found.dim) == (data.dtype, (2, 3), (2,))
    assert (found.halo, found.crops) == ((slice(0, 2),), [None, (slice(0, 1),)])
    assert found.settings.parameters.keys() == {"p"}
    arrays = [*found.inputs, found.settings.parameters["p"][0], found.settings.parameters["p"][1]["q"]]
    for array, expected in zip(arrays, [*inputs, pixels, pixels], strict=True):
        np.testing.assert_array_equal(array, expected, strict=True)
        assert array.dtype.str == expected.dtype.str
        assert array.flags.writeable
        assert array.flags.aligned


def test_versions_that_differ_are_told(bench: Bench, tmp_path: Path) -> None:
    file, _ = failed(bench, tmp_path, "1 / 0", np.zeros((2, 3)))
    printed = replay(file, code=1)
    assert "numpy:" not in printed
    changed(file, versions={"python": "3.1.2", "numpy": "1.2.3", "not_there": "4.5", "../x": "1"})
    printed = replay(file, code=1)
    assert f"python: 3.1.2 recorded, {sys.version.split()[0]} here" in printed
    assert f"numpy: 1.2.3 recorded, {np.__version__} here" in printed
    assert "not_there: 4.5 recorded, none here" in printed


def test_the_debugger_stops_in_the_line_of_the_user(bench: Bench, tmp_path: Path) -> None:
    code = "first = raw[0] * 2\nnp.reshape(first, (7, 8))"
    file, _ = failed(bench, tmp_path, code, np.zeros((2, 3)), np.ones((2, 3)), names=["raw"])
    typed = "p 'first is', first\np 'raw is', raw.shape\np 'block is', block.dim\nup\ndown\ndown\nq\n"
    printed = replay(file, "--pdb", code=1, typed=typed)
    assert "> <blur>(2)<module>()" in printed
    assert "-> np.reshape(first, (7, 8))" in printed
    assert "('first is', array([2., 2., 2.]))" in printed
    assert "('raw is', (2, 3))" in printed
    assert "('block is', (2, 3))" in printed
    # Above the user's line is nothing; below it is numpy.
    assert "*** Oldest frame" in printed
    assert "fromnumeric.py" in printed
    assert AGAIN in printed


def test_show_prints_what_is_in_the_file_and_runs_nothing(
    bench: Bench, tmp_path: Path, write_module: Callable[[str, str], Path]
) -> None:
    module = write_module("trap", "def run(raw, block, **_):\n    1 / 0\n")
    file, _ = failed(
        bench,
        tmp_path,
        "trap:run",
        np.zeros((2, 3)),
        np.ones((4, 4)),
        init="offset = 3",
        lower=[1, 1],
        parameters={"sigma": 2.5, "weights": np.ones(3)},
        names=["raw"],
    )
    touched = tmp_path / "touched"
    module.write_text(f"open({str(touched)!r}, 'w')\n")
    changed(file, init=f"open({str(touched)!r}, 'w')\n\x1b[2J\u202e", sys_path=[str(module.parent)])
    printed = replay(file, "--show", code=0, path=str(module.parent))
    assert "block.data: shape (2, 3), float64" in printed
    assert "block.inputs[0] (raw): shape (4, 4), float64; the cell is [1:3, 1:4]" in printed
    assert "parameter sigma = 2.5" in printed
    assert "parameter weights = array of shape (3,), float64" in printed
    assert "Error: ZeroDivisionError: division by zero" in printed
    assert f"in {module}, line 2: 1 / 0" in printed
    assert "    def run(raw, block, **_):" in printed
    assert f"    numpy {np.__version__}" in printed
    # Nothing controls the terminal.
    assert "\\x1b[2J\\u202e" in printed
    assert "\x1b" not in printed
    assert not touched.exists()


def commands_of_the_page() -> list[tuple[list[str], str, str]]:
    """The options of each command in doc/errors.md, what is typed then, and what is printed."""
    found = []
    for block in re.findall("(?ms)^```console\n(.*?)^```$", PAGE.read_text("utf-8")):
        for command in re.split(r"(?m)^\$ ", block)[1:]:
            line, _, printed = command.partition("\n")
            if line.startswith("python -m imglib2_cache_python.replay stretched-cell-0.npz"):
                typed = "".join(re.findall(r"(?m)^\(Pdb\) (.*\n)", printed))
                # What is typed is not printed here.
                found.append((line.split()[4:], typed, re.sub(r"(?m)^(\(Pdb\) ).*\n", r"\1", printed)))
    return found


def test_the_commands_of_the_page_print_what_it_says(bench: Bench, tmp_path: Path) -> None:
    java = PAGE.read_text("utf-8").partition("final String code =\n")[2].partition(";\n")[0]
    code = "".join(ast.literal_eval(line.strip(" \t+")) for line in java.splitlines())
    bench.run("prepare", 1, code, "<stretched>", False, settings(tmp_path, names=["raw"]))
    bench.describe(1, (88, 88))
    bench.fail("step", np.zeros((88, 88), np.float32), np.eye(88, dtype=np.uint8))
    commands = commands_of_the_page()
    assert [options for options, _, _ in commands] == [[], ["--pdb"], ["--show"]]
    for options, typed, expected in commands:
        printed = replay(tmp_path / "stretched-cell-0.npz", *options, code=0 if "--show" in options else 1, typed=typed)
        pattern = ".*".join(map(re.escape, expected.strip().split("…")))
        assert re.fullmatch(pattern, printed.strip(), re.DOTALL), printed


def entries(code: str) -> dict[str, Any]:
    return {"name": "a", "code": code, "init": "", "check_written": False, "cancelled": False}


def contents(file: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The metadata of a file, and its other entries as bytes."""
    with zipfile.ZipFile(file) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    return json.loads(np.load(io.BytesIO(found.pop("metadata.npy"))).tobytes()), found


def npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


def save(file: Path, metadata: object, others: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> None:
    text = metadata if isinstance(metadata, bytes) else json.dumps(metadata).encode()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("metadata.npy", npy(np.frombuffer(text, np.uint8)))
        for name, content in others.items():
            archive.writestr(name, content)


def changed(file: Path, **metadata: object) -> None:
    """Replaces entries of the metadata of a file."""
    before, others = contents(file)
    save(file, {**before, **metadata}, others)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    block = Block(np.zeros((2, 3)), [np.ones((2, 3))], 0, (0, 0), (1, 2), (2, 3), (slice(0, 2), slice(0, 3)), (None,))
    failure = Failure("ZeroDivisionError", "division by zero", "<a>", 1, "1 / 0", "", ())
    capsule.write(
        block, failure, Settings({"p": np.ones(2)}, capture_folder=str(tmp_path / "failed")), entries("1 / 0")
    )
    return tmp_path / "failed" / "a-cell-0.npz"


def header(descr: str, shape: str) -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (os.environ["EVIL"],)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (header("'<f8'", "(1000000, 1000000, 1000)"), "too few bytes"),
        (header("'<f8'", "(-2, -3)") + bytes(48), "has shape"),
        (header("'<f8'", "(True, 6)") + bytes(48), "has shape"),
        (header("'<f8'", f"(0, {10**40})"), ""),
        (header("'<f8'", f"({'1, ' * 70})") + bytes(8), "has shape"),
        (header("'<f8'", "(2, 3)") + bytes(49), "49 bytes, expected 48"),
        (header("'<f8'", "(2, 3)") + bytes(47), "has 47 bytes"),
        (header("'O'", "(2, 3)") + bytes(48), "has dtype object"),
        (header("[('a', '<f8')]", "(2, 3)") + bytes(48), "expected numbers"),
        (header("('<f8', (2,))", "(3,)") + bytes(48), "expected numbers"),
        (header("'S1000000000'", "(0,)"), "expected numbers"),
        (header("'<f8'", "__import__('os').mkdir('x')"), ""),
        (header("'<f8'", "(" * 5000), ""),
        (header("'<f8'", "-" * 9000 + "1"), ""),
        (header("'<f8'", f"({'1' * 9000},)"), ""),
        (b"\x93NUMPY\x03\x00" + bytes(100), "version (3, 0)"),
        (b"", ""),
        (b"PK\x05\x06" * 10, ""),
    ],
)
def test_arrays_that_are_none_are_refused(good: Path, content: bytes, expected: str) -> None:
    metadata, others = contents(good)
    save(good, metadata, {**others, "input_0.npy": content})
    refused(good, expected)


def refused(file: Path, expected: str = "") -> None:
    with pytest.raises(NotACapsuleError) as error:
        capsule_reader.read(file)
    assert expected in str(error.value)
    assert len(str(error.value)) < 500


def test_pickles_are_refused(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tmp_path / "evil"
    monkeypatch.setenv("EVIL", str(made))
    evil = npy(np.array([Evil()], object))
    metadata, others = contents(good)
    for name in ("input_0.npy", "parameter_0.npy"):
        save(good, metadata, {**others, name: evil})
        refused(good, "has dtype object")
    with zipfile.ZipFile(good, "w") as archive:
        archive.writestr("metadata.npy", evil)
    refused(good, "has dtype object")
    good.write_bytes(evil)
    refused(good)
    assert not made.exists()


@pytest.mark.parametrize(
    "name",
    ["../../x.npy", "/etc/x.npy", "input_0", "input_00.npy", "x.py", "input_٣.npy", "input_0.npy/", "input_7.npy"],
)
def test_other_entries_are_refused(good: Path, name: str) -> None:
    metadata, others = contents(good)
    save(good, metadata, {**others, name: npy(np.ones(2))})
    refused(good, "entry")


def test_entries_twice_and_compressed_entries_are_refused(good: Path) -> None:
    metadata, others = contents(good)
    save(good, metadata, others, zipfile.ZIP_DEFLATED)
    refused(good, "compressed")
    save(good, metadata, others)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(good, "a") as archive:
        archive.writestr("input_0.npy", others["input_0.npy"])
    refused(good, "two entries of the same name")
    save(good, metadata, {})
    refused(good, "not all of its 1 inputs")
    with zipfile.ZipFile(good, "w"):
        pass
    refused(good, "no entry metadata.npy")


@pytest.mark.parametrize(
    ("entry", "value", "expected"),
    [
        ("format", 2, "another version has written it"),
        ("format", None, "do not tell the format"),
        ("dim", [-2, 3], "dim is (-2, 3)"),
        ("dim", [2.0, 3], "expected int"),
        ("dim", "23", "expected list"),
        ("shape", [2], "has shape (2,)"),
        ("shape", [2, 3, 10**12], "has shape"),
        ("min", [0], "goes from"),
        ("index", True, "expected int"),
        ("index", None, "is missing"),
        ("inputs", 2, "not all of its 2 inputs"),
        ("inputs", 10**18, "not all of its"),
        ("inputs", 0, ""),
        ("inputs", -1, ""),
        ("writable", [], "not all of its 1 inputs"),
        ("writable", [1], "expected bool"),
        ("input_names", ["a", "b"], "2 names of inputs"),
        ("input_names", [[]], "expected str"),
        ("halo", [[0, 2], [3, 0]], "bounds 3 and 0"),
        ("halo", [[-1, 2]], "bounds -1 and 2"),
        ("halo", [[0]], ""),
        ("crops", [None, None], "2 crops"),
        ("dtype", "object", "expected the name of a type of numbers"),
        ("dtype", "O", "expected the name of a type of numbers"),
        ("dtype", "V99999999999", "expected the name of a type of numbers"),
        ("dtype", "f8,f8", "expected the name of a type of numbers"),
        ("parameters", {}, "nothing uses its entry parameter_0"),
        ("parameters", {"p": {"array": "input_0"}}, "a parameter is"),
        ("parameters", {"p": {"pickle": "x"}}, "a parameter is"),
        ("parameters", {"p": {"scalar": "parameter_0"}}, "no single number"),
        ("parameters", {"p": {"tuple": "parameter_0"}}, "a parameter is"),
        ("parameters", {"p": {"missing": ["os"]}}, "a parameter is"),
        ("prefix", 5, "expected str"),
        ("parameters", {"p": json.loads("[" * 102 + "]" * 102)}, "nested more than 100 deep"),
        ("code", 5, "expected str"),
        ("source", {"file": "x"}, "'text' of its metadata is missing"),
        ("source", {"file": "x", "text": "1", "uses": 5}, "'uses' of its metadata is int '5', expected str"),
        ("error", {}, "'type' of its metadata is missing"),
        ("versions", [], "expected dict"),
    ],
)
def test_metadata_that_do_not_fit_are_refused(good: Path, entry: str, value: object, expected: str) -> None:
    changed(good, **{entry: value})
    refused(good, expected)


@pytest.mark.parametrize(
    "text", [b"", b"\xff\xfe", b"[]", b"[" * 1_000_000, b'{"a":' * 100_000, b'{"format": ' + b"1" * 100_000 + b"}"]
)
def test_metadata_that_are_none_are_refused(good: Path, text: bytes) -> None:
    save(good, text, {})
    refused(good)


def test_metadata_that_are_too_large_are_refused(good: Path) -> None:
    save(good, b" " * (1 << 24), {})
    refused(good, "metadata are larger than")


def test_parts_of_a_file_are_refused(good: Path) -> None:
    whole = good.read_bytes()
    for length in range(0, len(whole), 7):
        good.write_bytes(whole[:length])
        refused(good)


def test_files_with_wrong_bytes_are_read_or_refused(good: Path) -> None:
    whole = good.read_bytes()
    random = np.random.default_rng(1)
    refusals = 0
    for _ in range(1000):
        broken = bytearray(whole)
        for at in random.integers(0, len(whole), random.integers(1, 4)):
            broken[at] = random.integers(256)
        good.write_bytes(broken)
        try:
            capsule_reader.read(good)
        except NotACapsuleError:
            refusals += 1
    assert refusals > 500


def test_a_cell_that_is_too_large_is_told(good: Path) -> None:
    size = (1 << 31) - 1
    changed(good, dim=[1, size], shape=[1, size], dtype="complex128")
    assert "shape (1, 2147483647), complex128" in replay(good, "--show", code=0)
    limited = "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (1 << 33, 1 << 33))\n"
    code = f"{limited}from imglib2_cache_python import replay\nsys.exit(replay.main([{str(good)!r}]))"
    result = subprocess.run(
        [sys.executable, "-B", "-c", code], env={"PYTHONPATH": str(SOURCES)}, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 2, result.stderr
    assert "The block was not run: there is no memory for a cell" in result.stdout


def test_a_file_that_is_none_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "photo.npz"
    file.write_bytes(b"GIF89a")
    for options in ([], ["--show"], ["--pdb"]):
        printed = replay(file, *options, code=2)
        assert printed.startswith(f"{file} is not the file of a failed block, or it is damaged: ")
        assert printed.count("\n") == 1
    assert "cannot be read: No such file" in replay(tmp_path / "away.npz", code=2)
    assert "cannot be read: Is a directory" in replay(tmp_path / "..", code=2)


def test_reading_and_showing_import_nothing_but_numpy(good: Path) -> None:
    code = (
        "import sys\n"
        "from imglib2_cache_python import replay\n"
        "before = set(sys.modules)\n"
        f"replay.main([{str(good)!r}, '--show'])\n"
        "print('more:', [m for m in set(sys.modules) - before if m.partition('.')[0] not in sys.stdlib_module_names])\n"
        "files = [name for name, module in sys.modules.items() if getattr(module, '__file__', None)]\n"
        "tops = {name.partition('.')[0] for name in files} - set(sys.stdlib_module_names)\n"
        "print('tops:', sorted(top for top in tops if not top.startswith('_')))\n"
    )
    printed = subprocess.run(
        [sys.executable, "-B", "-S", "-c", code],
        env={"PYTHONPATH": os.pathsep.join((str(SOURCES), str(Path(np.__file__).parents[1])))},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert "more: []" in printed
    assert "tops: ['imglib2_cache_python', 'numpy']" in printed
