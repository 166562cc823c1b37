# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Connects a sub-interpreter with the packages and the standard library that all share, see `main_interpreter`.

Only the user's own modules, ``sys`` and the import machinery belong to the sub-interpreter itself.
"""

from __future__ import annotations

import codecs
import encodings
import gc
import importlib
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# Seconds: how long closing waits for threads of user code, and how often it looks at them.
_THREADS_TIMEOUT = 1.0
_INTERVAL = 0.005


def share(packages: Sequence[str], path: Sequence[str]) -> None:
    """Makes the calling sub-interpreter share modules from now on; to be called before other modules are imported.

    Args:
        packages: Names of the top-level modules to share besides the standard library.
        path: Folders in which the main interpreter must find modules.
    """
    from _jep import mainInterpreterModules  # type: ignore[import-not-found]
    from jep import findClass  # type: ignore[import-not-found]
    from jep.shared_modules_hook import JepSharedModuleImporter  # type: ignore[import-not-found]

    place, finder = next(
        (place, finder) for place, finder in enumerate(sys.meta_path) if isinstance(finder, JepSharedModuleImporter)
    )
    import_by_jep = finder.sharedImporter.sharedImport
    thread = findClass("java.lang.Thread")

    def shared_import(name: str) -> None:
        # If the waiting thread was interrupted, Jep's two threads would fail to meet from then on.
        interrupted = thread.interrupted()
        try:
            import_by_jep(name)
        finally:
            if interrupted:
                thread.currentThread().interrupt()

    # The main interpreter imports this package.
    main_path = mainInterpreterModules["sys"].path
    main_path.extend(folder for folder in path if folder not in main_path)
    shared_import(f"{__package__}.main_interpreter")
    main = mainInterpreterModules[f"{__package__}.main_interpreter"]

    class SharedModules(JepSharedModuleImporter):
        """Takes shared modules from the main interpreter; replaces Jep's own finder."""

        def __init__(self) -> None:
            pass

        def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
            return ModuleSpec(name, self) if main.is_shared(name) else None  # type: ignore[arg-type]

        def create_module(self, _: ModuleSpec) -> None:
            # None, because the import machinery would change a shared module that is returned here.
            return None

        def exec_module(self, module: ModuleType) -> None:
            # Afterwards, the import machinery takes the module from sys.modules; threads of user code that wait for
            # it do not.
            shared = sys.modules[module.__name__] = main.import_shared(module.__name__)
            main.supersede(vars(module), lambda: shared)

        def unload_modules(self) -> None:
            """Called by Jep when the interpreter ends."""
            main.disconnect(sys)

    def create_module(_: object, spec: ModuleSpec) -> ModuleType:
        # Shared modules may keep a user's function beyond the end of its interpreter, where that one's own builtins
        # are gone.
        module = ModuleType(spec.name)
        vars(module)["__builtins__"] = mainInterpreterModules["builtins"]
        return module

    importlib._bootstrap_external._LoaderBasics.create_module = create_module  # type: ignore[attr-defined]
    # The interpreter's own search function does not know the classes of the shared encodings.
    codecs.unregister(encodings.search_function)
    main.connect(sys, shared_import, importlib.import_module, packages, path)
    codecs.register(sys.modules["encodings"].search_function)
    sys.meta_path[place] = SharedModules()
    _mains.append(main)
    _first_modules.update(sys.modules)


def run_in_main(function: Callable[[], Any]) -> Any:  # noqa: ANN401
    """See `main_interpreter.run_in_main`; to be called after `share`."""
    return _mains[0].run_in_main(function)  # type: ignore[attr-defined]


def end() -> None:
    """Prepares the end of the calling sub-interpreter, in which `share` was called.

    All exit code runs here: if it left a thread behind, the end of the interpreter would abort the process.

    Raises:
        RuntimeError: There are threads besides the calling one, so that the interpreter must not end.
    """
    main = _mains[0]
    gc.unfreeze()
    gc.collect()
    _end_monitors(main.threading.enumerate())
    _wait_for_threads(main)
    main.run_exit_functions()
    # The finalizers of objects run here.
    for name in [name for name in sys.modules if name not in _first_modules and not main.is_shared(name)]:
        sys.modules.pop(name, None)
    gc.collect()
    _wait_for_threads(main)
    if not main.end(sys):
        raise RuntimeError(_THREADS_LIVE)
    main.disconnect(sys)


def _end_monitors(threads: Iterable[object]) -> None:
    """Ends tqdm's threads, which would live as long as the interpreter; the next progress bar starts a new one."""
    for thread in threads:
        if type(thread).__name__ == "TMonitor":
            thread.was_killed.set()  # type: ignore[attr-defined]


def _wait_for_threads(main: ModuleType) -> None:
    end = time.monotonic() + _THREADS_TIMEOUT
    while not main.is_alone():
        if time.monotonic() > end:
            raise RuntimeError(_THREADS_LIVE)
        time.sleep(_INTERVAL)


_THREADS_LIVE = "threads that its code has started still live"

_mains: list[ModuleType] = []
_first_modules: set[str] = set()
