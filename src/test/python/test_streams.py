# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of streams.py."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from conftest import SOURCES
from imglib2_cache_python._worker.streams import MAX_LINE, LineWriter


@pytest.fixture
def lines() -> list[str]:
    """The lines that the stream has handed over."""
    return []


@pytest.fixture
def stream(lines: list[str]) -> LineWriter:
    """A stream that hands its lines over to `lines`."""
    return LineWriter(lines.append, "<stdout>")


def test_it_is_a_text_stream(stream: LineWriter) -> None:
    assert isinstance(stream, io.TextIOBase)
    assert stream.name == "<stdout>"
    assert stream.encoding == "utf-8"
    assert stream.errors == "backslashreplace"
    assert stream.newlines is None
    assert stream.writable()
    assert not stream.readable()
    assert not stream.seekable()
    assert not stream.isatty()
    assert not stream.closed


@pytest.mark.parametrize("method", ["fileno", "read", "readline", "tell", "detach", "truncate"])
def test_what_it_cannot_do_is_unsupported(stream: LineWriter, method: str) -> None:
    with pytest.raises(io.UnsupportedOperation):
        getattr(stream, method)()


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], []),
        ([""], []),
        (["\n"], [""]),
        (["a\n"], ["a"]),
        (["a"], []),
        (["a", "b", "\n"], ["ab"]),
        (["a\nb\nc"], ["a", "b"]),
        (["a\nb", "c\n\nd\n"], ["a", "bc", "", "d"]),
        (["a\r\n", "b\r", "\n"], ["a", "b"]),
        (["1 %\r2 %\r3 %\n"], ["1 %", "2 %", "3 %"]),
        (["\r1 %", "\r2 %"], ["1 %"]),
        (["1 %\r"], ["1 %"]),
        (["1 %\r", "2 %\r", "\n", "\n"], ["1 %", "2 %", ""]),
        (["1 %\r", "", "\na\n"], ["1 %", "a"]),
        (["1 %\r", "\r\na\n"], ["1 %", "a"]),
        (["\r\r\n", "\r\n"], [""]),
        (["a\n\rb\r", "c\n"], ["a", "b", "c"]),
        (["größe \U0001f52c\n"], ["größe \U0001f52c"]),
        (["a\ud800b\0c\n"], ["a\\ud800b\\x00c"]),
        (["form\ffeed\u2028\n"], ["form\ffeed\u2028"]),
    ],
)
def test_complete_lines_are_handed_over(
    stream: LineWriter, lines: list[str], texts: list[str], expected: list[str]
) -> None:
    for text in texts:
        assert stream.write(text) == len(text)
    assert lines == expected


def test_a_line_is_handed_over_as_soon_as_it_is_complete(stream: LineWriter, lines: list[str]) -> None:
    print("first", file=stream)
    assert lines == ["first"]
    print("sec", end="", file=stream)
    print("ond", flush=True, end="", file=stream)
    assert lines == ["first"]
    stream.finish()
    assert lines == ["first", "second"]
    stream.finish()
    print("third", file=stream)
    assert lines == ["first", "second", "third"]


def test_writelines(stream: LineWriter, lines: list[str]) -> None:
    stream.writelines(text for text in ("a", "b\n", "c\nd"))
    assert lines == ["ab", "c"]


@pytest.mark.parametrize("value", [b"bytes", 5, None, ["list"]])
def test_only_text_can_be_written(stream: LineWriter, lines: list[str], value: object) -> None:
    with pytest.raises(TypeError, match=r"must be str, not (bytes|int|NoneType|list)"):
        stream.write(value)  # type: ignore[arg-type]
    stream.write("still works\n")
    assert lines == ["still works"]


@pytest.mark.parametrize("value", ["text", 5, None])
def test_only_bytes_can_be_written_to_the_buffer(stream: LineWriter, lines: list[str], value: object) -> None:
    with pytest.raises(TypeError):
        stream.buffer.write(value)
    stream.finish()
    assert lines == []


def test_bytes_may_be_split_within_a_character(stream: LineWriter, lines: list[str]) -> None:
    data = "größe \U0001f52c\nµm\n".encode()
    for start in range(len(data)):
        assert stream.buffer.write(data[start : start + 1]) == 1
    assert lines == ["größe \U0001f52c", "µm"]


@pytest.mark.parametrize("data", [bytearray(b"ab\n"), memoryview(b"ab\n"), np.frombuffer(b"ab\n", np.uint8)])
def test_any_buffer_can_be_written(stream: LineWriter, lines: list[str], data: bytes) -> None:
    assert stream.buffer.write(data) == 3
    stream.buffer.flush()
    assert lines == ["ab"]


def test_bytes_that_are_no_text_are_escaped(stream: LineWriter, lines: list[str]) -> None:
    stream.buffer.write(b"a\xff\xfeb\0\n")
    assert lines == ["a\\xff\\xfeb\\x00"]


def test_text_and_bytes_go_into_the_same_line(stream: LineWriter, lines: list[str]) -> None:
    stream.write("a")
    stream.buffer.write(b"b")
    stream.write("c\n")
    assert lines == ["abc"]


