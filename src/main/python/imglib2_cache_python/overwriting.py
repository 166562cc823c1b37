# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Finds code of an image that certainly overwrites all of ``block.data``, whatever was in there before.

Such code needs no zeros in new memory. In case of doubt, code counts as code that may leave pixels as they are.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from imglib2_cache_python.snippet import normalised
from imglib2_cache_python.unwritten import PIXEL_ATTRIBUTES, REFLECTION

# Attributes of the block whose values do not lead to its pixels.
_OTHER_ATTRIBUTES = PIXEL_ATTRIBUTES | {"index"}

# Attributes of an array that say nothing about its elements.
_DESCRIPTION = {"dtype", "itemsize", "nbytes", "ndim", "shape", "size", "strides"}

# With these names, code can reach the block without naming it.
_REFLECTION = REFLECTION | {"getattr", "attrgetter", "__import__", "__dict__", "__globals__"}

# Code in there runs at another time, maybe for another block, or not at all.
_DEFERRED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.GeneratorExp)

# Arguments of a ufunc with which it writes every pixel of `out`. `where` is none of them.
_UFUNC_KEYWORDS = {"out", "dtype", "casting", "order"}


# Longer code is not worth the time.
_MAX_LENGTH = 1 << 16


def overwrites(code: str, names: Mapping[str, Any]) -> bool:
    """Whether the code, if it ends without an error, has written every pixel and has read none before.

    So it is if the first statement that mentions ``block.data``, not in a loop or condition, is ``block.data[...] = …``
    or ``np.function(…, out=block.data)`` with a function of numpy that computes pixel by pixel. ``block.data.dtype``
    and what else only describes the array does not count.

    Args:
        code: Statements.
        names: Names and values that the code sees, apart from ``block`` and ``np``.
    """
    if len(code) > _MAX_LENGTH:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(normalised(code))
    except Exception:
        # Whoever compiles the code tells why.
        return False
    if not all(map(_is_plain, ast.walk(tree))):
        return False
    for node in ast.walk(tree):
        if isinstance(node, _DEFERRED) and _uses_of_data(node):
            return False
    if _names(tree) != len(_uses(tree, _OTHER_ATTRIBUTES | {"data"})):
        # The block itself goes somewhere.
        return False
    first = next((statement for statement in tree.body if _uses_of_data(statement)), None)
    return first is not None and len(_uses_of_data(first)) == 1 and _writes_all(first, names.get("np", np))


def _is_plain(node: ast.AST) -> bool:
    """Whether a node gives no new meaning to ``block`` and ``np``, and reaches nothing without naming it."""
    if isinstance(node, ast.Name):
        return node.id not in _REFLECTION and (node.id not in ("block", "np") or isinstance(node.ctx, ast.Load))
    if isinstance(node, ast.Attribute):
        is_of_np = isinstance(node.value, ast.Name) and node.value.id == "np"
        return node.attr not in _REFLECTION and (not is_of_np or isinstance(node.ctx, ast.Load))
    if isinstance(node, ast.alias):
        # `import numpy as np` means what `np` means anyway.
        bound = node.asname or node.name.split(".")[0]
        is_numpy = bound == "np" and node.name == "numpy"
        return (is_numpy or bound not in ("*", "block", "np")) and not _REFLECTION.intersection(node.name.split("."))
    if isinstance(node, ast.ImportFrom):
        # `from package import numpy as np` is another one.
        is_np = any(alias.asname == "np" for alias in node.names)
        return not is_np and not _REFLECTION.intersection((node.module or "").split("."))
    # Names of functions, classes, arguments, exceptions, …
    return not any(name in ("block", "np") for field in ast.iter_fields(node) for name in _texts(field))


def _texts(field: tuple[str, Any]) -> Iterable[str]:
    name, value = field
    if isinstance(value, str) and name != "value":
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _names(tree: ast.AST) -> int:
    return sum(isinstance(node, ast.Name) and node.id == "block" for node in ast.walk(tree))


def _uses(tree: ast.AST, attributes: set[str]) -> list[ast.Attribute]:
    return [node for node in ast.walk(tree) if _is_attribute_of_block(node) and node.attr in attributes]


def _uses_of_data(tree: ast.AST) -> list[ast.Attribute]:
    described = {id(node.value) for node in ast.walk(tree) if _is_description(node)}
    return [use for use in _uses(tree, {"data"}) if id(use) not in described]


def _is_description(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in _DESCRIPTION and isinstance(node.ctx, ast.Load)


def _is_attribute_of_block(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "block"


def _is_data(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "data" and _is_attribute_of_block(node)


def _writes_all(statement: ast.stmt, numpy: Any) -> bool:  # noqa: ANN401 - whatever the code sees as np
    """Whether a statement with one use of ``block.data`` writes all of it."""
    if isinstance(statement, ast.Assign):
        target = statement.targets[0]
        return len(statement.targets) == 1 and isinstance(target, ast.Subscript) and _is_all_of_data(target)
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call) and _fills(statement.value, numpy)


def _is_all_of_data(target: ast.Subscript) -> bool:
    index = target.slice
    is_all = (isinstance(index, ast.Constant) and index.value is ...) or (
        isinstance(index, ast.Slice) and index.lower is index.upper is index.step is None
    )
    return is_all and _is_data(target.value)


def _fills(call: ast.Call, numpy: Any) -> bool:  # noqa: ANN401 - whatever the code sees as np
    function = call.func
    if numpy is not np or not isinstance(function, ast.Attribute) or not isinstance(function.value, ast.Name):
        return False
    if function.value.id != "np" or not isinstance(getattr(np, function.attr, None), np.ufunc):
        return False
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    return set(keywords) <= _UFUNC_KEYWORDS and _is_data(keywords.get("out", call))
