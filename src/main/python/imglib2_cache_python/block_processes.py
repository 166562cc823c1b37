# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Processes that compute blocks for `map_blocks`: what computes is sent there once, and the pixels of each block.

Pixels go through pipes. So nothing is left in the system whatever happens, the memory needed is that of the blocks at
work, and inputs can be objects of any kind, because only this process reads them.
"""

from __future__ import annotations

import faulthandler
import importlib
import io
import json
import os
import pickle
import re
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from multiprocessing import spawn
from pathlib import Path
from types import FunctionType
from typing import Any, NoReturn

import numpy as np

from imglib2_cache_python.reference import Reference, function_reference

# The first line of its input has the folders of modules. The script of the user does not run there.
_PROGRAM = (
    "import json, os, sys\n"
    "requests = os.fdopen(os.dup(0), 'rb')\n"
    "sys.path[:], sys.dont_write_bytecode = json.loads(requests.readline())\n"
    "from imglib2_cache_python import block_processes\n"
    "block_processes.main(requests, *map(int, sys.argv[1:]))\n"
)

# Kinds of messages.
_WORKER, _BLOCK, _END, _READY, _DONE, _FAILED, _PRINTED = range(7)

# Before the first message; what comes before it is printed by what Python runs when it starts.
_BEGIN = b"\0imglib2_cache_python.block_processes\n"

# How long a process may take to end by itself.
_SECONDS_TO_END = 10

# Bytes that are read of the stacks of a process that has ended.
_MAX_STACKS = 1 << 16

_PACKAGE_FOLDER = str(Path(__file__).parent) + os.sep

_GUARD = (
    "this script runs again in each process, because it defines the function; put what must not run again under: "
    'if __name__ == "__main__":'
)

# Whether this is such a process, which imports what it needs.
_is_preparing = False


class ProcessEnded(ChildProcessError):  # noqa: N818 - users see it as its base class
    """A process has ended while it computed a block.

    Attributes:
        file: File, or name of the statements, of the user's line; empty if it is not known.
        line: Number of that line; 0 if it is not known.
    """

    def __init__(self, message: str, file: str = "", line: int = 0) -> None:
        """Made by `Process`."""
        super().__init__(message)
        self.file = file
        self.line = line


class Process:
    """A process that computes blocks, one after the other. Use it in a ``with`` statement.

    Not for several threads at the same time, except for `stop`.

    Attributes:
        is_stopped: Whether `stop` was called.
    """

    def __init__(self, pickled: bytes) -> None:
        """Starts no process yet.

        Args:
            pickled: What computes blocks: a context manager whose method ``compute`` is called as that of this class.
        """
        self._pickled = pickled
        # Has no name, so nothing of it can stay.
        self._stacks = tempfile.TemporaryFile()  # noqa: SIM115
        self._is_ready = False
        self.is_stopped = False

    def __enter__(self) -> Process:
        """Starts the process, and does not wait for it.

        Raises:
            OSError: It cannot be started.
            RuntimeError: This is such a process, which imports what it needs: it would start more and more of them.
        """
        if _is_preparing:
            raise RuntimeError(_GUARD)
        # What processes of multiprocessing run, also where this Python is in another program.
        command = [os.fsdecode(spawn.get_executable() or sys.executable), "-c", _PROGRAM]
        # Ctrl-C in a terminal is for this process only, which ends the others.
        how: dict[str, Any]
        if sys.platform == "win32":
            how = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        else:
            how = {"start_new_session": True, "pass_fds": [self._stacks.fileno()]}
            command.append(str(self._stacks.fileno()))
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **how)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Ends the process, and waits until it has ended."""
        if not self._is_ready or not issubclass(kind or Exception, Exception):
            # For instance KeyboardInterrupt.
            self.stop()
        # If the process has ended, nobody reads, or the pipe is closed.
        with suppress(OSError, ValueError):
            _write(self._input, _encoded((_END,)))
        try:
            self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        # Not before, because this ends the process at once.
        with suppress(OSError):
            self._input.close()
        self._output.close()
        self._stacks.close()

    def stop(self) -> None:
        """Makes the process end at once, with all processes that it has started. `compute` raises an exception then."""
        self.is_stopped = True
        with suppress(OSError):
            if sys.platform == "win32":
                self._process.terminate()
            else:
                os.killpg(self._process.pid, signal.SIGTERM)

    def compute(self, place: Any, pixels: Sequence[np.ndarray]) -> np.ndarray:  # noqa: ANN401
        """Computes a block.

        Args:
            place: The first argument of what computes, which is pickled.
            pixels: The second one, which is read-only there.

        Raises:
            ProcessEnded: The process has ended.
            BaseException: What computing has raised. It has the same cause, if that can be sent.
        """
        if not self._is_ready:
            self._ask((_WORKER, self._pickled))
            self._is_ready = True
        return self._ask((_BLOCK, place), pixels)[0]

    def _ask(self, message: tuple[Any, ...], arrays: Sequence[np.ndarray] = ()) -> list[np.ndarray]:
        try:
            if message[0] == _WORKER:
                folders = [folder for folder in sys.path if isinstance(folder, str)]
                self._input.write(json.dumps([folders, sys.dont_write_bytecode]).encode() + b"\n")
            _write(self._input, _encoded(message, arrays))
            if message[0] == _WORKER:
                while not (line := self._output.readline()).endswith(_BEGIN):
                    if not line:
                        raise EOFError
            while True:
                (kind, *content), received = _receive(self._output)
                if kind != _PRINTED:
                    break
                with suppress(OSError, ValueError):
                    print(content[0], end="", file=sys.stderr if content[1] else sys.stdout, flush=True)
        except (OSError, EOFError, pickle.UnpicklingError):
            raise self._ended() from None
        if kind == _FAILED:
            _raise(*content)
        return received

    def _ended(self) -> ProcessEnded:
        with suppress(OSError):
            self._input.close()
        try:
            code = self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            return ProcessEnded("its process does not answer any more")
        if self.is_stopped:
            return ProcessEnded("its process was stopped")
        how = f"with exit code {code}"
        if code < 0:
            with suppress(ValueError):
                how = f"by {signal.Signals(-code).name}"
            if code == -9:
                how += ", as systems end a process if there is no memory left"
        self._stacks.seek(0)
        file, line = _users_line(self._stacks.read(_MAX_STACKS).decode(errors="replace"))
        return ProcessEnded(
            f"its process has ended {how}{'' if self._is_ready else ' while it was started'}", file, line
        )

    @property
    def _input(self) -> Any:  # noqa: ANN401 - a pipe
        return self._process.stdin

    @property
    def _output(self) -> Any:  # noqa: ANN401 - a pipe
        return self._process.stdout


