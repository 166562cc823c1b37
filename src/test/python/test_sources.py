# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Arrays that are named by text and read part by part, the random numbers of a cell, and where it is."""

from __future__ import annotations

import base64
import doctest
import gc
import importlib.util
import itertools
import linecache
import re
import subprocess
import sys
import threading
import weakref
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import SOURCES, Bench, Told
from imglib2_cache_python import Block, blockwise, map_blocks, sources
from imglib2_cache_python._worker import values
from imglib2_cache_python.settings import Opened, Settings
from imglib2_cache_python.snippet import Snippet
from imglib2_cache_python.sources import OpenedObject, Source, describe, open_source


class Recorded:
    """An array in chunks that knows what is read of it."""

    def __init__(self, array: np.ndarray, chunks: Any = None) -> None:
        self.shape, self.dtype, self.chunks = array.shape, array.dtype, chunks
        self.array = array
        self.parts: list[tuple[tuple[int, int], ...]] = []

    def __getitem__(self, part: Any) -> Any:
        self.parts.append(tuple((one.start, one.stop) for one in ((part,) if isinstance(part, slice) else part)))
        return self.array[part]


def ramp(*shape: int, dtype: str = "i4") -> np.ndarray:
    return np.arange(np.prod(shape), dtype=dtype).reshape(shape)


def irregular(random: np.random.Generator, size: int) -> tuple[int, ...]:
    cuts = sorted({0, size, *(int(cut) for cut in random.integers(1, size, 3))}) if size > 1 else [0, size]
    return tuple(b - a for a, b in itertools.pairwise(cuts))


@pytest.mark.parametrize("case", range(40))
def test_parts_are_those_of_the_array_however_it_is_chunked(case: int) -> None:
    random = np.random.default_rng(case)
    axes = 1 + case % 4
    shape = tuple(int(size) for size in random.choice([1, 2, 5, 11, 30][: 6 - axes], axes))
    array = ramp(*shape, dtype=["i4", ">u2", "f8", ">c8"][case % 4])
    if case % 3:
        chunks: Any = tuple(int(random.integers(1, size + 2)) for size in shape)
    else:
        chunks = tuple(irregular(random, size) for size in shape)
    recorded = Recorded(array, chunks)
    source = Source(recorded, "array")
    assert source.shape == shape and source.ndim == axes and len(source) == shape[0]
    for _ in range(20):
        bounds = [sorted(int(one) for one in random.integers(0, size + 1, 2)) for size in shape]
        part = tuple(slice(*one) for one in bounds)
        read = source[part]
        np.testing.assert_array_equal(read, array[part], strict=False)
        assert read.dtype == array.dtype.newbyteorder("=") and read.dtype.isnative


def test_a_chunk_that_is_cut_is_read_once() -> None:
    array = ramp(40, 30)
    recorded = Recorded(array, (20, 15))
    result = map_blocks("block.data[...] = block.inputs[0]", Source(recorded, "array"), block_size=(4, 5))
    np.testing.assert_array_equal(result, array)
    assert sorted(recorded.parts) == [((y, y + 20), (x, x + 15)) for y in (0, 20) for x in (0, 15)]


def test_chunks_that_are_not_cut_are_read_together_and_not_kept() -> None:
    recorded = Recorded(ramp(40, 30), (10, 15))
    source = Source(recorded, "array")
    for _ in range(2):
        source[0:30, 0:30]
    # Up to the end of the array, which is in the last chunk.
    source[30:40, 15:30]
    assert recorded.parts == [((0, 30), (0, 30))] * 2 + [((30, 40), (15, 30))]
    # One that is complete within a part that cuts others.
    source[0:10, 0:20]
    source[0:10, 0:20]
    assert recorded.parts[3:] == [((0, 10), (0, 15)), ((0, 10), (15, 30)), ((0, 10), (0, 15))]


def test_few_bytes_of_chunks_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_CACHE_BYTES", 250)
    recorded = Recorded(ramp(100, dtype="u1"), (10,))
    source = Source(recorded, "array")
    for start in (0, 10, 20, 0, 30, 5):
        source[start : start + 5]
    assert len(recorded.parts) == 4
    monkeypatch.setattr(sources, "_CACHE_BYTES", 5)
    for start in (40, 41, 50, 40):
        source[start : start + 5]
    # The last one is kept, whatever its size.
    assert [part[0][0] for part in recorded.parts[4:]] == [40, 50, 40]
    assert sum(one.nbytes for one in source._decoded.values()) == 10


