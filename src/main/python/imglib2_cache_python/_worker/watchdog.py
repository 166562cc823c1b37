# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Cancels user code of a worker that Java does not want to wait for any longer.

A thread of its own in the same interpreter polls a control word that Java writes, reports where the worker's thread is
in Python, and raises an exception there. That stops Python code, also a loop, but not a function in C that does not
return: nothing can stop that.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from contextlib import suppress

from imglib2_cache_python._worker.imports import MACHINERY
from imglib2_cache_python._worker.protocol import CANCEL, EXITING, FAILURE_LENGTH, RUNNING, STACK_LENGTH, STACK_OF
from imglib2_cache_python._worker.turns import importing
from imglib2_cache_python.failure import capture_stack

# Seconds between two polls.
_INTERVAL = 0.05

# After so many polls of an idle worker, the watchdog sleeps until it is woken.
_IDLE_POLLS = 20

# After so many further polls an import is taken for one that never ends.
_IMPORT_PATIENCE = 1200

# User code may catch the exception: it is raised again after so many polls.
_PATIENCE = 10

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
    """Watches the thread that created it.

    Attributes:
        asleep: Whether it must be woken by `wake` before user code runs.
        sent: Whether an exception was raised that may not have arrived yet: `settle` ends that.
    """

    def __init__(self, control: memoryview, stack: memoryview) -> None:
        """Creates a watchdog; `wake` starts it.

        Args:
            control: The control words, see `protocol`.
            stack: Bytes that Java sees, for the stack of cancelled code: `Failure.to_strings`, separated by NUL.
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
        """Makes the watchdog poll again; on the watched thread only."""
        self.asleep = False
        if self._started:
            self._release()
        elif not self._stopped:
            self._started = True
            self._thread.start()

    def settle(self) -> None:
        """Takes back an exception that has not arrived yet; on the watched thread, after user code."""
        # The exception may arrive here, once.
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
        # A lock would be free before the interpreter has forgotten the thread; a sub-interpreter that is closed before
        # that ends the process.
        self._thread.join(_STOP_TIMEOUT)
        return not self._thread.is_alive()

    def _new_thread(self) -> threading.Thread:
        # User code may have removed the hook, and without one Python starts no thread.
        hook = getattr(sys, "excepthook", None)
        sys.excepthook = sys.__excepthook__
        try:
            return threading.Thread(target=self._watch, name="imglib2-cache-python_watchdog", daemon=True)
        finally:
            sys.excepthook = hook  # type: ignore[assignment]

    def _release(self) -> None:
        # The lock is free already if the watchdog was woken and has not polled yet.
        with suppress(RuntimeError):
            self._alarm.release()

    def _watch(self) -> None:
        control = self._control
        idle = polls = imports = 0
        while not self._stopped:
            self._alarm.acquire(timeout=_INTERVAL)
            if self._signalled:
                self._end_signal()
            ticket = max(0, control[RUNNING])
            idle = 0 if ticket else idle + 1
            if idle > _IDLE_POLLS:
                idle = 0
                self.asleep = True
                # User code that began meanwhile has found the watchdog awake, and the alarm that `stop` set off may be
                # the one above: do not wait then.
                if control[RUNNING] > 0 or self._stopped:
                    self.asleep = False
                else:
                    self._alarm.acquire()
            elif ticket and (control[CANCEL] == ticket or control[CANCEL] < 0):
                if polls % _PATIENCE or self._cancel(ticket, imports > _IMPORT_PATIENCE):
                    polls += 1
                else:
                    imports += 1
            else:
                polls = imports = 0
        if self._signalled:
            self._end_signal()

    def _end_signal(self) -> None:
        """Ends the signal by which Python makes the threads of an interpreter look for an exception.

        All threads get that signal, until one of them has received an exception: so this thread raises one for itself.
        Otherwise all threads would be slower while the watched thread is in a function in C, and for ever if its
        exception was taken back; in CPython 3.11, code that is traced would never begin. The watched thread receives
        its own exception all the same, when it next takes Python's lock.
        """
        self._signalled = False
        with suppress(Cancelled):
            _set_async_exc(threading.get_ident(), Cancelled)
            while True:
                pass

    def _cancel(self, ticket: int, insists: bool) -> bool:
        """Reports the stack, and raises the exception unless the thread imports something.

        Args:
            ticket: Of the code.
            insists: Whether to raise the exception also in the code of a module that is being imported.

        Returns:
            Whether it was raised; if not, try again at the next poll.
        """
        control = self._control
        if control[STACK_OF] != ticket:
            control[STACK_LENGTH] = 0
            with suppress(Exception):
                self._report_stack()
            control[STACK_OF] = ticket
        # Never within the import machinery itself, where it may hold a lock that others will wait for.
        insists = control[CANCEL] == EXITING or (insists and not self._is_in_import_machinery())
        self.sent = self._signalled = True
        # One expression that calls nothing and does not branch, so that no other thread runs within it: the exception
        # is raised neither after user code has ended nor within an import. 0 is no thread.
        return bool(
            _set_async_exc(
                self._watched * (control[RUNNING] == ticket) * ((self._watched not in importing) | insists),
                Cancelled,
            )
        )

    def _is_in_import_machinery(self) -> bool:
        return sys._current_frames()[self._watched].f_code.co_filename.startswith(MACHINERY)

    def _report_stack(self) -> None:
        strings = capture_stack(sys._current_frames()[self._watched]).to_strings()
        # The last ones are the outermost frames.
        while len(text := "\0".join(strings).encode()) > len(self._stack) and len(strings) > FAILURE_LENGTH:
            del strings[-3:]
        if len(text) <= len(self._stack):
            self._stack[: len(text)] = text
            self._control[STACK_LENGTH] = len(text)
