# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Cancels user code of a worker that Java does not want to wait for any longer.

A thread of its own in the same interpreter looks at a control word that Java writes, tells Java where the worker's
thread is in Python, and raises an exception there. That reaches Python code, also a loop, but not a function in C that
does not return: nothing can stop that.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from contextlib import suppress

from imglib2_cache_python._worker.imports import importing
from imglib2_cache_python._worker.protocol import CANCEL, EXITING, RUNNING, STACK_LENGTH, STACK_OF
from imglib2_cache_python.failure import capture_stack

# Seconds between two looks.
_INTERVAL = 0.05

# After so many looks at an idle worker, the watchdog sleeps until it is woken.
_IDLE_LOOKS = 20

# An import that takes so many looks longer is taken for one that never ends.
_IMPORT_PATIENCE = 1200

# User code may catch the exception: it is raised again after so many looks.
_PATIENCE = 10

# Strings of a failure before those of its frames.
_FIELDS = 6

# Seconds that stopping waits for the thread.
_STOP_TIMEOUT = 5.0

_set_async_exc = ctypes.pythonapi["PyThreadState_SetAsyncExc"]
_set_async_exc.argtypes = (ctypes.c_ulong, ctypes.py_object)
_set_async_exc.restype = ctypes.c_int

_clear_async_exc = ctypes.pythonapi["PyThreadState_SetAsyncExc"]
_clear_async_exc.argtypes = (ctypes.c_ulong, ctypes.c_void_p)
_clear_async_exc.restype = ctypes.c_int


class Cancelled(BaseException):
    """Raised in user code that took too long, or whose queue was closed."""


class Watchdog:
    """Watches the thread that creates it.

    Attributes:
        asleep: Whether it must be woken by `wake` before user code runs.
        sent: Whether an exception was raised that may not have arrived yet: `settle` ends that.
    """

    def __init__(self, control: memoryview, stack: memoryview) -> None:
        """Creates a watchdog; `wake` starts it.

        Args:
            control: Words that Java sees, see `protocol`.
            stack: Bytes that Java sees, for where the worker is: what `Failure.to_strings` tells, separated by NUL.
        """
        self.asleep = True
        self.sent = False
        self._signalled = False
        self._control = control
        self._stack = stack
        self._watched = threading.get_ident()
        self._thread = self._new_thread()
        self._started = False
        self._stopped = False
        self._alarm = threading.Lock()
        self._alarm.acquire()

    def wake(self) -> None:
        """Makes the watchdog look again; on the watched thread only."""
        self.asleep = False
        if self._started:
            self._release()
        elif not self._stopped:
            self._started = True
            self._thread.start()

    def settle(self) -> None:
        """Lets no exception that was raised in the watched thread arrive later; on that thread, after user code."""
        # It may arrive here, once.
        for _ in range(2):
            try:
                if self.sent:
                    self._signalled = True
                    _clear_async_exc(self._watched, None)
                    self.sent = False
                return
            except Cancelled:
                continue

    def stop(self) -> bool:
        """Ends the thread; on the watched thread.

        Returns:
            Whether it has ended.
        """
        self._stopped = True
        if not self._started:
            return True
        self._release()
        # Not a lock of its own, which would be free before the interpreter has forgotten the thread: a sub-interpreter
        # that is closed earlier ends the process.
        self._thread.join(_STOP_TIMEOUT)
        return not self._thread.is_alive()

    def _new_thread(self) -> threading.Thread:
        # User code of a worker that shares its modules may have removed the hook, without which threads are refused.
        hook = getattr(sys, "excepthook", None)
        sys.excepthook = sys.__excepthook__
        try:
            return threading.Thread(target=self._watch, name="imglib2-cache-python_watchdog", daemon=True)
        finally:
            sys.excepthook = hook  # type: ignore[assignment]

    def _release(self) -> None:
        # It is free already where the watchdog has been woken and has not looked yet.
        with suppress(RuntimeError):
            self._alarm.release()

    def _watch(self) -> None:
        control = self._control
        idle = looks = imports = 0
        while not self._stopped:
            self._alarm.acquire(timeout=_INTERVAL)
            if self._signalled:
                self._end_signal()
            ticket = control[RUNNING]
            idle = 0 if ticket else idle + 1
            if idle > _IDLE_LOOKS:
                idle = 0
                self.asleep = True
                # User code that began meanwhile has seen a watchdog that is awake; who stops it has set off the alarm
                # that was just heard.
                if control[RUNNING] or self._stopped:
                    self.asleep = False
                else:
                    self._alarm.acquire()
            elif ticket and (control[CANCEL] == ticket or control[CANCEL] < 0):
                if looks % _PATIENCE or self._cancel(ticket, imports > _IMPORT_PATIENCE):
                    looks += 1
                else:
                    imports += 1
            else:
                looks = imports = 0
        if self._signalled:
            self._end_signal()

    def _end_signal(self) -> None:
        """Lets the other threads of the interpreter run undisturbed again.

        Python tells all of them that there is an exception for one, until one has got its own: so this thread gets
        one. Otherwise, as long as the watched thread is in a function in C, and for ever where its exception was taken
        back, all would be slower, and in CPython 3.11 code that is traced would never begin. The watched thread sees
        its exception all the same, when it next shares Python's lock.
        """
        self._signalled = False
        with suppress(Cancelled):
            _set_async_exc(threading.get_ident(), Cancelled)
            while True:
                pass

    def _cancel(self, ticket: int, insists: bool) -> bool:
        """Tells the stack, and raises the exception unless the thread imports something.

        Args:
            ticket: Of the code.
            insists: Whether to raise it in the code of a module that is imported, too.

        Returns:
            Whether it was raised; else it must be soon.
        """
        control = self._control
        if control[STACK_OF] != ticket:
            control[STACK_LENGTH] = 0
            with suppress(Exception):
                self._tell_stack()
            control[STACK_OF] = ticket
        # Never within the import machinery itself, where it may hold a lock that others will wait for.
        insists = control[CANCEL] == EXITING or (insists and not self._is_in_import_machinery())
        self.sent = self._signalled = True
        # In one expression, in which no other thread can run, because it calls nothing and does not branch: neither
        # after the user code has ended nor within an import. 0 is no thread.
        return bool(
            _set_async_exc(
                self._watched * (control[RUNNING] == ticket) * ((self._watched not in importing) | insists),
                Cancelled,
            )
        )

    def _is_in_import_machinery(self) -> bool:
        return sys._current_frames()[self._watched].f_code.co_filename.startswith("<frozen importlib")

    def _tell_stack(self) -> None:
        strings = capture_stack(sys._current_frames()[self._watched]).to_strings()
        # The last ones are the outermost frames.
        while len(text := "\0".join(strings).encode()) > len(self._stack) and len(strings) > _FIELDS:
            del strings[-3:]
        if len(text) <= len(self._stack):
            self._stack[: len(text)] = text
            self._control[STACK_LENGTH] = len(text)