def _users_line(stacks: str) -> tuple[str, int]:
    """File and line of the code of the user in what `faulthandler` has written."""
    _, _, rest = stacks.rpartition("Current thread ")
    # Other threads may follow.
    stack, _, _ = rest.partition("\n\n")
    frames = [(_unescaped(file), int(line)) for file, line in re.findall(r'(?m)^  File "(.*)", line (\d+) in ', stack)]
    own = [(file, line) for file, line in frames if not file.startswith(_PACKAGE_FOLDER) and file != "<string>"]
    statements = [frame for frame in own if frame[0].startswith("<")]
    # As for exceptions, see `failure`.
    return (statements or own[::-1] or [("", 0)])[0]


def _unescaped(name: str) -> str:
    """Name of a file that `faulthandler` has written, in ASCII."""

    def character(escape: re.Match[str]) -> str:
        code = int(escape[0][2:], 16)
        # Printable ASCII is never escaped: it is a path of Windows.
        return escape[0] if ord(" ") <= code <= ord("~") or code > sys.maxunicode else chr(code)

    return re.sub(r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})", character, name)


def name_in_main(function: Any) -> str | None:  # noqa: ANN401
    """Name, with the file, of a function of the script that was started; None if it is none.

    Another process imports the file under another name than ``__main__``.
    """
    main = sys.modules.get("__main__")
    file = getattr(main, "__file__", None)
    if type(function) is not FunctionType or function.__module__ != "__main__" or not isinstance(file, str):
        return None
    reference = Reference(os.path.abspath(file), function.__name__)
    name = ":".join(reference)
    is_there = getattr(main, function.__name__, None) is function and os.path.isfile(file)
    return name if is_there and function_reference(name) == reference else None


def pickled(worker: Any) -> bytes:  # noqa: ANN401
    """What computes blocks, as another process gets it.

    Functions and classes that it can import are sent by their names, others by cloudpickle, if that is installed.

    Raises:
        TypeError: That is not possible.
    """
    out = io.BytesIO()
    pickler = _Pickler(out, pickle.HIGHEST_PROTOCOL)
    why: Exception | None = None
    try:
        pickler.dump(worker)
    except Exception as error:
        # Of the user's objects, which can raise anything.
        why = error
    if why is None and pickler.of_main is None:
        return out.getvalue()
    try:
        # By its name, because only this needs it.
        return bytes(importlib.import_module("cloudpickle").dumps(worker))
    except ImportError:
        what = str(why) if pickler.of_main is None else f"{pickler.of_main} is defined in __main__"
        raise TypeError(
            f"processes=True: another process cannot import the function, or a value of the parameters: {what}. Put it "
            "into a file, and give the function's name, map_blocks('/path/file.py:function', ...); or give statements; "
            "or run 'pip install cloudpickle', by which such functions can be sent; or leave processes out"
        ) from why
    except Exception as error:
        raise TypeError(
            "processes=True: the function, or a value of the parameters, cannot be sent to another process: "
            f"{type(error).__name__}: {error}; make it in the function, or leave processes out"
        ) from error


