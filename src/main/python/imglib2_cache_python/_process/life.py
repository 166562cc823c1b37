# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""The life of a worker process: its pipes, its end with the JVM, and what it leaves when it crashes."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import functools
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1

# The kernel's out-of-memory killer shall take a worker before it takes the JVM.
_OOM_SCORE = "500"

# What this library itself needs later: the stack of its thread, above all.
_OWN_MEMORY = 16 << 20

# Where the system does not end this process with its parent.
_SECONDS_BETWEEN_LOOKS = 1.0

# Of Windows: the right to wait for a process, and no limit of time.
_SYNCHRONIZE = 0x00100000
_INFINITE = 0xFFFFFFFF

# Ctrl-C; Ctrl-\\, at which a JVM prints its stacks; the end of the terminal.
_OF_TERMINALS = ("SIGINT", "SIGQUIT", "SIGHUP")

_pipes: list[int] = []


def move_pipes() -> tuple[int, int]:
    """Moves the pipes of the JVM off the standard descriptors, which user code and libraries in C may use.

    Returns:
        Descriptors to read from and to write to. What code reads from the standard input ends at once; what code in C
        writes to the standard output goes where the standard error goes.
    """
    requests, replies = os.dup(0), os.dup(1)
    if sys.platform == "win32":
        import msvcrt

        for fd in (requests, replies):
            msvcrt.setmode(fd, os.O_BINARY)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    _pipes[:] = requests, replies
    return requests, replies


def end_with_the_jvm() -> None:
    """Lets the system kill this process when the thread ends that has started it, also while code in C runs.

    What a terminal sends to all processes that it has started is for the JVM, which ends this process, or does not.
    """
    for name in _OF_TERMINALS:
        number = getattr(signal, name, None)
        # Not if it is ignored, as `nohup` does: processes that code starts inherit that.
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
    if sys.platform == "linux":
        if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE)
    else:
        wait = _wait_for_end if sys.platform == "win32" else _look_for_end
        threading.Thread(target=_end_after, args=(wait, os.getppid()), daemon=True).start()


def _end_after(wait: Callable[[int], None], parent: int) -> None:
    wait(parent)
    os._exit(1)


def _look_for_end(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _wait_for_end(parent: int) -> None:
    # On Windows, the number of the parent stays the same when that has ended.
    kernel = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined]
    kernel.OpenProcess.restype = ctypes.c_void_p
    kernel.WaitForSingleObject.argtypes = (ctypes.c_void_p, ctypes.c_uint32)
    # Without a handle, it has ended.
    handle = kernel.OpenProcess(_SYNCHRONIZE, False, parent)
    if handle:
        kernel.WaitForSingleObject(handle, _INFINITE)


def limit_memory(size: int) -> None:
    """Lets whatever asks for more memory than this, from now on, fail: with a `MemoryError` in Python.

    Args:
        size: Bytes; memory that is shared with the JVM does not count.
    """
    # Where this module is missing, Java sets no limit.
    import resource

    status = Path("/proc/self/status").read_text()
    used = int(status.split("VmData:")[1].split()[0]) << 10
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    # One that is set already may be smaller; more than `maxsize` is none.
    limits = [used + _OWN_MEMORY + size, sys.maxsize, *(old for old in (soft, hard) if old != resource.RLIM_INFINITY)]
    # Not by RLIMIT_AS, which would count shared memory, too.
    resource.setrlimit(resource.RLIMIT_DATA, (min(limits), hard))


def write_stacks(path: str) -> None:
    """Writes the Python stacks of all threads into a file when this process crashes, and when Java sends SIGTERM.

    What asks for no other file than the standard error, as packages do when they are imported, has it already.
    """
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    enable = faulthandler.enable
    enable(fd, all_threads=True)

    @functools.wraps(enable)
    def enable_elsewhere(file: Any = None, **named: Any) -> None:  # noqa: ANN401
        if file is not None and file is not sys.stderr:
            enable(file, **named)

    faulthandler.enable = enable_elsewhere
    if hasattr(faulthandler, "register"):
        faulthandler.register(signal.SIGTERM, fd, all_threads=True, chain=False)


class HeldSigterm(threading.local):
    """Holds SIGTERM back while a thread forks.

    Else, if it comes at once, the child would write a stack, as the worker does, instead of ending.
    """

    def hold(self) -> None:
        """To be called before the fork."""
        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def release(self) -> None:
        """To be called after the fork in both processes, last."""
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)


def leave_in_child() -> None:
    """In a forked process: closes the pipes, so that the JVM sees the end of the worker.

    SIGTERM ends it again, as `multiprocessing` expects. If it crashes, its stack goes to the standard error.
    """
    while _pipes:
        with contextlib.suppress(OSError):
            os.close(_pipes.pop())
    if hasattr(faulthandler, "register"):
        faulthandler.unregister(signal.SIGTERM)
    faulthandler.enable(2, all_threads=True)