@pytest.mark.parametrize(("name", "value"), [("_MAX_CHUNK_BYTES", 399), ("_MAX_CHUNKS", 1)])
def test_parts_of_very_large_or_very_many_chunks_are_read_as_they_are(
    name: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, name, value)
    recorded = Recorded(ramp(30, 10), (10, 10))
    Source(recorded, "array")[5:15, 0:10]
    assert recorded.parts == [((5, 15), (0, 10))]


@pytest.mark.parametrize(
    ("chunks", "found"),
    [
        (None, None),
        ((4, 3), (4, 3)),
        ([np.int64(4), 300], (4, 7)),
        (((4, 4, 2), (7,)), (4, 7)),
        (((4, 2, 4), (3, 4)), ((4, 2, 4), (3, 4))),
        ((2, 4, 4), None),
        ((4,), None),
        (((4, 4), (7,)), None),
        ((0, 7), None),
        ((float("nan"), 7), None),
        ("auto", None),
        (True, None),
    ],
)
def test_chunks(chunks: Any, found: Any) -> None:
    assert Source(Recorded(ramp(10, 7), chunks), "array").chunks == found


def test_chunks_that_raise_are_none() -> None:
    class Array(np.ndarray):
        @property
        def chunks(self) -> None:
            raise NotImplementedError("they differ")

    assert Source(ramp(3).view(Array), "array").chunks is None


def test_other_indices_are_those_of_the_array() -> None:
    source = Source(ramp(4, 6), "array")
    np.testing.assert_array_equal(source[1], ramp(4, 6)[1])
    np.testing.assert_array_equal(source[..., ::2], ramp(4, 6)[..., ::2])
    np.testing.assert_array_equal(source[-2:, 3], ramp(4, 6)[-2:, 3])
    assert source[1, 2] == 8


def test_threads_share_a_source() -> None:
    array = ramp(300, 40)
    source = Source(Recorded(array, (7, 11)), "array")
    result = map_blocks("block.data[...] = block.inputs[0]", source, block_size=(5, 9), workers=4)
    np.testing.assert_array_equal(result, array)


def test_what_is_read_is_checked() -> None:
    recorded = Recorded(ramp(4, 6))
    source = Source(recorded, "the array")
    recorded.array = recorded.array.astype("f4")
    with pytest.raises(
        ValueError, match=r"^the array gave pixels of dtype float32, but its own dtype was int32 before"
    ):
        source[0:2, 0:3]
    recorded.array = ramp(3, 6)
    message = r"^the array gave for \[2:4, 0:3\] an array of shape \(1, 3\), expected \(2, 3\)"
    with pytest.raises(ValueError, match=message):
        source[2:4, 0:3]
    recorded.array = np.ma.masked_equal(ramp(4, 6), 7)
    assert source[2:4, 0:3].shape == (2, 3)
    with pytest.raises(ValueError, match=r"^the array has masked pixels, which need a value"):
        source[0:4, 0:3]
    recorded.shape = (np.int64(5), 6)
    with pytest.raises(ValueError, match=r"^the array has the shape \(5, 6\) now, but had \(4, 6\) before: make the "):
        source[0:1, 0:1]
    source.close()
    with pytest.raises(ValueError, match=r"^the array is closed"):
        source[0:1, 0:1]


def test_dask_computes_on_the_calling_thread() -> None:
    array = pytest.importorskip("dask.array")
    threads = set()

    def chunk(pixels: np.ndarray) -> np.ndarray:
        threads.add(threading.current_thread())
        return 2 * pixels

    lazy = array.from_array(ramp(40, 30), chunks=(10, 10)).map_blocks(chunk, dtype="i4")
    np.testing.assert_array_equal(Source(lazy, "array")[3:34, 5:25], 2 * ramp(40, 30)[3:34, 5:25])
    assert threads == {threading.current_thread()}
    unknown = lazy[lazy > 5]
    with pytest.raises(TypeError, match=r"has the shape \(nan,\), which is not known yet: .*compute_chunk_sizes"):
        Source(unknown, "array")


# ------------------------------------------------------------------- opening