class _Pickler(pickle.Pickler):
    """Finds what another process cannot import, because its ``__main__`` is another one."""

    of_main: str | None = None

    def reducer_override(self, value: Any) -> Any:  # noqa: ANN401
        if isinstance(value, (FunctionType, type)) and value.__module__ == "__main__":
            self.of_main = value.__qualname__
        return NotImplemented


def main(requests: Any, stacks: int | None = None) -> None:  # noqa: ANN401 - a binary stream
    """Runs in the new process: computes what it is asked for.

    Args:
        requests: Where the messages come from.
        stacks: Descriptor of a file that gets the stacks if code in C ends this process.
    """
    replies = _Replies()
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    if stacks is not None:
        faulthandler.enable(stacks)
    threading.Thread(target=_end_with_the_other, args=(requests.fileno(),), daemon=True).start()
    sys.stdout, sys.stderr = replies.streams
    _serve(requests, replies)
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__


def _end_with_the_other(requests: int) -> None:
    """Ends this process, also while it computes a block, when the one that has started it ends.

    Where systems have no `select.poll`, it ends after the block.
    """
    if hasattr(select, "poll"):
        poll = select.poll()
        # Waits for the end of the pipe only, not for what is in there.
        poll.register(requests, 0)
        poll.poll()
        os._exit(1)


def _serve(requests: Any, replies: _Replies) -> None:  # noqa: ANN401 - a binary stream
    global _is_preparing
    worker: Any = None
    with ExitStack() as stack:
        while True:
            (kind, *content), pixels = _receive(requests)
            if kind == _END:
                return
            try:
                if kind == _WORKER:
                    _is_preparing = True
                    worker = stack.enter_context(pickle.loads(content[0]))
                    _is_preparing = False
                    replies.send((_READY,))
                else:
                    for one in pixels:
                        one.flags.writeable = False
                    replies.send((_DONE,), [worker.compute(content[0], pixels)])
            except BaseException as error:
                replies.send((_FAILED, _pickled(error), _pickled(error.__cause__), f"{type(error).__name__}: {error}"))


class _Replies:
    """Messages to the process that has started this one, also about what is printed."""

    def __init__(self) -> None:
        self._stream = os.fdopen(os.dup(1), "wb")
        _write(self._stream, [_BEGIN])
        # Output of code in C is not a message.
        os.dup2(2, 1)
        self._lock = threading.Lock()
        self.streams = _Printed(self, 0), _Printed(self, 1)

    def send(self, message: tuple[Any, ...], arrays: Sequence[np.ndarray] = ()) -> None:
        if message[0] != _PRINTED:
            for stream in self.streams:
                stream.flush()
        parts = _encoded(message, arrays)
        with self._lock:
            _write(self._stream, parts)


class _Printed(io.TextIOBase):
    """Sends whole lines, because the lines of several processes are printed together."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, replies: _Replies, number: int) -> None:
        self._replies = replies
        self._number = number
        self._text = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._text += text
        if "\n" in text:
            self.flush()
        return len(text)

    def flush(self) -> None:
        text, self._text = self._text, ""
        if text:
            self._replies.send((_PRINTED, text, self._number))


def _encoded(message: tuple[Any, ...], arrays: Sequence[np.ndarray] = ()) -> list[Any]:
    whole = [np.ascontiguousarray(array) for array in arrays]
    head = pickle.dumps((message, [(array.shape, array.dtype) for array in whole]), pickle.HIGHEST_PROTOCOL)
    return [head, *map(_bytes, whole)]


def _write(stream: Any, parts: Sequence[Any]) -> None:  # noqa: ANN401
    for part in parts:
        stream.write(part)
    stream.flush()


def _receive(stream: Any) -> tuple[tuple[Any, ...], list[np.ndarray]]:  # noqa: ANN401
    message, described = pickle.load(stream)
    arrays = [np.empty(shape, dtype) for shape, dtype in described]
    for array in arrays:
        rest = _bytes(array)
        while rest:
            count = stream.readinto(rest)
            if not count:
                raise EOFError
            rest = rest[count:]
    return message, arrays


def _bytes(array: np.ndarray) -> memoryview:
    content: Any = array.reshape(-1).view(np.uint8)
    return memoryview(content)


def _pickled(error: BaseException | None) -> bytes:
    # Exceptions of the user can raise anything.
    with suppress(Exception):
        return pickle.dumps(error)
    return pickle.dumps(None)


def _raise(pickled_error: bytes, pickled_cause: bytes, text: str) -> NoReturn:
    error: Any = None
    # Its class may be defined in the code, which is not here.
    with suppress(Exception):
        error = pickle.loads(pickled_error)
    if not isinstance(error, BaseException):
        raise RuntimeError(text)
    with suppress(Exception):
        error.__cause__ = pickle.loads(pickled_cause)
    raise error
