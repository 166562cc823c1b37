# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Functions as text, so that another Python can run them again: their names, or their source with what it uses."""

from __future__ import annotations

import ast
import builtins
import functools
import inspect
import linecache
import os
import re
import sys
import textwrap
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from imglib2_cache_python import USER_MODULES
from imglib2_cache_python.reference import function_reference

# Characters of the text of a value.
_MAX_VALUE = 10_000

# Characters from the beginning of the line of a lambda, in which it must be.
_MAX_LAMBDA = 1_000


@dataclass(frozen=True)
class FunctionText:
    """A function as text.

    Attributes:
        code: A function reference.
        file: What its code calls its file.
        recorded_file: The same, as a path of a Python file.
        text: Source of the function, in the lines that it has in its file. None if its module has it.
        uses: Source of what it uses, which has to run before.
        missing: Names that the function uses, and whose values are not known as text.
    """

    code: str
    file: str = ""
    recorded_file: str = ""
    text: str | None = None
    uses: str = ""
    missing: tuple[str, ...] = ()


def function_text(function: Callable[..., Any]) -> FunctionText | None:
    """The text of a function; None if it has none, for instance because it is an object that can be called."""
    name = _importable_name(function)
    if name is not None:
        return FunctionText(name)
    # Objects of the user, and sources that have changed meanwhile, can raise anything.
    with suppress(Exception):
        if type(function) is FunctionType:
            return _extracted(function)
    return None


def _importable_name(function: Any) -> str | None:  # noqa: ANN401
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", None)
    own = str(getattr(function, "__module__", None))
    if own == "__main__" or own.startswith(USER_MODULES):
        return None
    # The public place first. Ufuncs do not know their module.
    for module in (own.partition("._")[0], own, "numpy", "scipy.special"):
        with suppress(AttributeError, KeyError):
            reference = f"{module}:{name}"
            if functools.reduce(getattr, str(name).split("."), sys.modules[module]) is function:
                return reference if function_reference(reference) else None
    return None


@dataclass
class _Extract:
    """Statements that define what a function uses."""

    simple: dict[str, str] = field(default_factory=dict)
    compound: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)

    def add_names_of(self, tree: ast.AST, names: dict[str, Any]) -> None:
        own = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        own |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id not in own and node.id not in self.simple:
                if node.id in names:
                    self._add(node.id, names[node.id])
                elif not hasattr(builtins, node.id) and node.id not in self.missing and not _defines(tree, node.id):
                    self.missing.append(node.id)

    def _add(self, name: str, value: Any) -> None:  # noqa: ANN401
        if isinstance(value, ModuleType):
            self.simple[name] = f"import {value.__name__} as {name}"
            return
        if isinstance(value, (FunctionType, type)) or callable(value):
            reference = _importable_name(value)
            module, _, attribute = (reference or "").partition(":")
            if reference is not None and "." not in attribute:
                self.simple[name] = f"from {module} import {attribute} as {name}"
                return
        if isinstance(value, (FunctionType, type)):
            self._add_source(name, value)
            return
        with suppress(Exception):
            text = repr(value)
            if len(text) <= _MAX_VALUE and ast.literal_eval(text) == value:
                self.simple[name] = f"{name} = {text}"
                return
        if name not in self.missing:
            self.missing.append(name)

    def _add_source(self, name: str, value: Any) -> None:  # noqa: ANN401
        if id(value) in self.seen:
            return
        self.seen.add(id(value))
        try:
            text = textwrap.dedent(_source_of_class(value) if isinstance(value, type) else inspect.getsource(value))
            tree = ast.parse(text)
        except (OSError, TypeError, SyntaxError):
            self.missing.append(name)
            return
        if not _is_definition(tree) or tree.body[0].name != name:  # type: ignore[attr-defined]
            self.missing.append(name)
            return
        # First what it needs itself, for instance the base of a class.
        self.add_names_of(tree, _names_seen_by(value))
        self.compound.append(text)


def _source_of_class(cls: type) -> str:
    """The source of a class, also if it is defined in a notebook.

    Raises:
        OSError, TypeError, SyntaxError: It is not known.
    """
    with suppress(OSError, TypeError):
        return inspect.getsource(cls)
    # Only what its methods are made of tells where that is.
    for method in vars(cls).values():
        if isinstance(method, FunctionType) and method.__qualname__ == f"{cls.__qualname__}.{method.__name__}":
            text = "".join(linecache.getlines(method.__code__.co_filename))
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.ClassDef) and node.name == cls.__name__:
                    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                    return "\n".join(text.splitlines()[first - 1 : node.end_lineno]) + "\n"
    raise OSError(f"the source of {cls.__name__} is not known")


def _extracted(function: FunctionType) -> FunctionText:
    lines, first = inspect.getsourcelines(function)
    text = textwrap.dedent("".join(lines))
    name = function.__name__
    if name == "<lambda>":
        name = "function"
        text = f"{name} = ({_lambda_in(text, function.__code__)})\n"
    tree = ast.parse(text)
    extract = _Extract(seen={id(function)})
    extract.add_names_of(tree, _names_seen_by(function))
    file = function.__code__.co_filename
    recorded = file if file.endswith(".py") else re.sub(r"[^\w.-]+", "_", file).strip("_") + ".py"
    return FunctionText(
        f"{os.path.abspath(recorded)}:{name}",
        file,
        os.path.abspath(recorded),
        "\n" * (first - 1) + text,
        "\n".join([*extract.simple.values(), *extract.compound]),
        tuple(extract.missing),
    )


def _lambda_in(text: str, code: CodeType) -> str:
    """The lambda of some code, in the lines where it begins.

    Raises:
        ValueError: It is not in there.
    """
    text = text[:_MAX_LAMBDA]
    for found in re.finditer(r"\blambda\b", text):
        for end in range(len(text), found.end(), -1):
            part = text[found.start() : end]
            with suppress(SyntaxError, ValueError):
                tree = ast.parse(f"({part})", mode="eval")
                if isinstance(tree.body, ast.Lambda) and _is_same(compile(tree, "", "eval").co_consts[0], code):
                    return part
    raise ValueError("there is no such lambda")


def _is_same(one: CodeType, other: CodeType) -> bool:
    """Whether the code is the same, apart from where its variables are."""
    parts = ("co_argcount", "co_varnames", "co_consts")
    names = {*one.co_names, *one.co_freevars} == {*other.co_names, *other.co_freevars}
    return names and all(getattr(one, part) == getattr(other, part) for part in parts)


def _is_definition(tree: ast.Module) -> bool:
    return len(tree.body) == 1 and isinstance(tree.body[0], (ast.FunctionDef, ast.ClassDef))


def _defines(tree: ast.AST, name: str) -> bool:
    """Whether a name is that of something which is defined or imported in there."""
    return any(
        getattr(node, "name", None) == name
        or (isinstance(node, ast.alias) and (node.asname or node.name.partition(".")[0]) == name)
        for node in ast.walk(tree)
    )


def _names_seen_by(value: Any) -> dict[str, Any]:  # noqa: ANN401
    if isinstance(value, type):
        return dict(vars(sys.modules.get(value.__module__, np)))
    names = dict(value.__globals__)
    for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
        # One that has no value yet.
        with suppress(ValueError):
            names[name] = cell.cell_contents
    return names