def test_functions_get_arguments_and_expressions_see_them(tmp_path: Path) -> None:
    np.testing.assert_array_equal(open_source("numpy:full", (2, 3), fill_value=7)[0:1, 0:3], [[7, 7, 7]])
    (tmp_path / "own.py").write_text("import numpy\ndef even(n):\n    return numpy.arange(0, 2 * n, 2)\n")
    assert open_source(f"{tmp_path}/own.py:even", 4)[3] == 6
    assert open_source(" np.arange(n)[\n   first:] ", n=9, first=4).shape == (5,)
    with pytest.raises(
        TypeError, match=r"^the expression np.arange\(n\) sees its arguments by their names, but got 1 "
    ):
        open_source("np.arange(n)", 9)
    # Names of the expression itself, and of Python, are no packages.
    assert open_source("(lambda k: np.array([k + one for one in range(n) if (m := one) < 3]))(1)", n=9).shape == (3,)


def test_packages_and_their_modules_are_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "package_of_sources"
    (package / "below").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "below" / "__init__.py").write_text("")
    (package / "below" / "deep.py").write_text("import numpy\nones = numpy.ones\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert open_source("package_of_sources.below.deep.ones(3)").shape == (3,)
    with pytest.raises(AttributeError, match="no attribute 'other'"):
        open_source("package_of_sources.below.other(3)")
    # Names of the init code come first, and so do arguments.
    opened = Opened("package_of_sources.below(x)", (), {"x": 3})
    init = {"package_of_sources": type("", (), {"below": staticmethod(np.zeros)})}
    assert OpenedObject(opened, "name", init).value.shape == (3,)
    assert open_source("package_of_sources[0:2]", package_of_sources=np.zeros(5)).shape == (2,)
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'pth'; the expression sees the arguments path, "):
        open_source("open(pth)", path=1)


def test_statements_are_no_expression() -> None:
    with pytest.raises(TypeError, match=r"^these are statements, expected an expression, .*: import h5py$"):
        open_source("import h5py\nh5py.File(path)", path="")
    with pytest.raises(SyntaxError):
        open_source("h5py.File(path", path="")


def test_tracebacks_show_what_was_opened() -> None:
    for expression, arguments, line in (
        ("builtins:int", {"x": "no number"}, "builtins:int(x='no number')"),
        ("np.zeros(\n  int(n))", {"n": "no number"}, "int(n))"),
    ):
        with pytest.raises((ValueError, TypeError)) as caught:
            open_source(expression, **arguments)
        entries = [entry for entry in caught.traceback if str(entry.path).startswith("<open_source ")]
        assert [linecache.getline(str(one.path), one.lineno + 1).strip() for one in entries] == [line]


class Closing:
    """What has a ``close``, and is also a context manager."""

    def __init__(self, events: list[str], name: str = "") -> None:
        self.events, self.name = events, name
        self.shape, self.dtype = (3,), np.dtype("u1")

    def __getitem__(self, part: Any) -> Any:
        return np.zeros(3, "u1")[part]

    def close(self) -> None:
        self.events.append(f"close{self.name}")

    def __enter__(self) -> None:
        raise AssertionError

    def __exit__(self, *_: object) -> None:
        raise AssertionError


class Managing:
    """What gives an array when it is entered."""

    def __init__(self, events: list[str]) -> None:
        self.events = events

    def __enter__(self) -> np.ndarray:
        self.events.append("enter")
        return np.arange(3)

    def __exit__(self, *_: object) -> None:
        self.events.append("exit")


def test_objects_are_closed_by_what_they_have(capsys: pytest.CaptureFixture[str]) -> None:
    events: list[str] = []
    with open_source("kind(events)", kind=Closing, events=events) as source:
        assert source[0:2].tolist() == [0, 0]
        assert events == []
    assert events == ["close"]
    source.close()
    assert events == ["close"]
    managed = OpenedObject(Opened("kind(events)", (), {"kind": Managing, "events": events}), "name", {})
    assert managed.value.tolist() == [0, 1, 2]
    assert managed.close() and managed.value is None
    assert events == ["close", "enter", "exit"]
    # numpy closes its file when the array is gone.
    plain = OpenedObject(Opened("np.zeros(3)"), "name", {})
    gone = weakref.ref(plain.value)
    assert not plain.close()
    assert gone() is None

    class Failing(Closing):
        def close(self) -> None:
            raise OSError("disk full")

    OpenedObject(Opened("kind([])", (), {"kind": Failing}), "name", {}).close()
    assert "could not be closed: OSError: disk full" in capsys.readouterr().err


def test_what_is_no_array_is_closed_again() -> None:
    events: list[str] = []

    class Text(Closing):
        def __init__(self, events: list[str]) -> None:
            super().__init__(events)
            self.dtype = np.dtype("U3")

    with pytest.raises(TypeError, match="has the dtype <U3, but pixels are booleans or numbers"):
        open_source("kind(events)", kind=Text, events=events)
    with pytest.raises(TypeError, match="has the dtype <U3"):
        describe(Opened("kind(events)", (), {"kind": Text, "events": events}), None, {})
    with pytest.raises(ValueError, match=r"has the shape \(3,\) and dtype uint8 now, but had \(4,\) and dtype uint8 "):
        OpenedObject(Opened("kind(events)", (), {"kind": Closing, "events": events}, (4,), "uint8"), "name", {})
    assert events == ["close"] * 3


def test_groups_tell_their_members() -> None:
    with pytest.raises(TypeError, match=r"is a group, not an array: open one of its members, 'a', 'b'$"):
        open_source("dict(a=1, b=2)")
    with pytest.raises(TypeError, match=r"members, '0', '1', '2', '3', '4', '5', '6', '7', \.\.\.$"):
        open_source("{str(i): i for i in range(9)}")
    with pytest.raises(TypeError, match=r"is a group, not an array: it has no members$"):
        open_source("{}")


@pytest.mark.parametrize(
    ("dtype", "wanted", "described"),
    [("?", None, "bool"), (">u2", None, "uint16"), ("f2", "float32", "float16"), ("u1", "float64", "uint8")],
)
def test_description(dtype: str, wanted: str | None, described: str) -> None:
    names = {"array": Recorded(np.zeros((10, 6), dtype), ((4, 3, 3), (5, 1)))}
    assert describe(Opened("array"), wanted, names) == {
        "what": "array",
        "shape": (10, 6),
        "dtype": described,
        "chunks": [0, 5],
    }


@pytest.mark.parametrize(
    ("array", "wanted", "message"),
    [
        (np.zeros(3, "f2"), None, "float16, which ImgLib2 does not have: widen it by the type of the image"),
        (np.zeros(3, "g"), None, "whose precision ImgLib2 does not have: convert it in Python"),
        (np.zeros(3, "G"), None, r"array.astype\('complex128'\)"),
        (np.zeros(3, "f8"), "float32", "float64, whose values pixels of float32 cannot all have"),
        (np.zeros((3, 0)), None, r"has the shape \(3, 0\), which has no pixels"),
        (np.zeros(()), None, "is a single number"),
        (np.zeros(3, "M8[s]"), None, r"datetime64\[s\], but pixels are booleans or numbers: .*array.view\('int64'\)"),
        (np.zeros(3, "i4,f4"), None, "choose one of its fields, 'f0', 'f1'"),
        (np.zeros(3, "O"), None, "dtype object, but pixels are booleans or numbers: convert it to numbers"),
        ([1, 2], None, "is of type list, expected an array"),
    ],
)
def test_what_no_image_can_show(array: Any, wanted: str | None, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        describe(Opened("array"), wanted, {"array": array})


def test_messages_of_both_sides_are_the_same() -> None:
    for array in (np.zeros(3, "M8[s]"), np.zeros(3, "i4,f4"), np.zeros(3, "U2"), np.zeros(()), [1]):
        messages = []
        for attempt in (
            lambda: describe(Opened("array"), None, {"array": array}),  # noqa: B023
            lambda: map_blocks("block.data[...] = 0", array, block_size=1),  # noqa: B023
        ):
            with pytest.raises((TypeError, ValueError)) as caught:
                attempt()
            messages.append(str(caught.value).replace("input 0 ", "array ", 1))
        assert messages[0] == messages[1]


def test_examples_of_the_docstrings() -> None:
    assert doctest.testmod(sources).attempted > 0
    assert doctest.testmod(sources).failed == 0


def test_the_page_for_users_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = (SOURCES.parents[2] / "doc" / "sources.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)\n```$", page, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 1
    exec(compile(blocks[0], "sources.md", "exec"), {})
    assert capsys.readouterr().out.splitlines() == re.findall(r"^print\(.*\)  # (.*)$", blocks[0], re.MULTILINE)


# ------------------------------------------------------------------ snippets


def snippet(code: Any, opened: dict[str, Opened], seed: int = 0, **more: Any) -> Snippet:
    settings = Settings(opened=opened, seed=seed, **more)
    return Snippet(code, "<image>", "imglib2_cache_python.user.test_sources", {"offset": 5}, settings=settings)


def block(*dim: int, index: int = 3) -> Block:
    minimum = tuple(range(1, len(dim) + 1))
    maximum = tuple(m + d - 1 for m, d in zip(minimum, dim, strict=True))
    return Block(np.zeros(dim), [], index, minimum, maximum, dim, ())


def test_statements_and_functions_get_what_was_opened() -> None:
    events: list[str] = []
    opened = {
        "array": Opened("np.arange(n) + offset", (), {"n": 9}, (9,), "int64"),
        "other": Opened("kind(events)", (), {"kind": Closing, "events": events}),
    }
    statements = snippet("block.data[...] = array[block.slices] + len(other.events)", opened)

    def function(block: Block, array: Source, other: Closing, factor: int) -> np.ndarray:
        return factor * array[block.slices] + len(other.events)

    for one, factor in (
        (statements, 1),
        (snippet(function, opened, parameters={"factor": 2}, checked=True), 2),
    ):
        its = block(4)
        one.run(its)
        assert its.data.tolist() == [factor * (i + 6) + len(events) for i in range(4)]
        assert isinstance(one._objects[0].value, Source)
        one.dispose()
        one.dispose()
    assert events == ["close", "close"]


def test_if_one_cannot_be_opened_the_others_are_closed() -> None:
    events: list[str] = []
    opened = {
        name: Opened("kind(events, name)", (), {"kind": Closing, "events": events, "name": name}) for name in "ab"
    }
    with pytest.raises(ZeroDivisionError):
        snippet("pass", {**opened, "c": Opened("1 / 0")})
    assert events == ["closeb", "closea"]
    assert "imglib2_cache_python.user.test_sources" not in sys.modules
    # The text of what has failed is for its traceback.
    assert {name for name in linecache.cache if name.startswith("<image")} == {"<image, c>"}


def test_a_function_that_does_not_take_it_is_refused() -> None:
    def function(pixels: np.ndarray) -> np.ndarray:
        return pixels

    with pytest.raises(TypeError, match="takes no argument 'array', which is the opened object 'array'"):
        snippet(function, {"array": Opened("np.zeros(3)")}, checked=True)


def encoded(seed: int, opened: dict[str, list[Any]], folder: Path | None = None) -> str:
    """As Java writes it."""
    entries = [{}, [], None if folder is None else str(folder), False, "1.2.3", seed, opened]
    return base64.b64encode(values.encode(entries)).decode()


def answer(bench: Bench, method: str, *arguments: Any) -> Any:
    bench.run(method, base64.b64encode(values.encode(list(arguments))).decode())
    return values.decode(base64.b64decode(bench.worker.result()))


def test_a_worker_opens_closes_and_answers(bench: Bench, tmp_path: Path) -> None:
    bench.run("initialise", "events = []\ndef kind(): return Closing(events)", 30.0, str(tmp_path / "init.stack"))
    bench.run("assign", "Closing", Closing)
    description = answer(bench, "describe_source", ["kind()", [], {}, None, None], None)
    assert description == {"what": "kind()", "shape": [3], "dtype": "uint8", "chunks": None}
    assert bench.value("events") == ["close"]
    settings = encoded(0, {"array": ["kind()", [], {}, description["shape"], description["dtype"]]})
    code = "block.data[...] = array[block.slices] + 3"
    bench.run("check", code, "<image>", settings)
    assert bench.value("events") == ["close"], "checking opens nothing"
    bench.run("prepare", 1, code, "<image>", False, settings)
    data = np.zeros(3)
    for _ in range(2):
        bench.describe(1, (3,))
        bench.run("step", data)
    assert data.tolist() == [3, 3, 3]
    bench.run("forget", 1)
    assert bench.value("events") == ["close", "close"]
    assert bench.call("prepare", 2, code, "<image>", False, encoded(0, {"array": ["1 / 0", [], {}, None, None]})) != 0
    told = Told.of(bench.worker.failure())
    assert (told.type_name, told.file, told.source) == ("ZeroDivisionError", "<image, array>", "1 / 0")
    assert answer(bench, "file_of", "json.decoder:JSONDecoder").endswith("decoder.py")
    assert answer(bench, "file_of", "no_module:f") is None
    first, second = answer(bench, "packages", ["import scipy"], [["skimage.data.brain()", []]])
    assert sys.prefix in first and [one.split()[0] for one in second.split(", ")] == ["numpy", "scikit-image", "scipy"]


def test_a_capsule_has_what_was_opened_as_text(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "own_source.py").write_text(
        "import numpy as np\n"
        "class Broken:\n"
        "    shape, dtype = (3,), np.dtype('u1')\n"
        "    def __init__(self, weights, path, marker):\n"
        "        open(marker, 'a').write('x')\n"
        "    def __getitem__(self, part):\n"
        "        raise OSError(f'cannot read {part}')\n"
    )
    marker = tmp_path / "marker"
    keywords = {"path": "/data/a", "marker": str(marker)}
    opened = [f"{tmp_path}/own_source.py:Broken", [np.ones(2)], keywords, [3], "uint8"]
    code = "block.data[...] = block.rng.random() + array[block.slices]"
    bench.run("prepare", 1, code, "<image>", False, encoded(1 << 63, {"array": opened}, tmp_path))
    bench.describe(1, (3,))
    bench.call("step", np.zeros(3))
    failed = Told.of(bench.worker.failure())
    assert failed.message.startswith("cannot read (slice(")
    (file,) = tmp_path.glob("*.npz")
    assert marker.read_text() == "x"

    def replay(*more: str) -> str:
        command = [sys.executable, "-B", "-m", "imglib2_cache_python.replay", str(file), *more]
        run = subprocess.run(
            command, env={"PYTHONPATH": str(SOURCES)}, capture_output=True, text=True, timeout=60, check=False
        )
        return run.stdout + run.stderr

    shown = replay("--show")
    assert f"opened array = {tmp_path}/own_source.py:Broken(array([1., 1.]), path='/data/a'" in shown
    assert f"seed {1 << 63}" in shown
    assert marker.read_text() == "x", "nothing is opened to show it"
    assert "The block fails again, with the same error in the same line." in replay()
    assert marker.read_text() == "xx"
    (tmp_path / "own_source.py").unlink()
    gone = replay()
    assert "The block was not run, because compiling the code, or opening " in gone
    assert "FileNotFoundError" in gone


# ------------------------------------------------------- slices, random numbers


@pytest.mark.parametrize("shape", [(9,), (5, 8), (3, 4, 5), (2, 3, 2, 3), (2, 1, 3, 2, 2)])
def test_slices_are_where_the_cell_is(shape: tuple[int, ...]) -> None:
    whole = ramp(*shape)
    code = "assert block.slices is block.slices\nblock.data[...] = whole[block.slices]"
    result = map_blocks(code, np.zeros(shape, "i4"), block_size=2, halo=1, parameters={"whole": whole})
    np.testing.assert_array_equal(result, whole)


DRAW = "block.data[...] = block.rng.random(block.dim)"


def test_random_numbers_do_not_depend_on_workers_and_order() -> None:
    zeros = np.zeros((23, 9))
    first = map_blocks(DRAW, zeros, block_size=(5, 4), seed=7)
    for workers in (1, 3):
        np.testing.assert_array_equal(map_blocks(DRAW, zeros, block_size=(5, 4), seed=7, workers=workers), first)

    def draw(pixels: np.ndarray, block: Block) -> np.ndarray:
        return block.rng.random(pixels.shape)

    np.testing.assert_array_equal(map_blocks(draw, zeros, block_size=(5, 4), seed=7), first)
    # All different: of cells, and of seeds.
    others = [map_blocks(DRAW, zeros, block_size=(5, 4), seed=seed) for seed in (0, 8, -7, 1 << 63)]
    assert len(np.unique([first, *others])) == 5 * zeros.size
    np.testing.assert_array_equal(
        map_blocks(DRAW, zeros, block_size=(5, 4)), map_blocks(DRAW, zeros, block_size=(5, 4), seed=0)
    )
    np.testing.assert_array_equal(
        map_blocks(DRAW, zeros, block_size=23, seed=-1), map_blocks(DRAW, zeros, block_size=23, seed=(1 << 64) - 1)
    )


def test_random_numbers_are_known() -> None:
    # What a seed means does not change between versions of this package.
    expected = np.random.Generator(np.random.PCG64(np.random.SeedSequence(7, spawn_key=(3,)))).random(2)
    its = block(2)
    snippet(DRAW, {}, seed=7).run(its)
    np.testing.assert_array_equal(its.data, expected)
    assert its.rng is its.rng


def test_blocks_that_are_computed_twice_have_the_same_numbers() -> None:
    # A pixel that is not written is found by a second run.
    checked = Snippet(
        "block.data[...] = block.rng.integers(0, 2, block.dim)",
        "<image>",
        "imglib2_cache_python.user.test_sources",
        {},
        check_written=True,
        settings=Settings(seed=7),
    )
    its, again = block(50), block(50)
    checked.run(its)
    checked.run(again)
    assert (its.data == again.data).all() and 0 < its.data.sum() < 50


@pytest.mark.parametrize(
    ("seed", "error", "message"),
    [
        (1.5, TypeError, "seed is 1.5, expected a whole number"),
        ("a", TypeError, "expected a whole number"),
        (1 << 64, ValueError, "expected a number of 64 bits"),
        (-(1 << 63) - 1, ValueError, "expected a number of 64 bits"),
    ],
)
def test_wrong_seeds(seed: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        map_blocks(DRAW, np.zeros(3), block_size=1, seed=seed)


def test_code_without_them_pays_nothing() -> None:
    its = block(2)
    snippet("block.data[...] = 1", {}).run(its)
    assert vars(its).keys() == vars(block(2)).keys() == {field.name for field in fields(Block)}
    plain = snippet("block.data[...] = 1", {})
    assert plain.run == plain._run_statements


def test_code_that_only_draws_never_writes() -> None:
    for name in ("rng", "slices"):
        with pytest.raises(SyntaxError, match="the code never writes into the image"):
            blockwise.map_blocks(f"x = block.{name}", np.zeros(3), block_size=1)


# ------------------------------------------------------------------- packages


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    array = ramp(50, 60, dtype=">u2")
    np.save(folder / "a.npy", array)
    if importlib.util.find_spec("zarr"):
        import zarr

        for version in (2, 3):
            zarr.create_array(folder / f"v{version}.zarr", data=array, chunks=(16, 15), zarr_format=version)
    if importlib.util.find_spec("h5py"):
        import h5py

        with h5py.File(folder / "a.h5", "w") as file:
            file.create_dataset("volume", data=array, chunks=(16, 15))
    if importlib.util.find_spec("tifffile"):
        import tifffile

        tifffile.imwrite(folder / "a.tif", array, byteorder=">")
        tifffile.imwrite(folder / "tiles.tif", array, byteorder=">", tile=(16, 16))
    return folder


@pytest.mark.parametrize(
    ("package", "expression", "file", "chunks"),
    [
        ("numpy", "np.load(path, mmap_mode='r')", "a.npy", None),
        ("zarr", "zarr.open_array(path, mode='r')", "v2.zarr", (16, 15)),
        ("zarr", "zarr.open_array(path, mode='r')", "v3.zarr", (16, 15)),
        ("zarr", "zarr.open(path, mode='r')", "v3.zarr", (16, 15)),
        ("h5py", "h5py.File(path)['volume']", "a.h5", (16, 15)),
        ("tifffile", "tifffile.memmap(path, mode='r')", "a.tif", None),
        ("tifffile", "zarr.open(tifffile.TiffFile(path).aszarr(), mode='r')", "tiles.tif", (16, 16)),
        ("dask", "dask.array.from_zarr(path).rechunk((20, 60))", "v2.zarr", (20, 60)),
    ],
)
def test_packages(package: str, expression: str, file: str, chunks: Any, files: Path) -> None:
    pytest.importorskip(package)
    array = ramp(50, 60, dtype="u2")
    with open_source(expression, path=str(files / file)) as source:
        assert (source.shape, source.dtype, source.chunks) == (array.shape, array.dtype, chunks)
        for part in ((slice(3, 40), slice(7, 9)), (slice(0, 50), slice(0, 60)), (slice(49, 50), slice(59, 60))):
            np.testing.assert_array_equal(source[part], array[part])
    gc.collect()
