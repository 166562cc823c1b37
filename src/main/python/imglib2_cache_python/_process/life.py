# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""The life of a worker process: its pipes, its end with the JVM, and what it leaves when it crashes."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import os
import signal
import sys
import threading
import time
from pathlib import Path

_PR_SET_PDEATHSIG = 1

# The kernel's out-of-memory killer shall take a worker before it takes the JVM.
_OOM_SCORE = "500"

# What this library itself needs later: the stack of its thread, above all.
_OWN_MEMORY = 16 << 20

# Where the system does not end this process with its parent.
_SECONDS_BETWEEN_LOOKS = 1.0

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

    Ctrl-C in a terminal is for the JVM, which ends this process.
    """
    signal.signal(signal.SIGINT, lambda *_: None)
    if sys.platform == "linux":
        if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE)
    elif hasattr(os, "getppid"):
        threading.Thread(target=_watch_parent, args=(os.getppid(),), daemon=True).start()


def _watch_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    os._exit(1)


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
    """Writes the Python stacks of all threads into a file when this process crashes, and when Java sends SIGTERM."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    faulthandler.enable(fd, all_threads=True)
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
