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
import importlib.util
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any

from imglib2_cache_python.snippet import function_reference, normalised


def prepare_main_interpreter(locations: Iterable[str]) -> None:
    """Makes the main interpreter ready; to be called before the first shared package is imported.

    Args:
        locations: Folders that the main interpreter must find modules in.
    """
    from _jep import mainInterpreterModules, mainInterpreterModulesLock  # type: ignore[import-not-found]

    main_path = mainInterpreterModules["sys"].path
    main_path.extend(location for location in locations if location not in main_path)
    # Packages that use lazy_loader (scikit-image) then import all their modules at once.
    mainInterpreterModules["os"].environ["EAGER_IMPORT"] = "1"
    if f"{__package__}.main_interpreter" not in mainInterpreterModules:
        with mainInterpreterModulesLock:
            jep_importer().sharedImporter.sharedImport(f"{__package__}.main_interpreter")


def jep_importer() -> Any:  # noqa: ANN401
    """What imports shared modules, on the main interpreter's own thread."""
    return next(finder for finder in sys.meta_path if type(finder).__name__ == "JepSharedModuleImporter")


def install_import_guard(shared: Collection[str]) -> None:
    """Lets every import of a shared package import the modules first that the importing code reaches through it.

    These are the module in ``from package import module``, and whatever a module of the user reaches as an attribute.

    Args:
        shared: Names of the shared top-level modules.
    """
    original = builtins.__import__
    importers: set[str] = set()

    def guard(
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: tuple[str, ...] | None = (),
        level: int = 0,
    ) -> Any:  # noqa: ANN401
        if not level and name.partition(".")[0] in shared:
            importer = (globals or {}).get("__name__") or ""
            if importer not in importers and importer.partition(".")[0] not in shared:
                importers.add(importer)
                import_attributes(_source_of(importer), shared, {})
            import_submodules([f"{name}.{attribute}" for attribute in fromlist or () if attribute != "*"], shared)
        return original(name, globals, locals, fromlist or (), level)

    builtins.__import__ = guard


def import_attributes(code: str, shared: Collection[str], names: Mapping[str, Any]) -> None:
    """Imports modules of shared packages that the code reaches as attributes: ``import scipy`` … ``scipy.ndimage``.

    Args:
        code: Statements, an expression or a function reference.
        shared: Names of the shared top-level modules.
        names: What the code sees; the modules among it count as imported.
    """
    reference = function_reference(code)
    if reference:
        module, function = reference
        import_submodules([module, *_attributes(module, function.split("."))], shared)
    else:
        # Not isinstance, which asks the value itself: proxies may raise then.
        known = {name: value.__name__ for name, value in names.items() if issubclass(type(value), ModuleType)}
        import_submodules(attributes_of_imports(code, known), shared)


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
        except Exception:
            # An attribute that is no module, or a module that cannot be imported: the user's own statement will say so.
            continue


def attributes_of_imports(code: str, known: Mapping[str, str] | None = None) -> list[str]:
    """Dotted names of all attributes of imported modules, in order, each after its prefixes; none if it is not Python.

    Args:
        code: Statements or an expression.
        known: Modules that are imported already: their names by the names that the code knows them by.
    """
    try:
        tree = ast.parse(normalised(code).strip())
    except (SyntaxError, ValueError):
        # Who compiles the code says it better.
        return []
    modules = dict(known or {})
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
            names.update(dict.fromkeys(_attributes(modules[node.id], path)))
    return sorted(names, key=lambda name: name.count("."))


def _source_of(module: str) -> str:
    try:
        return importlib.util.find_spec(module).loader.get_source(module) or ""  # type: ignore[union-attr]
    except Exception:
        return ""


def _attributes(module: str, path: Sequence[str]) -> list[str]:
    return [".".join([module, *path[:end]]) for end in range(1, len(path) + 1)]
