# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""What a sub-interpreter needs so that packages shared with other sub-interpreters work in it.

Shared packages live in the main interpreter. Where one of them imports a module of its own on first use, as an
attribute (``scipy.ndimage``, or ``from scipy import ndimage``), it would hang for ever: the sub-interpreter's thread
holds the main interpreter's import lock while Jep asks the main interpreter for the same module
(https://github.com/ninia/jep/issues/487). An ``import scipy.ndimage`` beforehand avoids that.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import sys
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from imglib2_cache_python.snippet import function_reference, normalised


def prepare_main_interpreter(locations: Iterable[str]) -> None:
    """Makes the main interpreter ready; to be called before the first shared package is imported.

    Args:
        locations: Folders that the main interpreter must find modules in.
    """
    from _jep import mainInterpreterModules  # type: ignore[import-not-found]

    main_path = mainInterpreterModules["sys"].path
    main_path.extend(location for location in locations if location not in main_path)
    # Packages that use lazy_loader (scikit-image) then import all their modules at once.
    mainInterpreterModules["os"].environ["EAGER_IMPORT"] = "1"


def install_import_guard(shared: Collection[str]) -> None:
    """Lets ``from package import module`` import the module first, everywhere in this sub-interpreter.

    Args:
        shared: Names of the shared top-level modules.
    """
    original = builtins.__import__

    def guard(
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: tuple[str, ...] | None = (),
        level: int = 0,
    ) -> Any:  # noqa: ANN401
        if fromlist and not level and name.partition(".")[0] in shared:
            import_submodules([f"{name}.{attribute}" for attribute in fromlist if attribute != "*"], shared)
        return original(name, globals, locals, fromlist or (), level)

    builtins.__import__ = guard


def import_attributes(code: str, shared: Collection[str]) -> None:
    """Imports modules of shared packages that the code reaches as attributes: ``import scipy`` … ``scipy.ndimage``."""
    reference = function_reference(code)
    import_submodules([reference[0]] if reference else attributes_of_imports(code), shared)


def import_submodules(names: Iterable[str], shared: Collection[str]) -> None:
    """Imports those of the dotted names that are modules of a shared package; passes over all others."""
    for name in names:
        parent, _, attribute = name.rpartition(".")
        if name.partition(".")[0] not in shared or name in sys.modules:
            continue
        if parent in sys.modules and attribute in vars(sys.modules[parent]):
            continue
        try:
            importlib.import_module(name)
        except ImportError:
            # An attribute that is no module, or one that does not exist: the user's own statement will say so.
            continue


def attributes_of_imports(code: str) -> list[str]:
    """Dotted names of all attributes of imported modules, in order, each after its prefixes."""
    tree = ast.parse(normalised(code))
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                modules[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules.update((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)
    names: dict[str, None] = {}
    for node in ast.walk(tree):
        path: list[str] = []
        while isinstance(node, ast.Attribute):
            path.insert(0, node.attr)
            node = node.value
        if path and isinstance(node, ast.Name) and node.id in modules:
            names.update((".".join([modules[node.id], *path[:end]]), None) for end in range(1, len(path) + 1))
    return sorted(names, key=lambda name: name.count("."))


def with_advice(error: BaseException, mode: str) -> BaseException:
    """Adds to an import that failed in a sub-interpreter what can be done about it."""
    if mode == "SUB" and isinstance(error, ImportError) and not isinstance(error, ModuleNotFoundError):
        error.msg = (
            f"{error.msg}\nThis code runs in a sub-interpreter, which some compiled packages do not support: "
            "try InterpreterMode.SHARED, or -Dimglib2.python.mode=SHARED"
        )
    return error
