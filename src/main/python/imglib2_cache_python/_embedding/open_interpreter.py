# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""The first code that runs in each embedded interpreter.

Java defines ``location`` (the folder that contains this package), ``module_path`` (a list of folders with the user's
own modules), ``mode``, ``shared_modules``, ``crash_file``, ``out``, ``err`` and ``end_of_jvm`` (an array of one
number), runs the text of this file, and then calls ``Worker`` to make a worker.
"""

# ruff: noqa: F821 - names that Java defines
import contextlib
import functools
import importlib
import locale
import sys

if locale.getpreferredencoding(False).lower() in ("ascii", "us-ascii", "ansi_x3.4-1968"):
    # Without a locale, as in many containers, open() would read text as ASCII; Python on its own would use UTF-8.
    # If the system has no C.UTF-8, user code must name the encoding.
    with contextlib.suppress(locale.Error):
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")

if location not in sys.path:
    sys.path.insert(0, location)
sys.path.extend(folder for folder in module_path if folder not in sys.path)

if mode == "SUB":
    from imglib2_cache_python._embedding import subinterpreter

    # Before all other imports: they take their modules from the main interpreter.
    subinterpreter.share(shared_modules.split("\n"), [location, *module_path])

from imglib2_cache_python import advice, complex_warning
from imglib2_cache_python._embedding import crash
from imglib2_cache_python._worker import imports, processes

advice.module_path[:] = module_path
complex_warning.make_an_error()
imports.keep_imports_whole(importlib)

if mode != "SUB":
    processes.spawn_by_default()
crash.keep_signals_of_the_jvm()
if crash_file:
    write_stack_on_crash = functools.partial(crash.write_stack_on_crash, crash_file)
    # faulthandler keeps the interpreter that has enabled it, so that this must not end.
    if mode == "SUB":
        subinterpreter.run_in_main(write_stack_on_crash)
    else:
        write_stack_on_crash()

from imglib2_cache_python._worker.worker import Worker, redirect_streams

if mode == "SUB":
    Worker = functools.partial(Worker, end=subinterpreter.end)

redirect_streams(out.accept, err.accept, end_of_jvm)
