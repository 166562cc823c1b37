# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of the program of a worker process, which is called as Java calls it."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import itertools
import os
import re
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import CONSTANTS, DTYPES, REQUEST_LENGTH, SOURCES, Told
from imglib2_cache_python._process import life, mailbox, program
from imglib2_cache_python._process.memory import SharedMemory
from imglib2_cache_python._worker import protocol, values
from imglib2_cache_python._worker.worker import FAILED, OK

MARK = "\x1emark"

STACK_LENGTH = 10_000

# Where the parts of the segment are, in bytes.
REQUEST = 8 * mailbox.LENGTH
CONTROL = REQUEST + 8 * REQUEST_LENGTH
STACK = CONTROL + 8 * protocol.CONTROL_LENGTH
PIXELS = 1 << 18
SEGMENT = 1 << 19


class Process:
    """A worker process."""

    def __init__(self, folder: Path, *, by_words: bool, spin_nanos: int, name: str = "python_1_worker_1") -> None:
        """Starts it, and waits until it is ready."""
        self.file = folder / "memory"
        self.file.write_bytes(bytes(SEGMENT))
        self.crash_file = folder / "crash"
        self.bytes = np.memmap(self.file, np.uint8, "r+")
        self.words = self.bytes[:REQUEST].view(np.int64)
        self.request = self.bytes[REQUEST:CONTROL].view(np.int64)
        self.control = self.bytes[CONTROL:STACK].view(np.int64)
        self.errors = folder / "errors"
        self.by_words = by_words
        self.calls = 0
        code = (SOURCES / "imglib2_cache_python" / "_process" / "start.py").read_text("utf-8")
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-B", "-c", code, str(SOURCES)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        settings = {
            "name": name,
            "memory": str(self.file),
            "words": [0, SEGMENT, 0, REQUEST],
            "request": [0, SEGMENT, REQUEST, 8 * REQUEST_LENGTH],
            "control": [0, SEGMENT, CONTROL, 8 * protocol.CONTROL_LENGTH],
            "stack": [0, SEGMENT, STACK, STACK_LENGTH],
            "constants": CONSTANTS,
            "dtypes": "\n".join(DTYPES),
            "mailbox": mailbox.CONSTANTS,
            "module_path": [],
            "memory_limit": None,
            "crash_file": str(self.crash_file),
            "mark": MARK,
            "spin_nanos": spin_nanos,
            "by_words": by_words,
        }
        self.send(values.encode(settings))
        assert self.read(len(MARK)) == MARK.encode(), self.errors.read_text()
        self.status, self.ready, _ = values.decode(self.receive())

    def send(self, frame: bytes) -> None:
        """Sends a frame."""
        assert self.process.stdin
        self.process.stdin.write(bytes((mailbox.FRAME,)) + struct.pack(">I", len(frame)) + frame)
        self.process.stdin.flush()

    def read(self, length: int) -> bytes:
        """Reads from the pipe."""
        assert self.process.stdout
        return self.process.stdout.read(length)

    def receive(self) -> bytes:
        """Reads a frame."""
        while (kind := self.read(1)) == b"\0":
            pass
        assert kind == bytes((mailbox.FRAME,)), kind
        (length,) = struct.unpack(">I", self.read(4))
        return self.read(length)

    def call(self, method: str, *arguments: object) -> tuple[int, object, list[int]]:
        """Calls a method."""
        self.send(values.encode([method, *arguments]))
        status, value, freed = values.decode(self.receive())
        return status, value, freed

    def run(self, method: str, *arguments: object) -> object:
        """Calls a method that must succeed."""
        status, value, _ = self.call(method, *arguments)
        assert status == OK, value
        return value

    def step(self, arguments: Sequence[tuple[int, int, bool, int]], segment: int = SEGMENT) -> None:
        """Begins a step.

        Args:
            arguments: Where each lies, how long it is, whether it can be written, its number.
            segment: Length of the segment that they lie in.
        """
        assert self.process.stdin
        for i, (offset, size, writable, number) in enumerate(arguments):
            at = mailbox.ARGUMENTS + mailbox.ARGUMENT_LENGTH * i
            self.words[at : at + mailbox.ARGUMENT_LENGTH] = 0, segment, offset, 2 * size + writable, number
        self.words[mailbox.NUM_ARGUMENTS] = len(arguments)
        self.calls += 1
        # Always woken by the pipe, and answered by it: a test does not look at words.
        self.words[mailbox.JAVA_SLEEPS] = 1
        self.words[mailbox.CALL] = self.calls
        self.process.stdin.write(b"\0")
        self.process.stdin.flush()

    def answer(self) -> tuple[int, list[int]]:
        """Waits for the answer: the status, and the numbers of arguments that nobody sees any more."""
        assert self.read(1) == b"\0"
        assert self.words[mailbox.DONE] == self.calls
        freed = self.words[mailbox.FREED :][: self.words[mailbox.NUM_FREED]]
        return int(self.words[mailbox.STATUS]), sorted(freed.tolist())

    def describe(self, loader: int, access: Sequence[int], ticket: int) -> None:
        """Writes a request: a block of 8 pixels, with one array per access."""
        count = len(access)
        layout = [loader, 1, count, 8, 0]
        for one in access:
            layout += [one, 0, 0, DTYPES.index("uint8"), 1, 0, 8, 1]
        codes = [-1 - i for i in range(count)]
        numbers = [1, 0, 1, 0, 0, len(layout), *layout, 0, 5, *codes, *[0] * count, 0, 7]
        self.request[: 1 + len(numbers)] = [1 + len(numbers), *numbers]
        self.control[protocol.RESULTS :] = self.control[protocol.NUM_FREED] = 0
        self.control[protocol.TICKET] = ticket

    def printed(self) -> list[str]:
        """What was printed until now."""
        return self.errors.read_text().split("\n")[:-1]

    def close(self) -> int:
        """Ends the process."""
        assert self.process.stdin
        assert self.process.stdout
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(20)


