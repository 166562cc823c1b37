# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Writes the Python stack to a file when the process crashes, without disturbing the JVM.

The JVM handles the signals of crashes itself: a null check in compiled Java code, for instance, is a SIGSEGV.
``faulthandler.enable()`` would replace the JVM's handlers, and the next such signal would kill the process. The JVM
does not handle SIGABRT, and ends each of its own crash reports with it: a handler of SIGABRT alone sees all crashes.
faulthandler cannot install a handler for one signal only. While it installs all of them, the JDK's library for signal
chaining keeps those of the JVM in place, provided that it was loaded before the JVM.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
import warnings
from pathlib import Path

# The original function, which `keep_signals_of_the_jvm` replaces.
_enable = faulthandler.enable

CHAINING_LIBRARY = "libjsig.so"

# The signals that faulthandler handles besides SIGABRT.
SIGNALS_OF_THE_JVM = (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)

# In bytes; a C library's struct sigaction is smaller.
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
    """Replaces ``faulthandler.enable()``, for user code and packages, by a function that only warns."""

    def enable(*_: object, **__: object) -> None:
        warnings.warn(
            "faulthandler.enable() has no effect here, because it would replace signal handlers that the JVM needs; "
            "to get the Python stack of a crash, set the system property imglib2.python.crashFile",
            RuntimeWarning,
            stacklevel=2,
        )

    faulthandler.enable = enable


def write_stack_on_crash(path: str) -> None:
    """Makes a crash of this process append the Python stacks of its threads to a file.

    Only the first call has an effect; it applies to the whole process.

    Args:
        path: The file, which is made at once; ``%p`` in it stands for the process id.

    Raises:
        RuntimeError: It would disturb the JVM's signal handlers; the message says what to do.
        OSError: The file cannot be written.
    """
    if faulthandler.is_enabled():
        return
    require_chaining()
    # A file object would be closed with the interpreter that made it; a descriptor is not.
    file = os.open(path.replace("%p", str(os.getpid())), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    sigaction = ctypes.CDLL(None, use_errno=True).sigaction
    before = {number: ctypes.create_string_buffer(_SIZE_OF_ACTION) for number in SIGNALS_OF_THE_JVM}
    for number, action in before.items():
        _require(sigaction(int(number), None, action))
    _enable(file, all_threads=True)
    # The JVM calls chained handlers before it writes its own report, which would be about a crash of that handler.
    for number, action in before.items():
        _require(sigaction(int(number), action, None))


def require_chaining() -> None:
    """Raises a RuntimeError if signal handlers that are installed now would replace those of the JVM."""
    if sys.platform != "linux":
        raise RuntimeError("imglib2.python.crashFile works on Linux only: remove that system property")
    library = file_of(ctypes.CDLL(None).sigaction)
    if Path(library).name != CHAINING_LIBRARY:
        raise RuntimeError(
            "imglib2.python.crashFile needs the JDK's library for signal chaining, else it would disturb the JVM: "
            f"start Java with the environment variable LD_PRELOAD={chaining_library()}, or remove that system property"
        )


def file_of(function: object) -> str:
    """Path of the library that contains a C function."""
    info = _SymbolInfo()
    found = ctypes.CDLL(None).dladdr(ctypes.cast(function, ctypes.c_void_p), ctypes.byref(info))  # type: ignore[arg-type]
    return os.fsdecode(info.file) if found and info.file else ""


def chaining_library(maps: str = "/proc/self/maps") -> str:
    """Path of the library for signal chaining that belongs to this JVM; a placeholder if it is not found.

    Args:
        maps: File that lists the libraries of this process.
    """
    for line in Path(maps).read_text("utf-8", "replace").splitlines():
        jvm = Path(line[line.find("/") :])
        if jvm.name == "libjvm.so":
            # JDK 8 has it in another folder than later JDKs.
            for folder in (jvm.parents[1], jvm.parent):
                if (folder / CHAINING_LIBRARY).is_file():
                    return str(folder / CHAINING_LIBRARY)
    return f"/path/to/jdk/lib/{CHAINING_LIBRARY}"


def _require(status: int) -> None:
    if status != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), "sigaction")
