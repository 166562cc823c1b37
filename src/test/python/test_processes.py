# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of processes.py: each in a new Python, because it changes that Python for good."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import run_in_new_python


def run(code: str) -> str:
    """Output of a new Python that has been adapted."""
    prepare = "from imglib2_cache_python._worker.processes import forbid_fork, spawn_by_default\nspawn_by_default()\n"
    return run_in_new_python(prepare + code)


def test_nothing_is_imported() -> None:
    assert run("import sys; print([name for name in sys.modules if name.startswith('multiprocessing')])") == "[]"


def test_processes_are_spawned() -> None:
    assert (
        run("""
import multiprocessing
print(multiprocessing.get_start_method(), multiprocessing.get_context().get_start_method())
""")
        == "spawn spawn"
    )


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_users_may_choose_another_start_method_once(method: str) -> None:
    assert (
        run(f"""
import multiprocessing
multiprocessing.set_start_method("{method}")
print(multiprocessing.get_start_method())
""")
        == method
    )


def test_modules_that_are_imported_already_are_adapted_too() -> None:
    assert (
        run("""
import sys
from imglib2_cache_python._worker import processes
sys.meta_path.pop(0)
processes._ADAPTED.clear()
import multiprocessing
spawn_by_default()
print(multiprocessing.get_start_method())
""")
        == "spawn"
    )


def test_a_module_that_another_thread_imports_just_now_is_adapted_when_it_is_whole(tmp_path: Path) -> None:
    package = tmp_path / "joblib"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "pool.py").write_text(
        "import sys\nsys.begun.set()\nsys.end.wait(10)\nclass CustomizablePickler:\n    pass\n"
    )
    assert (
        run(f"""
import sys, threading
sys.path.insert(0, {str(tmp_path)!r})
from imglib2_cache_python._worker import processes
sys.meta_path.pop(0)
processes._ADAPTED.clear()
sys.begun, sys.end = threading.Event(), threading.Event()
thread = threading.Thread(target=__import__, args=["joblib.pool"])
thread.start()
sys.begun.wait(10)
adapting = threading.Thread(target=spawn_by_default)
adapting.start()
while "acquire" not in [frame.f_code.co_name for frame in [sys._current_frames().get(adapting.ident)] if frame]:
    if not adapting.is_alive():
        break
sys.end.set()
adapting.join()
thread.join()
print("reducer_override" in vars(sys.modules["joblib.pool"].CustomizablePickler))
""")
        == "True"
    )


def test_workers_that_come_later_adapt_nothing_again() -> None:
    assert (
        run("""
import multiprocessing.resource_tracker, multiprocessing.util
before = len(multiprocessing.util._finalizer_registry)
spawn_by_default()
print(len(multiprocessing.util._finalizer_registry) - before)
""")
        == "0"
    )


def test_it_is_done_once_in_an_interpreter() -> None:
    assert (
        run("""
import sys
finders = len(sys.meta_path)
spawn_by_default()
print(len(sys.meta_path) - finders)
""")
        == "0"
    )


def test_pools_work_and_leave_nothing() -> None:
    assert (
        run("""
import math, multiprocessing, os
if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        print(pool.map(math.sqrt, [1, 4, 9]))
    from multiprocessing import resource_tracker, util
    util._exit_function()
    print(resource_tracker._resource_tracker._fd)
""")
        == "[1.0, 2.0, 3.0]\nNone"
    )


@pytest.mark.parametrize("definition", ["def task(x): return x", "class task: pass", "task = lambda x: x"])
def test_what_another_process_would_not_find_is_refused(definition: str) -> None:
    assert (
        run(f"""
import multiprocessing, pickle, types, sys
module = types.ModuleType("imglib2_cache_python.user.worker_loader_1")
sys.modules[module.__name__] = module
exec({definition!r}, module.__dict__)
pool = multiprocessing.Pool(1)
try:
    pool.map(module.task, [1])
except pickle.PicklingError as error:
    print("withModulePath" in str(error))
pool.terminate()
pool.join()
""")
        == "True"
    )


def test_other_picklers_are_left_alone() -> None:
    assert (
        run("""
import multiprocessing.reduction, pickle, types, sys
module = types.ModuleType("imglib2_cache_python.user.worker_loader_1")
sys.modules[module.__name__] = module
exec("class Point: x = 1", module.__dict__)
print(pickle.loads(pickle.dumps(module.Point())).x)
""")
        == "1"
    )


def test_other_packages_pools_refuse_it_too(tmp_path: Path) -> None:
    (tmp_path / "joblib").mkdir()
    (tmp_path / "joblib" / "__init__.py").write_text("")
    (tmp_path / "joblib" / "pool.py").write_text("import pickle\nclass CustomizablePickler(pickle.Pickler): pass\n")
    assert (
        run(f"""
import io, pickle, sys, types
module = types.ModuleType("imglib2_cache_python.user.worker_loader_1")
sys.modules[module.__name__] = module
exec("def task(x): return x", module.__dict__)
sys.path.insert(0, {str(tmp_path)!r})
from joblib.pool import CustomizablePickler
CustomizablePickler(io.BytesIO()).dump([len, str, 5])
try:
    CustomizablePickler(io.BytesIO()).dump(module.task)
except pickle.PicklingError as error:
    print("withModulePath" in str(error))
""")
        == "True"
    )


def test_cloudpickle_sends_the_code_of_snippets(tmp_path: Path) -> None:
    (tmp_path / "cloudpickle").mkdir()
    (tmp_path / "cloudpickle" / "__init__.py").write_text("from .cloudpickle import *")
    (tmp_path / "cloudpickle" / "cloudpickle.py").write_text("_PICKLE_BY_VALUE_MODULES = set()\n")
    assert (
        run(f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import cloudpickle
print(cloudpickle.cloudpickle._PICKLE_BY_VALUE_MODULES)
""")
        == "{'imglib2_cache_python.user'}"
    )


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_forking_can_be_forbidden() -> None:
    assert (
        run("""
import multiprocessing, os
forbid_fork()
try:
    os.fork()
except RuntimeError as error:
    message = str(error)
files = os.listdir("/proc/self/fd")
try:
    multiprocessing.get_context("fork").Process().start()
except RuntimeError as error:
    assert str(error) == message
assert os.listdir("/proc/self/fd") == files
print(message)
""")
        == "a process cannot be forked from a sub-interpreter: use multiprocessing's start method spawn, threads, "
        "or InterpreterMode.SHARED"
    )