@pytest.fixture(params=[(True, 50_000), (True, 0), (False, 0)], ids=["spinning", "words", "pipes"])
def process(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Process]:
    """A worker process, for each way to call it."""
    by_words, spin_nanos = request.param
    process = Process(tmp_path, by_words=by_words, spin_nanos=spin_nanos)
    yield process
    process.process.kill()
    process.close()


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Process]:
    """A worker process."""
    process = Process(tmp_path, by_words=True, spin_nanos=0)
    yield process
    process.process.kill()
    process.close()


def test_it_says_who_it_is(one: Process) -> None:
    assert one.ready["pid"] == one.process.pid
    assert one.ready["thread"]


def test_a_block_is_computed_in_shared_memory(process: Process) -> None:
    process.run("prepare", 7, "block.data[...] = block.inputs[0] + block.index", "<loader>", False)
    for i in range(100):
        process.bytes[PIXELS : PIXELS + 8] = range(i, i + 8)
        process.bytes[PIXELS + 8 : PIXELS + 16] = 0
        process.describe(7, (protocol.OUTPUT, protocol.READ_SHARED), 10 + i)
        process.step([(PIXELS + 8, 8, True, 2 * i), (PIXELS, 8, False, 2 * i + 1)])
        assert process.answer() == (OK, [2 * i, 2 * i + 1])
        assert process.bytes[PIXELS + 8 : PIXELS + 16].tolist() == list(range(i + 5, i + 13))


def test_memory_that_user_code_keeps_is_told_when_it_is_dropped(one: Process) -> None:
    one.run("execute", "kept = []")
    one.run("prepare", 7, "block.data[...] = 1; kept.append(block.inputs[0][2:4])", "<loader>", False)
    one.describe(7, (protocol.OUTPUT, protocol.READ_SHARED), 10)
    one.step([(PIXELS + 8, 8, True, 41), (PIXELS, 8, False, 42)])
    assert one.answer() == (OK, [41])
    assert one.call("execute", "kept.clear()") == (OK, None, [42])


def test_inputs_of_others_cannot_be_written(one: Process) -> None:
    one.bytes[PIXELS : PIXELS + 8] = 3
    one.run("prepare", 7, "a = block.inputs[0]; b = a.base; b.setflags(write=True)", "<loader>", False)
    one.describe(7, (protocol.OUTPUT, protocol.READ_SHARED), 10)
    one.step([(PIXELS + 8, 8, True, 1), (PIXELS, 8, False, 2)])
    assert one.answer()[0] == FAILED
    told = Told.of(one.run("failure", 1))  # type: ignore[arg-type]
    assert told.type_name == "ValueError"
    assert one.bytes[PIXELS : PIXELS + 8].tolist() == [3] * 8


