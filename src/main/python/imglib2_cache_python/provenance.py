# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""What the pixels of an image depend on besides its settings: this Python, and the packages that the code names."""

from __future__ import annotations

import ast
import builtins
import importlib.metadata
import importlib.util
import platform
import sys
import textwrap
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from imglib2_cache_python.reference import function_reference


def describe(codes: Sequence[str], opened: Sequence[tuple[str, Sequence[str]]] = ()) -> list[str]:
    """Describes this Python: its version and folder; and the versions of packages, sorted by name.

    The packages are those that the code imports or takes a function from, and numpy. The same code always names the
    same ones, whatever else is imported.

    Args:
        codes: Pieces of code.
        opened: Expressions that open objects, and the names of their arguments.
    """
    named = (packages_of_expression(*expression) for expression in opened)
    names = sorted({"numpy"}.union(*map(packages_of, codes), *named))
    versions = sorted({version for name in names if (version := _version(name)) is not None}, key=str.lower)
    return [f"{platform.python_version()} at {sys.prefix}", ", ".join(versions)]


def packages_of(code: str) -> set[str]:
    """Names of the packages and modules that some code names, without those of the standard library."""
    reference = function_reference(code)
    if reference is not None and not reference.is_file:
        names = {reference.source}
    else:
        names = set()
        # Neither a file that is away nor code that is not valid is the concern of this function.
        with suppress(OSError, SyntaxError, ValueError):
            text = Path(reference.source).read_text(encoding="utf-8") if reference else textwrap.dedent(code)
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Import):
                    names |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names.add(node.module)
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names


def packages_of_expression(expression: str, arguments: Sequence[str]) -> set[str]:
    """The same for an expression that opens an object: it sees packages without importing them."""
    if function_reference(expression) is not None:
        return packages_of(expression)
    with suppress(SyntaxError, ValueError):
        names = {node.id for node in ast.walk(ast.parse(expression.strip())) if isinstance(node, ast.Name)}
        names -= sys.stdlib_module_names | vars(builtins).keys() | set(arguments)
        return {name for name in names if importlib.util.find_spec(name) is not None}
    return set()


def _version(name: str) -> str | None:
    """Name and version of what is installed and has a package; None if nothing is."""
    with suppress(importlib.metadata.PackageNotFoundError):
        return f"{name} {importlib.metadata.version(name)}"
    distributions = importlib.metadata.packages_distributions().get(name, [])
    return next((f"{found} {importlib.metadata.version(found)}" for found in sorted(distributions)), None)
