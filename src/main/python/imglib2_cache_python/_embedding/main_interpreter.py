# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""The main interpreter's side of sharing modules: it holds the standard library and packages for all sub-interpreters.

This module is imported in the main interpreter only, on that interpreter's own thread. Sub-interpreters call its
functions on their own threads.

A shared module is always imported by the main interpreter, on its own thread, also when a function of a shared
package asks for it late. If the sub-interpreter began such an import itself, it would hold the main interpreter's
import lock while the main interpreter's thread waits for that lock (https://github.com/ninia/jep/issues/487).
"""

from __future__ import annotations
import __future__

import _io
import _thread
import ast
import atexit
import builtins
import ctypes
import functools
import importlib
import importlib.util
import itertools
import operator
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from types import FunctionType, ModuleType
from typing import Any

from imglib2_cache_python import USER_MODULES
from imglib2_cache_python._embedding import threadstates
from imglib2_cache_python._embedding.protection import protect
from imglib2_cache_python._embedding.threadstates import is_alone
from imglib2_cache_python._worker.imports import keep_imports_whole
from imglib2_cache_python._worker.processes import forbid_fork, spawn_by_default
from imglib2_cache_python._worker.superseded import supersede  # noqa: F401 - sub-interpreters call it

# The modules of the standard library that each interpreter has for itself: its state, its import machinery, and what
# uses that machinery.
_OWN = {
    "_frozen_importlib",
    "_frozen_importlib_external",
    "_imp",
    "_sitebuiltins",
    "idlelib",
    "imp",
    "importlib",
    "modulefinder",
    "pkgutil",
    "runpy",
    "site",
    "sys",
    "zipimport",
}

_dict_of_module = ModuleType.__dict__["__dict__"]

_TASK = "imglib2_cache_python_task_"

_main_sys = sys

_FUTURES = functools.reduce(
    operator.or_, (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
)

# This C function looks a loaded module up in the interpreter of the calling thread.
_import = builtins.__import__

keep_imports_whole(importlib)
_find_and_load = importlib._bootstrap._find_and_load  # type: ignore[attr-defined]

_state_of_module = ctypes.pythonapi["PyState_FindModule"]
_state_of_module.restype, _state_of_module.argtypes = ctypes.c_void_p, (ctypes.c_void_p,)
_add_module = ctypes.pythonapi["PyState_AddModule"]
_add_module.restype, _add_module.argtypes = ctypes.c_int, (ctypes.py_object, ctypes.c_void_p)
_remove_module = ctypes.pythonapi["PyState_RemoveModule"]
_remove_module.restype, _remove_module.argtypes = ctypes.c_int, (ctypes.c_void_p,)
_definition = ctypes.pythonapi["PyModule_GetDef"]
_definition.restype, _definition.argtypes = ctypes.c_void_p, (ctypes.py_object,)


@dataclass(frozen=True)
class _Interpreter:
    """A sub-interpreter.

    Attributes:
        modules: Its ``sys.modules``.
        shared_import: Imports a module in the main interpreter, on that interpreter's thread, and waits for the end.
        own_import: Its ``importlib.import_module``.
    """

    modules: dict[str, ModuleType]
    shared_import: Callable[[str], object]
    own_import: Callable[[str], ModuleType]


class _CurrentSys(ModuleType):
    """Stands for the ``sys`` of the calling thread's interpreter, in modules that interpreters share."""

    # Each import looks at it, also the one that finds out which ``sys`` is meant.
    __spec__ = _main_sys.__spec__

    def __init__(self) -> None:
        super().__init__("sys")
        # Entries of this dictionary would hide the attributes of the real modules.
        _dict_of_module.__get__(self).clear()

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        return _current_sys().__dict__

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(_current_sys(), name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(_current_sys(), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(_current_sys(), name)

    def __dir__(self) -> list[str]:
        return dir(_current_sys())


class _Task:
    """A function that the main interpreter's thread calls when it imports a module with the task's name."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self.result: Any = None
        self.error: BaseException | None = None

    def create_module(self, _: ModuleSpec) -> None:
        return None

    def exec_module(self, _: ModuleType) -> None:
        try:
            self.result = self._function()
        except BaseException as error:
            # Jep would lose most of the error, and would end the JVM for a SystemExit.
            self.error = error
        _publish()


class _TaskFinder:
    """Finds tasks as if they were modules."""

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        task = _tasks.get(name)
        return None if task is None else ModuleSpec(name, task)  # type: ignore[arg-type]


_tasks: dict[str, _Task] = {}
_numbers = itertools.count()
_interpreters: dict[ModuleType, _Interpreter] = {}
_packages = {__package__.partition(".")[0]}

# Functions that find missing attributes of modules, by the main interpreter's thread.
_in_main: weakref.WeakSet[FunctionType] = weakref.WeakSet()

# The modules ``sys`` of interpreters that are ending, where no thread can be started any more.
_ending: weakref.WeakSet[ModuleType] = weakref.WeakSet()


def connect(
    own_sys: ModuleType,
    shared_import: Callable[[str], object],
    own_import: Callable[[str], ModuleType],
    packages: Sequence[str],
    path: Sequence[str],
) -> None:
    """Makes the calling sub-interpreter share modules; to be called by its only thread, before its first user code.

    Args:
        own_sys: Its module ``sys``.
        shared_import: Imports a module in the main interpreter, on that interpreter's thread, and waits for the end.
        own_import: Its ``importlib.import_module``.
        packages: Names of the top-level modules to share besides the standard library.
        path: Folders in which the main interpreter must find modules.

    Raises:
        RuntimeError: The threads of this Python cannot be told apart.
    """
    threadstates.make_ids_unique()
    _packages.update(packages)
    _main_sys.path.extend(folder for folder in path if folder not in _main_sys.path)
    modules = own_sys.modules
    _interpreters[own_sys] = _Interpreter(modules, shared_import, own_import)
    for name in list(modules):
        if is_shared(name):
            import_shared(name)
    modules.update(_shared_modules())
    # The interpreter's own _io has an UnsupportedOperation that code of shared modules would not catch.
    _remove_module(_definition(_io))
    _add_states()


def disconnect(own_sys: ModuleType) -> None:
    """Removes all shared modules from the calling sub-interpreter, which would clear them when it ends."""
    if _interpreters.pop(own_sys, None) is not None:
        shared = {id(module) for module in _main_sys.modules.values()}
        for name, module in list(own_sys.modules.items()):
            if id(module) in shared:
                del own_sys.modules[name]


def run_exit_functions() -> None:
    """Runs the exit functions of the calling sub-interpreter, once."""
    atexit._run_exitfuncs()


def end(own_sys: ModuleType) -> bool:
    """Forbids the calling sub-interpreter to start threads, if the calling thread is its only one.

    Returns:
        Whether the calling thread is its only one.
    """
    _ending.add(own_sys)
    if is_alone():
        return True
    _ending.discard(own_sys)
    return False


def is_shared(name: str) -> bool:
    """Whether interpreters share the module with this dotted name."""
    top = name.partition(".")[0]
    if top in _packages:
        return not name.startswith(USER_MODULES)
    return top in _main_sys.stdlib_module_names and top not in _OWN


def import_shared(name: str) -> ModuleType:
    """Imports a shared module for the calling sub-interpreter.

    Raises:
        BaseException: Whatever the module, or the import, raises.
    """
    module = _main_sys.modules.get(name)
    if module is None or getattr(getattr(module, "__spec__", None), "_initializing", False):
        module = run_in_main(lambda: importlib.import_module(name))
        _add_states()
    return module


def run_in_main(function: Callable[[], Any]) -> Any:  # noqa: ANN401
    """Runs a function in the main interpreter, on its own thread; called by a sub-interpreter, which waits.

    Raises:
        BaseException: Whatever the function raises.
    """
    name = f"{_TASK}{next(_numbers)}"
    task = _tasks[name] = _Task(function)
    try:
        _interpreters[_import("sys")].shared_import(name)
    finally:
        del _tasks[name]
        _main_sys.modules.pop(name, None)
    if task.error is not None:
        try:
            raise task.error
        finally:
            # The traceback of the error refers to this frame: a cycle.
            del task
    return task.result


def _shared_modules() -> dict[str, ModuleType]:
    return {name: module for name, module in list(_main_sys.modules.items()) if is_shared(name)}


def _publish() -> None:
    """Makes all modules that the main interpreter has imported visible to all sub-interpreters."""
    shared = _shared_modules()
    for module in shared.values():
        _find_attributes_in_main(module)
    for interpreter in list(_interpreters.values()):
        for name, module in shared.items():
            interpreter.modules.setdefault(name, module)


def _add_states() -> None:
    """Gives the calling sub-interpreter the state of shared modules, without which their C code would crash."""
    for module in list(_main_sys.modules.values()):
        definition = _definition(module) if isinstance(module, ModuleType) else None
        if definition and not _state_of_module(definition):
            try:
                _add_module(module, definition)
            except SystemError:
                # This module has no state of this kind.
                continue


def _current_sys() -> ModuleType:
    current = _import("sys")
    return _main_sys if current is _proxy else current


def _find_and_load_in_its_interpreter(name: str, import_: Callable[..., ModuleType]) -> ModuleType:
    interpreter = _interpreters.get(_import("sys"))
    if interpreter is None:
        return _find_and_load(name, import_)
    if not is_shared(name):
        return interpreter.own_import(name)
    return import_shared(name)


def _run_lazy_module_in_main(original: Callable[[ModuleType, str], Any]) -> Callable[[ModuleType, str], Any]:
    def getattribute(self: ModuleType, name: str) -> Any:  # noqa: ANN401
        if _import("sys") in _interpreters:
            return run_in_main(lambda: original(self, name))
        return original(self, name)

    return getattribute


def _find_attributes_in_main(module: ModuleType) -> None:
    """Lets the main interpreter's thread run the function that finds missing attributes of a shared module.

    That function may import, and hold a lock of the package meanwhile. The main interpreter's thread, which imports,
    may need the lock as well.
    """
    if not isinstance(module, ModuleType):
        return
    # Not as an attribute, which would import what waits for its first use.
    namespace = _dict_of_module.__get__(module)
    original = namespace.get("__getattr__")
    if type(original) is not FunctionType or original in _in_main:
        return

    @functools.wraps(original)
    def find(name: str) -> Any:  # noqa: ANN401
        # Python itself asks for names such as __path__.
        if name.startswith("__") or _import("sys") not in _interpreters:
            return original(name)
        before = len(_main_sys.modules)
        try:
            return run_in_main(lambda: original(name))
        finally:
            if len(_main_sys.modules) != before:
                _add_states()

    _in_main.add(find)
    namespace["__getattr__"] = find


def _start_unless_ending(original: Callable[..., int]) -> Callable[..., int]:
    def start_new_thread(*arguments: Any) -> int:  # noqa: ANN401
        if _import("sys") in _ending:
            raise RuntimeError("can't start new thread: its interpreter is being closed")
        return original(*arguments)

    return start_new_thread


def _compile_in_main(original: Callable[..., Any]) -> Callable[..., Any]:
    """Makes all syntax trees in the main interpreter: each interpreter has its own classes of nodes."""

    @functools.wraps(original)
    def compile(
        source: Any,  # noqa: ANN401
        filename: Any,  # noqa: ANN401
        mode: str,
        flags: int = 0,
        dont_inherit: bool = False,
        optimize: int = -1,
        **more: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        if not dont_inherit:
            flags |= sys._getframe(1).f_code.co_flags & _FUTURES
        call = functools.partial(original, source, filename, mode, flags, True, optimize, **more)
        if (flags & ast.PyCF_ONLY_AST or isinstance(source, ast.AST)) and _import("sys") in _interpreters:
            return run_in_main(call)
        return call()

    return compile


def _replace_sys() -> None:
    for name, module in list(_main_sys.modules.items()):
        if name.partition(".")[0] not in _OWN and module is not sys.modules[__name__]:
            namespace = getattr(module, "__dict__", {})
            for variable in ("sys", "_sys"):
                if namespace.get(variable) is _main_sys:
                    namespace[variable] = _proxy
    _main_sys.modules["sys"] = _proxy


threadstates.find_places()

import _elementtree  # noqa: E402, F401 - its state, and that of pickle, cannot be given to sub-interpreters later
import pickle  # noqa: E402, F401

import numpy.fft  # noqa: E402
import numpy.linalg  # noqa: E402
import numpy.ma  # noqa: E402
import numpy.random  # noqa: E402, F401

# The first finalizer registers an exit function for all finalizers. If a sub-interpreter made it, the end of that
# interpreter would run the finalizers of all.
weakref.finalize(sys.modules[__name__], int)

protect("numpy")
spawn_by_default()
forbid_fork()

_proxy = _CurrentSys()
_replace_sys()
importlib._bootstrap._find_and_load = _find_and_load_in_its_interpreter  # type: ignore[attr-defined]
importlib.util._LazyModule.__getattribute__ = _run_lazy_module_in_main(  # type: ignore[attr-defined]
    importlib.util._LazyModule.__getattribute__  # type: ignore[attr-defined]
)
builtins.compile = _compile_in_main(builtins.compile)
_main_sys.meta_path.insert(0, _TaskFinder())
_thread.start_new_thread = _thread.start_new = threading._start_new_thread = _start_unless_ending(  # type: ignore
    _thread.start_new_thread
)