def test_something_that_is_left_behind_does_not_end_the_process(one: Process) -> None:
    one.run("prepare", 7, "block.data[...] = 1", "<loader>", False)
    one.run(
        "execute",
        "import sys\ndef trace(frame, *_):\n    if frame.f_code.co_name == 'arguments':\n        sys.settrace(None)\n"
        "        raise OSError\nsys.settrace(trace)",
    )
    for number, status in ((1, mailbox.RAISED), (2, OK)):
        one.describe(7, (protocol.OUTPUT,), 10)
        one.step([(PIXELS, 8, True, number)])
        assert one.answer() == (status, [number])
    assert one.bytes[PIXELS : PIXELS + 8].tolist() == [1] * 8


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -(2**63),
        2**63,
        pytest.param(-(10**6000), id="a very long number"),
        1.5,
        float("inf"),
        "ä\U0001f600\0",
        pytest.param("\ud800", id="half of a surrogate pair"),
        pytest.param("a\udcff\U0001f600\0", id="a name of a file that is not UTF-8"),
        b"\0\xff",
        [],
        [1, [2, {"a": None}]],
        {"a": 1, 2: [3.0]},
    ],
)
def test_values_stay_as_they_are(value: object) -> None:
    # Not by str: Python refuses to write very long numbers.
    decoded = values.decode(values.encode(value))
    assert decoded == value
    assert type(decoded) is type(value)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", ">i4", "uint64", "float32", ">f8"])
@pytest.mark.parametrize("shape", [(0,), (1,), (3,), (2, 3), (2, 0, 3), (1, 1, 1, 1)])
def test_arrays_stay_as_they_are(dtype: str, shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(1).integers(0, 2, shape).astype(dtype)
    decoded = values.decode(values.encode(array))
    np.testing.assert_array_equal(decoded, array)
    assert decoded.dtype == array.dtype.newbyteorder("=")
    assert decoded.shape == shape
    assert decoded.flags.writeable


def test_values_can_leave_while_another_thread_imports_numpy_ma(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("numpy.ma", "numpy.ma.core"):
        # As they are at first.
        monkeypatch.setitem(sys.modules, name, type(sys)(name))
    assert values.decode(values.encode(np.arange(3))).tolist() == [0, 1, 2]


@pytest.mark.parametrize("dtype", ["bool", "uint8", ">i4", "uint64", ">f4", "float64"])
def test_an_array_without_axes_is_its_number(dtype: str) -> None:
    number = np.array(200).astype(dtype)
    decoded = values.decode(values.encode([number]))[0]
    assert decoded == number.item()
    assert type(decoded) is type(number.item())


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12.0).reshape(3, 4)[::-1, ::2],
        np.asfortranarray(np.arange(6, dtype=">u2").reshape(2, 3)),
        np.broadcast_to(np.int8(3), (2, 2)),
    ],
)
def test_a_view_leaves_as_it_looks(array: np.ndarray) -> None:
    np.testing.assert_array_equal(values.decode(values.encode(array)), array)


def cyclic() -> list[object]:
    cycle: list[object] = []
    cycle.append(cycle)
    return cycle


@pytest.mark.parametrize("value", [object(), {1}, 1j, np.zeros(2, "complex64"), np.array([None]), cyclic()])
def test_other_values_cannot_leave(value: object) -> None:
    with pytest.raises(TypeError, match=r"cannot leave the worker process|contains itself"):
        values.encode(value)