def test_lines_of_threads_do_not_mix(stream: LineWriter, lines: list[str]) -> None:
    count, length = 30, 40
    start = threading.Barrier(4)

    def write(letter: str) -> None:
        start.wait()
        for _ in range(count):
            for _ in range(length):
                stream.write(letter)
            stream.write("\n")
        stream.write(letter)
        stream.finish()

    threads = [threading.Thread(target=write, args=(letter,)) for letter in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = [letter * length for letter in "abcd"] * count + list("abcd")
    assert sorted(lines) == sorted(expected)


def test_finish_leaves_the_lines_of_other_threads(stream: LineWriter, lines: list[str]) -> None:
    stream.write("mine")
    thread = threading.Thread(target=stream.finish)
    thread.start()
    thread.join()
    assert lines == []
    stream.finish()
    assert lines == ["mine"]


def test_much_is_handed_over_completely(stream: LineWriter, lines: list[str]) -> None:
    text = "".join(f"{number:099}\n" for number in range(100_000))
    for start in range(0, len(text), 4321):
        stream.write(text[start : start + 4321])
    assert "\n".join(lines) + "\n" == text


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
@pytest.mark.parametrize("chunk", [1000, 2 * MAX_LINE, 30_000_000])
def test_a_very_long_line_comes_in_pieces(stream: LineWriter, lines: list[str], chunk: int, end: str) -> None:
    text = "0123456789" * 300_000
    written = text + end
    for start in range(0, len(written), chunk):
        stream.write(written[start : start + chunk])
    if not end:
        assert sum(map(len, lines)) >= len(text) - MAX_LINE
        stream.finish()
    assert "".join(lines) == text
    assert max(map(len, lines)) <= MAX_LINE
    assert len(lines) <= 2 + len(text) // MAX_LINE


def test_a_line_that_just_fits_is_not_broken(stream: LineWriter, lines: list[str]) -> None:
    text = "x" * MAX_LINE
    stream.write(text + "\n")
    stream.write(text)
    stream.write("\r\n")
    assert lines == [text, text]


def test_a_thread_may_have_a_route_of_its_own(stream: LineWriter, lines: list[str]) -> None:
    own: list[str] = []

    def write() -> None:
        stream.write("before\n")
        stream.route(own.append)
        stream.write("own\ud800\nunfini")
        stream.write("shed")
        stream.finish()

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    stream.write("another thread\n")
    assert own == ["own\\ud800", "unfinished"]
    assert lines == ["before", "another thread"]


def test_who_takes_the_lines_may_fail(lines: list[str]) -> None:
    def refuse_the_first(line: str) -> None:
        lines.append(line)
        if len(lines) == 1:
            raise OSError("disk full")

    stream = LineWriter(refuse_the_first)
    with pytest.raises(OSError, match="disk full"):
        stream.write("first\n")
    stream.write("second\n")
    assert lines == ["first", "second"]


WRITES_EVERYTHING = """
import sys
location, result = sys.argv[1:]
sys.path.insert(0, location)
from imglib2_cache_python._worker.worker import finish_lines, redirect_streams

out, err = [], []
redirect_streams(out.append, err.append)
import contextlib, logging, threading, traceback, warnings

print("print", 1, sep=" - ")
print("flushed", flush=True)
print("to stderr", file=sys.stderr)
sys.stdout.write("w\\u00fcrde\\n")
sys.stdout.buffer.write("b\\u00fcffer\\n".encode())
sys.stdout.writelines(["lines ", "of lines\\n"])
logging.basicConfig(level="INFO")
logging.getLogger("filter").info("logged")
logging.getLogger("filter").error("with %s", "trace", exc_info=ValueError("logged, too"))
warnings.warn("warned")
try:
    1 / 0
except ZeroDivisionError:
    traceback.print_exc()
thread = threading.Thread(target=lambda: print("from a thread"))
thread.start()
thread.join()
thread = threading.Thread(target=lambda: {}["raised in a thread"])
thread.start()
thread.join()
with contextlib.redirect_stdout(sys.stderr):
    print("redirected")
sys.stdout.flush()
print("unfinished", end="")
finish_lines()
import json
with open(result, "w", encoding="utf-8") as file:
    json.dump([out, err], file)
"""


def test_whatever_python_prints_goes_through(tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    child = subprocess.run(
        [sys.executable, "-I", "-B", "-c", WRITES_EVERYTHING, str(SOURCES), str(result)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (child.returncode, child.stdout, child.stderr) == (0, "", "")
    out, err = json.loads(result.read_text("utf-8"))
    assert out == [
        "print - 1",
        "flushed",
        "würde",
        "büffer",
        "lines of lines",
        "from a thread",
        "unfinished",
    ]
    assert err[0] == "to stderr"
    assert "INFO:filter:logged" in err
    assert "ERROR:filter:with trace" in err
    assert "ValueError: logged, too" in err
    assert any(line.endswith("UserWarning: warned") for line in err)
    assert "ZeroDivisionError: division by zero" in err
    assert "KeyError: 'raised in a thread'" in err
    assert "redirected" in err


def test_lines_do_not_go_to_a_jvm_that_ends(capfd):
    lines, end = [], [0]
    stream = LineWriter(lines.append, end_of_jvm=end)
    stream.write("before\nbegun")
    end[0] = 1
    stream.write(" and ended \ud800\n")
    stream.write("rest")
    stream.finish()
    assert lines == ["before"]
    assert capfd.readouterr().err == "begun and ended \\ud800\nrest\n"
