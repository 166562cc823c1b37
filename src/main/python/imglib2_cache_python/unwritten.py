# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Finds code of an image that computes pixels but can never write them into the image.

In case of doubt, code counts as code that writes. It is refused only if nothing that it can reach has the block.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterator, Mapping, Set
from contextlib import suppress
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from imglib2_cache_python.reference import INSTALL_FOLDERS
from imglib2_cache_python.settings import NONE, Settings
from imglib2_cache_python.snippet import normalised

# Pixel attributes: code that computes pixels reads one of these attributes of the block.
PIXEL_ATTRIBUTES = {"inputs", "min", "max", "dim", "halo", "crops", "slices", "rng"}

# Attributes of the block that code can read without being able to write its pixels.
_HARMLESS_ATTRIBUTES = PIXEL_ATTRIBUTES | {"index"}

# Nodes that assign a value.
_ASSIGNMENTS = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.NamedExpr)

# With these names, code can reach its own variables, or the frames of its callers, without naming them.
REFLECTION = {
    *("exec", "eval", "compile", "globals", "locals", "vars", "breakpoint", "builtins", "inspect", "gc", "ctypes"),
    *("importlib", "runpy", "pdb", "bdb", "code", "IPython", "modules", "_getframe", "_current_frames", "settrace"),
    *("setprofile", "f_globals", "f_locals", "f_back", "tb_frame", "gi_frame", "cr_frame", "get_ipython"),
}

# Nodes that define a name, which is their attribute `name`.
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar)

_REFUSAL = (
    "the code never writes into the image: it uses neither block.data nor block itself, and all pixels would be zero; "
    "write the result: block.data[...] = result"
)


def require_written(
    code: str, file_name: str, names: Mapping[str, Any], code_of_names: str | None, settings: Settings = NONE
) -> None:
    """Raises if the code computes pixels but can never write into ``block.data``.

    Args:
        code: Valid statements.
        file_name: Name of the code in tracebacks.
        names: Names and values that the code sees, apart from the built-in names.
        code_of_names: The code that has defined these names; None if it is not known.
        settings: With the parameters and the names of inputs, which the code sees instead of names that are the same.

    Raises:
        SyntaxError: The code never writes. The error has the last line that computes something.
    """
    source = normalised(code)
    tree = ast.parse(source)
    inputs = {name for name in settings.input_names if name is not None}
    line = _last_computation(tree, inputs)
    known = inputs | settings.parameters.keys()
    if line and not _never_completes(tree.body[-1]) and not _may_write(tree, names, code_of_names, known):
        raise SyntaxError(_REFUSAL, (file_name, line, None, source.split("\n")[line - 1]))


def _last_computation(tree: ast.Module, inputs: Set[str]) -> int:
    """Line of the last statement that assigns a value or reads a pixel attribute; 0 if the code computes no pixels.

    Code computes pixels if it reads a pixel attribute of the block or an input by its name, or if its last statement
    assigns a value. Reads in ``assert`` do not count. Code that writes into an attribute of the block is accepted: if
    it writes into a read-only input, it fails when it runs, with an error that says why.
    """
    if not tree.body or any(_writes_to_block(target) for target in ast.walk(tree)):
        return 0
    asserted = {id(node) for check in ast.walk(tree) if isinstance(check, ast.Assert) for node in ast.walk(check)}
    reads = [node.lineno for node in ast.walk(tree) if _reads_pixels(node, inputs) and id(node) not in asserted]
    assignments = [node.lineno for node in ast.walk(tree) if isinstance(node, _ASSIGNMENTS) and node.value is not None]
    last = tree.body[-1]
    # An assignment to attributes or entries only changes an object that lives elsewhere, and does not count.
    if (
        isinstance(last, _ASSIGNMENTS)
        and last.value is not None
        and any(isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) for node in ast.walk(last))
    ):
        return last.lineno
    return max(reads + assignments) if reads else 0


def _reads_pixels(node: ast.AST, inputs: Set[str]) -> bool:
    if isinstance(node, ast.Attribute):
        return _is_name(node.value, "block") and node.attr in PIXEL_ATTRIBUTES
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in inputs


def _writes_to_block(target: ast.AST) -> bool:
    """Whether a node assigns to an attribute of the block, or to entries of it."""
    if not isinstance(getattr(target, "ctx", None), ast.Store):
        return False
    while isinstance(target, (ast.Attribute, ast.Subscript)):
        target = target.value
        if _is_name(target, "block"):
            return True
    return False


def _never_completes(last: ast.stmt) -> bool:
    """Whether code with this last statement never completes: the statement is an endless loop, or raises."""
    if isinstance(last, ast.While) and isinstance(last.test, ast.Constant) and last.test.value:
        return not any(isinstance(node, ast.Break) for node in ast.walk(last))
    return isinstance(last, ast.Raise)


def _may_write(tree: ast.Module, names: Mapping[str, Any], code_of_names: str | None, known: Set[str]) -> bool:
    if _is_opaque(tree):
        return True
    harmless = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in _HARMLESS_ATTRIBUTES
    }
    loaded = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
    if any(node.id == "block" and id(node) not in harmless for node in loaded):
        return True
    # Parameters and inputs are data, which does not lead to the block.
    used = {node.id for node in loaded} - {"block"} - known
    # A name that is not defined yet may be defined later.
    if not used <= names.keys() | vars(builtins).keys() | set(_defined_names(tree)):
        return True
    values = [names[name] for name in used & names.keys()]
    modules = [value for value in values if issubclass(type(value), ModuleType)]
    if not all(_is_library(module.__name__) for module in modules):
        return True
    if len(modules) == len(values):
        return False
    if code_of_names is None:
        return True
    origin = ast.parse(normalised(code_of_names))
    return _is_opaque(origin) or any(_is_name(node, "block") for node in ast.walk(origin))


def _is_opaque(tree: ast.Module) -> bool:
    """Whether code can reach variables that it does not name, or runs code that is not known here."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if "block" in node.value or "__" in node.value:
                return True
        elif isinstance(node, ast.ImportFrom):
            if node.level or not node.module or not _is_library(node.module):
                return True
            if any(alias.name == "*" or _is_reflection(alias.name) for alias in node.names):
                return True
        elif isinstance(node, ast.Import):
            if not all(_is_library(alias.name) for alias in node.names):
                return True
        elif isinstance(node, (ast.Name, ast.Attribute)) and _is_reflection(getattr(node, "id", None) or node.attr):
            return True
    return False


def _is_reflection(name: str) -> bool:
    return name in REFLECTION or name.startswith("__")


def _is_library(module: str) -> bool:
    """Whether a module belongs to the standard library or to an installed package, which do not know of blocks."""
    top = module.partition(".")[0]
    if any(_is_reflection(part) for part in module.split(".")):
        return module == "__future__"
    if top in sys.stdlib_module_names:
        return True
    with suppress(ImportError, ValueError):
        spec = PathFinder.find_spec(top)
        places = [] if spec is None else [spec.origin or "", *(spec.submodule_search_locations or ())]
        return any(part in INSTALL_FOLDERS for place in places for part in Path(place).parts)
    return False


def _defined_names(tree: ast.Module) -> Iterator[str]:
    """Names that the code defines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.alias):
            yield node.asname or node.name.partition(".")[0]
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, _DEFINITIONS):
            yield node.name or ""
        elif isinstance(node, ast.MatchMapping):
            yield node.rest or ""


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