@pytest.mark.parametrize(
    ("value", "refusal"),
    [
        (np.ma.masked_array([1, 2], [False, True]), "a MaskedArray cannot leave .*use value.filled"),
        (np.ma.masked, "a MaskedConstant cannot leave .*use value.filled"),
        (np.timedelta64(5, "s"), r"a timedelta64 cannot leave .*use value.astype\('int64'\)"),
        (np.datetime64("2020"), r"a datetime64 cannot leave .*use value.astype\('int64'\)"),
        (np.array(5, "m8[s]"), r"an array of timedelta64\[s\] cannot leave .*use value.astype\('int64'\)"),
        (np.array(["2020"], "M8[D]"), r"an array of datetime64\[D\] cannot leave .*use value.astype\('int64'\)"),
        (np.zeros(2, "float16"), "an array of float16 cannot leave .*float32 or float64"),
        (np.zeros((2**31, 0)), r"an array of float64 and of shape \(2147483648, 0\) cannot leave .*at most 2147483647"),
    ],
)
def test_what_would_lose_something_is_refused_with_a_remedy(value: object, refusal: str) -> None:
    with pytest.raises(TypeError, match=refusal):
        values.encode([value])


@pytest.mark.parametrize("same", [b"I" + bytes(7) + b"\1", b"T"])
def test_keys_that_are_the_same_in_python_are_refused(same: bytes) -> None:
    # Java's 1.0 is another key than its 1, and so is true.
    one = b"D" + struct.pack(">d", 1)
    with pytest.raises(ValueError, match="two keys of a map are the same in Python: "):
        values.decode(b"M" + struct.pack(">I", 2) + one + b"N" + same + b"N")


def test_a_value_that_cannot_leave_is_told(one: Process) -> None:
    status, told, _ = one.call("evaluate", "object()", False)
    assert status == mailbox.RAISED
    assert "a object cannot leave the worker process" in str(told)
    assert one.run("evaluate", "object", True) == "<class 'object'>"
    assert one.run("evaluate", "1 + 1", False) == 2


def test_a_large_value_crosses(one: Process) -> None:
    array = np.arange(1 << 20)
    one.run("assign", "x", array)
    np.testing.assert_array_equal(one.run("evaluate", "x + 1", False), array + 1)


def test_other_methods_cannot_be_called(one: Process) -> None:
    status, told, _ = one.call("__init__")
    assert (status, told) == (mailbox.RAISED, "ValueError: __init__ cannot be called")


def test_output_is_marked_and_counted(one: Process) -> None:
    one.run(
        "execute",
        "import os, sys\nprint('a\\nb')\nprint('c', file=sys.stderr)\nos.write(1, b'd\\n')\nprint(sys.stdin.read())",
    )
    assert one.printed() == [f"{MARK}oa", f"{MARK}ob", f"{MARK}ec", "d", f"{MARK}o"]
    assert one.words[mailbox.EMITTED] == 4


REENTRANT = {
    "a profile function": """
import sys
def profile(*_):
    if len(lines) < 300:
        lines.append(0)
        print('in between')
lines = []
sys.setprofile(profile)
print('x')
sys.setprofile(None)
print('x')
""",
    "a finalizer": """
import gc
class A:
    def __del__(self):
        print('gone')
for i in range(150):
    gc.set_threshold(1 + i % 31)
    a = A()
    a.me = a
    print(i)
gc.set_threshold(700)
""",
}


@pytest.mark.parametrize("code", REENTRANT.values(), ids=REENTRANT)
def test_what_is_printed_within_a_print_arrives(one: Process, code: str) -> None:
    one.run("execute", code)
    lines = one.printed()
    assert all(line.startswith(f"{MARK}o") and MARK not in line[1:] for line in lines), lines
    assert one.words[mailbox.EMITTED] == len(lines)
    assert f"{MARK}ox" in lines or [line for line in lines if "gone" not in line] == [f"{MARK}o{i}" for i in range(150)]


@pytest.mark.parametrize("how", ["os.dup2(os.open(os.devnull, os.O_WRONLY), 2)", "os.close(2)"])
def test_lines_arrive_wherever_the_standard_error_leads(one: Process, how: str) -> None:
    one.run("execute", f"import os\nkept = os.dup(2)\n{how}\nprint('x')\nos.dup2(kept, 2)\nos.write(2, b'y\\n')")
    assert one.printed() == [f"{MARK}ox", "y"]


def test_a_frame_that_cannot_be_read_does_not_end_the_process(one: Process) -> None:
    # A dict whose key is a list.
    one.send(b"M\0\0\0\1L\0\0\0\0N")
    status, told, _ = values.decode(one.receive())
    assert (status, told) == (mailbox.RAISED, "TypeError: unhashable type: 'list'")
    assert one.run("evaluate", "1", False) == 1


