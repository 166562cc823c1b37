# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Writes the Python stack to a file when the process crashes, without coming into the JVM's way.

The JVM needs the signals of crashes itself: a null check in compiled Java code, for instance, is a SIGSEGV that it
handles. ``faulthandler.enable()`` would take these signals away from it, and kill it at the next of them. The JVM has
no use for SIGABRT, and ends each of its own reports of a crash with it: a handler of SIGABRT alone sees all crashes.
Because faulthandler cannot handle one of its signals only, the others must be kept from it while that handler is
installed, which the JDK's library for signal chaining does if it was loaded before the JVM.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
import warnings
from pathlib import Path

# The function itself, see `keep_signals_of_the_jvm`.
_enable = faulthandler.enable

CHAINING_LIBRARY = "libjsig.so"

# What faulthandler handles besides SIGABRT.
SIGNALS_OF_THE_JVM = (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)

# More than a C library's struct sigaction has.
_SIZE_OF_ACTION = 1024


class _SymbolInfo(ctypes.Structure):
    """``Dl_info``."""

    _fields_ = (
        ("file", ctypes.c_char_p),
        ("base", ctypes.c_void_p),
        ("symbol", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
    )


def keep_signals_of_the_jvm() -> None:
    """Lets ``faulthandler.enable()`` of user code, and of packages, do nothing but warn."""

    def enable(*_: object, **__: object) -> None:
        warnings.warn(
            "faulthandler.enable() has no effect here, because it would take signals from the JVM that the JVM needs; "
            "the system property imglib2.python.crashFile gives what it is for",
            RuntimeWarning,
            stacklevel=2,
        )

    faulthandler.enable = enable


def write_stack_on_crash(path: str) -> None:
    """Lets a crash of this process append the Python stacks of its threads to a file.

    Does nothing where that was done before: it holds for the whole process.

    Args:
        path: The file, which is made at once; ``%p`` in it stands for the number of the process.

    Raises:
        RuntimeError: The signals of the JVM cannot be kept out of it; with what makes it possible.
        OSError: The file cannot be written.
    """
    if faulthandler.is_enabled():
        return
    require_chaining()
    # A number, not a file object, which would end with the interpreter that made it.
    file = os.open(path.replace("%p", str(os.getpid())), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    sigaction = ctypes.CDLL(None, use_errno=True).sigaction
    before = {number: ctypes.create_string_buffer(_SIZE_OF_ACTION) for number in SIGNALS_OF_THE_JVM}
    for number, action in before.items():
        _require(sigaction(int(number), None, action))
    _enable(file, all_threads=True)
    # The JVM would ask a handler that is chained behind its own first, and report a crash of that handler.
    for number, action in before.items():
        _require(sigaction(int(number), action, None))


def require_chaining() -> None:
    """Raises a RuntimeError unless signal handlers that are installed now do not replace those of the JVM."""
    if sys.platform != "linux":
        raise RuntimeError("imglib2.python.crashFile works on Linux only: remove that system property")
    library = file_of(ctypes.CDLL(None).sigaction)
    if Path(library).name != CHAINING_LIBRARY:
        raise RuntimeError(
            "imglib2.python.crashFile needs the JDK's library for signal chaining, else it would disturb the JVM: "
            f"start it with the environment variable LD_PRELOAD={chaining_library()}, or remove that system property"
        )


def file_of(function: object) -> str:
    """Path of the library that a C function is in."""
    info = _SymbolInfo()
    found = ctypes.CDLL(None).dladdr(ctypes.cast(function, ctypes.c_void_p), ctypes.byref(info))  # type: ignore[arg-type]
    return os.fsdecode(info.file) if found and info.file else ""


def chaining_library(maps: str = "/proc/self/maps") -> str:
    """Path of the library for signal chaining of the JVM that this process is, as far as it is found.

    Args:
        maps: File that lists the libraries of this process.
    """
    for line in Path(maps).read_text("utf-8", "replace").splitlines():
        jvm = Path(line[line.find("/") :])
        if jvm.name == "libjvm.so":
            # JDK 8 has it in another folder than later ones.
            for folder in (jvm.parents[1], jvm.parent):
                if (folder / CHAINING_LIBRARY).is_file():
                    return str(folder / CHAINING_LIBRARY)
    return f"/path/to/jdk/lib/{CHAINING_LIBRARY}"


def _require(status: int) -> None:
    if status != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), "sigaction")