def test_a_value_that_is_too_large_for_java_cannot_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    replies: list[bytes] = []
    asked = program.Program.__new__(program.Program)
    asked._memory = SimpleNamespace(freed=lambda: [3])  # type: ignore[assignment]
    asked._mailbox = SimpleNamespace(reply=replies.append)  # type: ignore[assignment]
    monkeypatch.setattr(program, "MAX_FRAME_BYTES", 200)
    asked._reply(OK, "a" * 150)
    asked._reply(OK, "a" * 250)
    assert values.decode(replies[0]) == [OK, "a" * 150, [3]]
    status, told, freed = values.decode(replies[1])
    assert (status, freed) == (mailbox.RAISED, [3])
    assert re.fullmatch(r"OverflowError: the value has \d+ bytes, and at most 200 can leave .*: take it in parts", told)


def test_a_frame_without_room_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    large, small = bytes(200_000), b"next"
    frames = b"".join(bytes((mailbox.FRAME,)) + struct.pack(">I", len(frame)) + frame for frame in (large, small))

    def allocate(length: int) -> bytearray:
        if length == len(large):
            raise MemoryError
        return bytearray(length)

    pipe = mailbox.Pipe(read)
    monkeypatch.setattr(mailbox, "bytearray", allocate, raising=False)
    writer = threading.Thread(target=lambda: [os.write(write, part) for part in (frames[:3], frames[3:])])
    writer.start()
    with pytest.raises(mailbox.LostFrameError):
        pipe.take(1000)
    assert pipe.take(1000) == small
    writer.join()
    os.close(write)
    with pytest.raises(EOFError):
        pipe.take(1000)
    os.close(read)


def test_why_no_block_has_begun_is_told(one: Process) -> None:
    one.run("prepare", 7, "block.data[...] = 1", "<loader>", False)
    one.describe(7, (protocol.OUTPUT,), 10)
    # The file is shorter.
    one.step([(0, 8, True, 1)], segment=2 * SEGMENT)
    assert one.answer()[0] == mailbox.RAISED
    told = Told.of(one.run("failure", -1))  # type: ignore[arg-type]
    assert told.type_name == "ValueError", told


FORKED = {
    "goes on": ("", 0),
    "exits": ("sys.exit(5)", 5),
    "exits with a text": ("sys.exit('why')", 1),
    "raises": ("1 / 0", 1),
}


@pytest.mark.parametrize(("child", "code"), FORKED.values(), ids=FORKED)
def test_a_forked_process_does_not_go_on_as_the_worker(one: Process, child: str, code: int) -> None:
    one.run(
        "prepare",
        7,
        "import os, sys\nblock.data[...] = 1\npid = os.fork()\nif pid:\n    end = os.waitpid(pid, 0)[1]\n"
        f"    block.data[...] = os.WEXITSTATUS(end)\n    os._exit(7)\n{child}",
        "<loader>",
        False,
    )
    one.describe(7, (protocol.OUTPUT,), 10)
    one.step([(PIXELS, 8, True, 1)])
    assert one.process.wait(20) == 7
    # What Java looks at: the block was not done.
    assert one.control[protocol.RUNNING] == 10
    assert one.control[protocol.RESULTS] == 0
    assert one.bytes[PIXELS : PIXELS + 8].tolist() == [code] * 8
    assert ("ZeroDivisionError: division by zero" in one.printed()) == (child == "1 / 0")
    assert ("why" in one.printed()) == ("why" in child)


def test_a_forked_process_is_no_worker(one: Process) -> None:
    one.run(
        "execute",
        "import os\npid = os.fork()\nif not pid:\n    print('child')\nelse:\n    code = os.waitpid(pid, 0)[1]",
    )
    assert one.run("evaluate", "code", False) == 0
    assert one.printed() == [f"{MARK}Ochild"]
    assert one.words[mailbox.EMITTED] == 0


def test_sigterm_ends_a_forked_process(one: Process) -> None:
    one.run(
        "execute",
        "import os, signal, time\npid = os.fork()\nif not pid:\n    time.sleep(20)\n    os._exit(0)\n"
        "os.kill(pid, signal.SIGTERM)\nend = os.waitpid(pid, 0)[1]",
    )
    assert one.run("evaluate", "end", False) == signal.SIGTERM


def test_a_forked_process_that_crashes_leaves_no_stack_for_the_worker(one: Process) -> None:
    one.run(
        "execute",
        "import ctypes, os\npid = os.fork()\nif not pid:\n    ctypes.string_at(0)\nend = os.waitpid(pid, 0)[1]",
    )
    assert one.run("evaluate", "os.WTERMSIG(end)", False) == signal.SIGSEGV
    assert one.crash_file.read_text() == ""
    assert any("Segmentation fault" in line for line in one.printed())


def test_it_ends_with_its_pipe(process: Process) -> None:
    process.run("execute", "import threading\nthreading.Thread(target=threading.Event().wait).start()")
    assert process.close() == 0


def test_it_runs_exit_handlers_when_it_is_closed(one: Process) -> None:
    one.run("execute", "import atexit\natexit.register(print, 'end')")
    one.run("close")
    assert one.process.wait(20) == 0
    assert one.printed() == [f"{MARK}oend"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT, signal.SIGHUP])
def test_what_a_terminal_sends_is_for_the_jvm(one: Process, number: signal.Signals) -> None:
    os.kill(one.process.pid, number)
    assert one.run("evaluate", "1", False) == 1


def test_a_crash_leaves_its_stack(one: Process) -> None:
    one.run("prepare", 7, "\nimport ctypes; block.data[...] = ctypes.string_at(0)", "<loader>", False)
    one.describe(7, (protocol.OUTPUT,), 10)
    one.step([(PIXELS, 8, True, 1)])
    assert one.process.wait(20) == -signal.SIGSEGV
    assert 'File "<loader>", line 2 in <module>' in one.crash_file.read_text()
    # The block that did it.
    assert one.control[protocol.RUNNING] == 10


def test_the_stack_stays_where_java_finds_it(one: Process) -> None:
    one.run("execute", "import faulthandler\nfaulthandler.enable()\nassert faulthandler.is_enabled()")
    one.send(values.encode(["execute", "import ctypes; ctypes.string_at(0)"]))
    assert one.process.wait(20) == -signal.SIGSEGV
    assert "Segmentation fault" in one.crash_file.read_text()


def test_a_signal_asks_for_the_stack_of_code_in_c(one: Process) -> None:
    one.run("prepare", 7, "\nsum(range(10 ** 11)); block.data[...] = 1", "<loader>", False)
    one.describe(7, (protocol.OUTPUT,), 10)
    one.step([(PIXELS, 8, True, 1)])
    while one.control[protocol.RUNNING] != 10:
        os.sched_yield()
    os.kill(one.process.pid, signal.SIGTERM)
    while 'File "<loader>", line 2 in <module>' not in one.crash_file.read_text():
        os.sched_yield()
    assert one.process.poll() is None


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such score")
def test_the_system_takes_the_memory_of_a_worker_before_that_of_the_jvm(one: Process) -> None:
    assert int(Path(f"/proc/{one.process.pid}/oom_score_adj").read_text()) == 500


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not do this")
def test_it_dies_with_its_parent_also_in_c(tmp_path: Path) -> None:
    code = f"""
import sys
sys.path[:0] = {[str(SOURCES), str(Path(__file__).parent)]!r}
from pathlib import Path
from test_process import Process, values
process = Process(Path({str(tmp_path)!r}), by_words=True, spin_nanos=0)
process.send(values.encode(["execute", "sum(range(10 ** 11))"]))
print(process.process.pid, flush=True)
__import__("signal").pause()
"""
    parent = subprocess.Popen([sys.executable, "-B", "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        # A zombie is dead as well; the fixture `limit` ends the loop.
        while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX":
            os.sched_yield()


def test_it_ends_with_its_parent_where_the_system_does_not_see_to_that(monkeypatch: pytest.MonkeyPatch) -> None:
    ends: list[int] = []
    parents = [7, 7, 1]
    monkeypatch.setattr(life, "_SECONDS_BETWEEN_LOOKS", 0)
    monkeypatch.setattr(os, "getppid", lambda: parents.pop(0))
    monkeypatch.setattr(os, "_exit", ends.append)
    life._end_after(life._look_for_end, 7)
    assert (parents, ends) == ([], [1])


@pytest.mark.parametrize("handle", [None, 2**40])
def test_it_waits_for_its_parent_on_windows(monkeypatch: pytest.MonkeyPatch, handle: int | None) -> None:
    calls: list[tuple[object, ...]] = []

    def opened(*arguments: object) -> int | None:
        calls.append(arguments)
        return handle

    kernel = SimpleNamespace(OpenProcess=opened, WaitForSingleObject=lambda *arguments: calls.append(arguments))
    monkeypatch.setattr(ctypes, "WinDLL", lambda _: kernel, raising=False)
    life._wait_for_end(7)
    assert calls == [(0x100000, False, 7)] + ([(handle, 0xFFFFFFFF)] if handle else [])


def test_arguments_have_no_common_base(tmp_path: Path) -> None:
    file = tmp_path / "memory"
    file.write_bytes(bytes(SEGMENT))
    memory = SharedMemory(str(file))
    words = memory.array(0, SEGMENT, 0, REQUEST, writable=True).view(np.int64)
    at = mailbox.ARGUMENTS
    words[at : at + 10] = 0, SEGMENT, PIXELS, 17, 1, 0, SEGMENT, PIXELS, 17, 2
    first, second = memory.arguments(memoryview(words), 2)
    kept = np.ndarray((2,), np.uint8, first, 1)
    del first, second
    gc.collect()
    assert memory.freed() == [2]
    del kept
    assert memory.freed() == [1]


@pytest.mark.parametrize(
    ("spin", "took", "looks"),
    [(50, 0, 50), (50, 199, 50), (50, 401, 100), (50, 10_000, 1000), (50, 10**9, 1000), (0, 10_000, 0)],
)
def test_a_process_looks_longer_for_the_next_call_after_a_long_one(
    monkeypatch: pytest.MonkeyPatch, spin: int, took: int, looks: int
) -> None:
    clock = itertools.count()
    monkeypatch.setattr(mailbox, "perf_counter_ns", lambda: next(clock))
    requests, end = os.pipe()
    os.close(end)
    words = memoryview(np.zeros(mailbox.LENGTH, np.int64))
    box = mailbox.Mailbox(words, mailbox.Pipe(requests), -1, spin_nanos=spin, by_words=True)
    yields = itertools.count()
    box._yield = lambda: next(yields)
    try:
        # It sleeps when it has not found any.
        with pytest.raises(EOFError):
            box.next(0, took)
        assert abs(next(yields) - looks) <= 1
        words[mailbox.CALL] = 1
        assert box.next(0, took) is None
    finally:
        os.close(requests)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, Java sets no limit")
@pytest.mark.parametrize(("before", "size", "after"), [(-1, (1 << 63) - 2, sys.maxsize), (1 << 33, 1 << 40, 1 << 33)])
def test_memory_limit_is_one_that_the_system_knows(before: int, size: int, after: int) -> None:
    """More than the system knows is all that it knows; a smaller one that is set already stays."""
    code = (
        "import resource, sys\n"
        f"sys.path.insert(0, {str(SOURCES)!r})\n"
        "from imglib2_cache_python._process import life\n"
        f"resource.setrlimit(resource.RLIMIT_DATA, ({before}, -1))\n"
        f"life.limit_memory({size})\n"
        "print(resource.getrlimit(resource.RLIMIT_DATA)[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert int(done.stdout) == after


def test_memory_is_free_also_if_a_trace_function_raises_meanwhile(tmp_path: Path) -> None:
    """So does a cancellation, anywhere."""
    file = tmp_path / "memory"
    file.write_bytes(bytes(SEGMENT))
    memory = SharedMemory(str(file))
    words = memoryview(np.zeros(mailbox.LENGTH, np.int64))
    for i, number in enumerate((0, SEGMENT, 4096, 100 << 1, 17)):
        words[mailbox.ARGUMENTS + i] = number
    arrays = memory.arguments(words, 1)

    def trace(*_: object) -> None:
        raise ValueError

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        del arrays
    finally:
        sys.settrace(before)
    assert memory.freed() == [17]
    assert memory.freed() == []
